import type { ServerSpec } from '../hub/server-spec.js';
import { McpError } from '../mcp-error.js';
import { expandVariables } from './expand.js';

/** An entry of `.mcp.json`, with variables as they are written there. */
export type ServerEntry =
  | {
      readonly command: string;
      readonly args: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
    }
  | {
      readonly type: 'http';
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
    };

/** A package of npm, at exactly the version that is tested here. */
const npx = (
  pack: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): ServerEntry => ({
  command: 'npx',
  args: ['-y', pack, ...args],
  ...(Object.keys(env).length > 0 && { env }),
});

const official = '@modelcontextprotocol/server-';

/** Well-known servers, as entries of `.mcp.json`. */
export const presets = {
  /** Files below the directories, and no others. */
  filesystem: (directories: readonly string[]): ServerEntry =>
    npx(`${official}filesystem@2026.8.31`, directories),

  /** A graph of what is to be remembered. `file`: where it is kept; default: within the package. */
  memory: ({ file }: { readonly file?: string } = {}): ServerEntry =>
    npx(`${official}memory@2026.8.31`, [], file === undefined ? {} : { MEMORY_FILE_PATH: file }),

  sequentialThinking: (): ServerEntry => npx(`${official}sequential-thinking@2026.8.31`),

  /** One of everything in the protocol: for trying out clients. Its `get-env` tells its variables to whoever asks. */
  everything: (): ServerEntry => npx(`${official}everything@2026.8.31`),

  /**
   * GitHub's own server, with the token in `GITHUB_PERSONAL_ACCESS_TOKEN`. `toolsets` (`repos`, `issues`, …): only
   * these groups of tools; `readOnly`: only tools that change nothing.
   */
  github({
    toolsets = [],
    readOnly = false,
  }: { readonly toolsets?: readonly string[]; readonly readOnly?: boolean } = {}): ServerEntry {
    return {
      type: 'http',
      url: 'https://api.githubcopilot.com/mcp/',
      headers: {
        Authorization: 'Bearer ${GITHUB_PERSONAL_ACCESS_TOKEN}',
        ...(toolsets.length > 0 && { 'X-MCP-Toolsets': toolsets.join(',') }),
        ...(readOnly && { 'X-MCP-Readonly': 'true' }),
      },
    };
  },

  /** GitHub's older server, for where the other cannot be reached; its makers no longer keep it. */
  githubNpm: (): ServerEntry =>
    npx(`${official}github@2025.4.8`, [], {
      GITHUB_PERSONAL_ACCESS_TOKEN: '${GITHUB_PERSONAL_ACCESS_TOKEN}',
    }),

  /** Symbols of a project, for many languages; needs `uvx`. Not tested here. */
  serena: ({ project }: { readonly project: string }): ServerEntry => ({
    command: 'uvx',
    args: [
      ...['--from', 'git+https://github.com/oraios/serena', 'serena', 'start-mcp-server'],
      ...['--context', 'ide-assistant', '--project', project],
    ],
  }),

  /** Symbols of a project through language servers; `config` says which, see the package cclsp. */
  cclsp: ({ config }: { readonly config: string }): ServerEntry =>
    npx('cclsp@0.7.0', [], { CCLSP_CONFIG_PATH: config }),
} as const;

/**
 * Makes an entry into what `createMcpHub` takes. Throws `ORCH_MCP_CONFIG` with all variables that are not set.
 *
 * @param environment Default: `process.env`.
 */
export function fillIn(
  entry: ServerEntry,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ServerSpec {
  const unset = new Set<string>();
  const secrets: string[] = [];
  const fill = (text: string): string => {
    const expanded = expandVariables(text, environment);
    for (const name of expanded.unset) unset.add(name);
    secrets.push(...expanded.values);
    return expanded.text;
  };
  const fillAll = (texts: Readonly<Record<string, string>> = {}): Record<string, string> =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, fill(text)]));
  const spec: ServerSpec =
    'url' in entry
      ? { type: 'http', url: fill(entry.url), headers: fillAll(entry.headers) }
      : { command: fill(entry.command), args: entry.args.map(fill), env: fillAll(entry.env) };
  if (unset.size === 0) return { ...spec, secrets };
  const names = [...unset];
  throw new McpError(
    'ORCH_MCP_CONFIG',
    `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not set; set ${names.length === 1 ? 'it' : 'them'} for this server.`,
    { details: { unset: names } },
  );
}
