import { posix } from 'node:path';
import type { Json } from '../json.js';
import { isObject } from '../graph/json-kind.js';
import type { Locations } from './locations.js';
import { MAX_CHARACTERS, parseYaml } from './parse-yaml.js';
import type { Path } from './path.js';
import type { SchemaFile } from './plan.js';
import type { Report } from './problem.js';
import { TYPE_NAMES } from './schema/outputs.js';
import { createSourceText, type SourceText } from './source-text.js';
import { rawTasks } from './task-paths.js';

/** Where a plan's text comes from. */
export interface PlanSource {
  /** Path to show, with `/`; `orch.yaml`. */
  readonly file: string;
  readonly text: string;
  /**
   * The text of a file beside the plan, or `undefined` if there is none. The path has no `..` and is
   * not absolute; whoever implements this must not follow links out of the repository.
   */
  readonly readFile: (relativePath: string) => Promise<string | undefined>;
}

/** Reads files that a plan names, once each; every use of a bad one is a problem of its own. */
export interface PlanFiles {
  readonly prompts: ReadonlyMap<string, SourceText>;
  readonly schemas: ReadonlyMap<string, SchemaFile>;
}

export async function readPlanFiles(
  source: PlanSource,
  document: Json,
  locations: Locations,
  report: Report,
): Promise<PlanFiles> {
  const prompts = new Map<string, SourceText>();
  const schemas = new Map<string, SchemaFile>();
  for (const { path, task } of rawTasks(document)) {
    const { prompt, output } = task;
    if (isObject(prompt) && typeof prompt['file'] === 'string') {
      const at = [...path, 'prompt', 'file'];
      const text =
        prompts.get(prompt['file']) ??
        (await readNamed(source, prompt['file'], at, locations, report));
      if (text) prompts.set(prompt['file'], text);
    }
    const schema = isObject(output) ? output['schema'] : undefined;
    if (typeof schema === 'string' && !isTypeName(schema) && !schemas.has(schema)) {
      const at = [...path, 'output', 'schema'];
      const text = await readNamed(source, schema, at, locations, report);
      const parsed = text && parseYaml(text, report);
      if (parsed) schemas.set(schema, parsed);
    }
  }
  return { prompts, schemas };
}

/** The text of a file named at `path`, or `undefined` after saying why there is none. */
export async function readNamed(
  source: PlanSource,
  name: string,
  path: Path,
  locations: Locations,
  report: Report,
): Promise<SourceText | undefined> {
  const refuse = (code: 'ORCH_PLAN_FILE' | 'ORCH_PLAN_FILE_PATH', message: string): undefined => {
    report.add(locations.value(path), path, { code, message, received: name });
  };
  const fault = pathFault(name);
  if (fault !== undefined) {
    refuse('ORCH_PLAN_FILE_PATH', fault);
    return;
  }
  let text: string | undefined;
  try {
    text = await source.readFile(name);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    refuse('ORCH_PLAN_FILE', `the file ${JSON.stringify(name)} cannot be read: ${reason}`);
    return;
  }
  const shown = posix.join(posix.dirname(source.file), name);
  if (text === undefined) {
    refuse('ORCH_PLAN_FILE', `there is no file ${shown}`);
    return;
  }
  if (text.length > MAX_CHARACTERS) {
    refuse('ORCH_PLAN_FILE', `${shown} has more than ${MAX_CHARACTERS} characters`);
    return;
  }
  if (text.trim() === '') {
    refuse('ORCH_PLAN_FILE', `${shown} is empty`);
    return;
  }
  const control = text.search(/[^\P{Cc}\t\n\r]/u);
  if (control === -1) return createSourceText(shown, text.replace(/^\uFEFF/, ''));
  const { line, column } = createSourceText(shown, text).spotAt(control);
  refuse('ORCH_PLAN_FILE', `${shown} has a control character at ${line}:${column}`);
}

/** Why a path cannot be used in a plan; `undefined` if it can. */
export function pathFault(path: string): string | undefined {
  const shown = JSON.stringify(path);
  if (/^([/\\]|[A-Za-z]:[/\\])/.test(path)) return `${shown} is absolute; expected a relative path`;
  if (path.startsWith('~')) return `${shown}: ~ has no meaning here; expected a relative path`;
  if (path.split(/[/\\]/).includes('..')) return `${shown} leaves its directory by ..`;
  return undefined;
}

function isTypeName(text: string): boolean {
  return (TYPE_NAMES as readonly string[]).includes(text);
}
