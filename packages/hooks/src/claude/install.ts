import { mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { claudeEvents } from '../events/claude-events.js';
import { HooksError } from '../hooks-error.js';
import { isJsonObject, own, parseJson, type Json, type JsonObject } from '../json.js';
import { writeWhole } from '../write-whole.js';

/** A change of Claude Code's settings that was worked out, and not made. */
export interface InstallPlan {
  readonly file: string;
  /** What stands there now; undefined: there is no file. */
  readonly before: string | undefined;
  readonly after: string;
  /** Lines with `-`, `+` or a blank before them; empty if nothing changes. */
  readonly diff: readonly string[];
}

/**
 * Works out how `file`, a settings file of Claude Code, calls orch for these events, and for no others. What
 * else stands in it stays. Throws `ORCH_HOOKS_SETTINGS`.
 */
export function planInstall(options: {
  readonly file: string;
  readonly events: readonly string[];
  /** What is started: an absolute program and arguments, before `hook EVENT`. */
  readonly program: readonly [string, ...string[]];
  readonly timeoutSeconds: number;
}): InstallPlan {
  const { file, events, program, timeoutSeconds } = options;
  const unknown = events.find((event) => !Object.hasOwn(claudeEvents, event));
  if (unknown !== undefined)
    throw refuse(file, `${JSON.stringify(unknown)} is no event of Claude Code`);
  const before = readText(file);
  const settings = readSettings(file, before);
  const hooks = own(settings, 'hooks') ?? {};
  if (!isJsonObject(hooks)) throw refuse(file, 'its "hooks" is no object');
  const kept = Object.entries(hooks).map(
    ([event, groups]) => [event, withoutOurs(groups, file, event)] as const,
  );
  const groups = new Map<string, Json[]>(
    kept.filter(([event, rest]) => rest.length > 0 || events.includes(event)),
  );
  const [command, ...args] = program;
  for (const event of events) {
    const ours = {
      hooks: [
        { type: 'command', command, args: [...args, 'hook', event], timeout: timeoutSeconds },
      ],
    };
    groups.set(event, [...(groups.get(event) ?? []), ours]);
  }
  const { hooks: _old, ...rest } = settings;
  const value = groups.size === 0 ? rest : { ...settings, hooks: Object.fromEntries(groups) };
  const after = `${JSON.stringify(value, undefined, indentOf(before))}\n`;
  const isSame = before !== undefined && JSON.stringify(settings) === JSON.stringify(value);
  return {
    file,
    before,
    after: isSame ? before : after,
    diff: isSame ? [] : diffLines(before ?? '', after),
  };
}

/** Makes a planned change, unless the file has changed since. Throws `ORCH_HOOKS_SETTINGS`. */
export function applyInstall({ file, before, after }: InstallPlan): void {
  if (readText(file) !== before)
    throw refuse(file, 'it has changed since the difference was shown; look again');
  try {
    // A link stays a link: people keep their settings elsewhere.
    const target = before === undefined ? file : realpathSync(file);
    mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
    const mode = statSync(target, { throwIfNoEntry: false })?.mode ?? 0o600;
    writeWhole(target, after, mode & 0o777);
  } catch (cause) {
    throw refuse(file, `it cannot be written (${(cause as Error).message})`, cause);
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw refuse(file, `it cannot be read (${(error as Error).message})`, error);
  }
}

function readSettings(file: string, text: string | undefined): JsonObject {
  if (text === undefined || text.trim() === '') return {};
  let value: Json;
  try {
    value = parseJson(text);
  } catch (error) {
    throw refuse(
      file,
      `it is no JSON (${(error as Error).message}); correct it first, nothing was changed`,
      error,
    );
  }
  if (!isJsonObject(value)) throw refuse(file, 'it holds no JSON object');
  return value;
}

/** All groups of an event but those that earlier installations made. */
function withoutOurs(groups: Json, file: string, event: string): Json[] {
  if (!Array.isArray(groups)) throw refuse(file, `its "hooks.${event}" is no list`);
  return (groups as Json[]).filter((group) => {
    const hooks = isJsonObject(group) ? own(group, 'hooks') : undefined;
    return !(Array.isArray(hooks) && hooks.length === 1 && isOurs((hooks as Json[])[0], event));
  });
}

function isOurs(hook: Json | undefined, event: string): boolean {
  const args = isJsonObject(hook) ? own(hook, 'args') : undefined;
  return Array.isArray(args) && args.at(-2) === 'hook' && args.at(-1) === event;
}

const indentOf = (text: string | undefined): string =>
  /^[ \t]+(?=")/m.exec(text ?? '')?.[0] ?? '  ';

/** One changed stretch with three lines around it: settings are changed in one place. */
function diffLines(before: string, after: string): readonly string[] {
  const [old, young] = [before, after].map((text) =>
    text === '' ? [] : text.trimEnd().split('\n'),
  ) as [string[], string[]];
  let head = 0;
  while (head < old.length && head < young.length && old[head] === young[head]) head += 1;
  let tail = 0;
  while (
    tail < old.length - head &&
    tail < young.length - head &&
    old.at(-1 - tail) === young.at(-1 - tail)
  )
    tail += 1;
  const around = 3;
  return [
    ...young.slice(Math.max(0, head - around), head).map((line) => `  ${line}`),
    ...old.slice(head, old.length - tail).map((line) => `- ${line}`),
    ...young.slice(head, young.length - tail).map((line) => `+ ${line}`),
    ...young.slice(young.length - tail, young.length - tail + around).map((line) => `  ${line}`),
  ];
}

function refuse(file: string, why: string, cause?: unknown): HooksError {
  return new HooksError('ORCH_HOOKS_SETTINGS', `${file} was not changed: ${why}.`, {
    details: { path: file },
    cause,
  });
}
