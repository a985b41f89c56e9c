import { McpError } from '../mcp-error.js';

/**
 * Names that may be used; `*` stands for any characters. Without `allow` everything is allowed, and `deny` is
 * stronger than `allow`.
 */
export interface Filter {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/** Filters of a server, or of a whole hub. They hold for what is listed and for what is used alike. */
export interface Filters {
  readonly tools?: Filter;
  /** Of addresses; of templates by the text of the template. */
  readonly resources?: Filter;
  readonly prompts?: Filter;
}

export type Allows = (name: string) => boolean;

/** Remembered verdicts; names come from callers too, so there is an end to them. */
const rememberedMost = 10_000;

function pattern(patterns: readonly string[], where: string): (name: string) => boolean {
  const given: unknown = patterns;
  const isList = Array.isArray(given);
  if (!isList || !given.every((one: unknown) => typeof one === 'string' && one !== ''))
    throw new McpError(
      'ORCH_MCP_SPEC',
      `${where} must be a list of names, in which * stands for any characters.`,
    );
  const exact = new Set(patterns.filter((one) => !one.includes('*')));
  const wild = patterns.filter((one) => one.includes('*')).map((one) => one.split(/\*+/));
  return (name) => exact.has(name) || wild.some((parts) => matches(name, parts));
}

/** Whether the parts stand in the name in their order, the first at its beginning and the last at its end. */
function matches(name: string, parts: readonly string[]): boolean {
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

/** Compiled filters. */
export interface AllowsAll {
  readonly tools: Allows;
  readonly resources: Allows;
  readonly prompts: Allows;
}

/** A misspelt key would allow what it was to forbid. */
export function refuseOtherKeys(value: object, known: readonly string[], where: string): void {
  const other = Object.keys(value).find((key) => !known.includes(key));
  if (other === undefined) return;
  throw new McpError(
    'ORCH_MCP_SPEC',
    `${where} has no ${JSON.stringify(other)}; it has ${known.join(', ')}.`,
  );
}

/** Throws `ORCH_MCP_SPEC` for a filter that is none. */
function compileFilter(filter: Filter | undefined, where: string): Allows {
  if (filter === undefined) return () => true;
  refuseOtherKeys(filter, ['allow', 'deny'], where);
  const allow = filter.allow === undefined ? () => true : pattern(filter.allow, `${where}.allow`);
  const deny = pattern(filter.deny ?? [], `${where}.deny`);
  const verdicts = new Map<string, boolean>();
  return (name) => {
    let verdict = verdicts.get(name);
    if (verdict === undefined) {
      verdict = allow(name) && !deny(name);
      if (verdicts.size >= rememberedMost) verdicts.clear();
      verdicts.set(name, verdict);
    }
    return verdict;
  };
}

/** Throws `ORCH_MCP_SPEC` for what are no filters. */
export function compileFilters(filters: Filters, where: string): AllowsAll {
  refuseOtherKeys(filters, ['tools', 'resources', 'prompts'], where);
  return {
    tools: compileFilter(filters.tools, `${where}: tools`),
    resources: compileFilter(filters.resources, `${where}: resources`),
    prompts: compileFilter(filters.prompts, `${where}: prompts`),
  };
}
