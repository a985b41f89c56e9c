/**
 * `orch hook EVENT`: for people whose own Claude Code sessions shall go through orch's hooks. Claude Code
 * starts it for each event, so all that it loads before it knows that a hook matches is this file.
 *
 * It reads the table in the state directory and nothing else: no settings, no repository. Whatever goes wrong
 * ends it with exit code 2, which blocks; a missing or killed program is Claude Code's own business, and lets
 * the tool run.
 *
 * @module
 */
import path from 'node:path';
import { findEvent, subjectOf } from '../events/event.js';
import { isJsonObject, own, parseJson, type JsonObject } from '../json.js';
import { matches, mayConcern, readMatcher, type Matcher } from '../matcher/matcher.js';
import type { Decide } from './decide.js';
import { exit, readInput } from './read-input.js';
import { readTableFile, type TableSection } from './table-file.js';

/** Claude Code waits this long, in seconds, and then lets the tool run. */
export const claudeTimeoutSeconds = 60;
/** We wait less, and block. */
export const deadlineMs = 50_000;

export interface HookProgramOptions {
  /** What stands behind `orch hook`. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where approvals and the table are kept. */
  readonly directory: string;
  /** Loads what runs hooks, `@orch/hooks/decide`; asked for only once a hook matches. */
  readonly loadDecide: () => Promise<{ readonly decide: Decide }>;
}

// Not imported: an import of `node:fs` loads `fs/promises` as well, which takes as long as all the rest of this.
const { writeSync } = process.getBuiltinModule('node:fs');

const mostInputBytes = 64 * 1024 * 1024;

/**
 * Runs to the end of the process: it ends it with 0, with what Claude Code shall know on stdout, or with 2 and
 * the reason on stderr.
 */
export async function runHookProgram({
  argv,
  environment,
  directory,
  loadDecide,
}: HookProgramOptions): Promise<never> {
  // What an orch run started is watched by that run.
  if (environment['ORCH_PROCESS_OWNER'] !== undefined) return leave(0);
  process.on('uncaughtException', (error) => leave(2, `orch hook failed: ${error.message}`));
  process.on('unhandledRejection', (error) => leave(2, `orch hook failed: ${String(error)}`));
  try {
    const [event = '', ...rest] = argv;
    const facts = findEvent(event);
    if (facts === undefined)
      return leave(2, `orch hook: there is no event ${JSON.stringify(event.slice(0, 80))}`);
    const limitMs = readDeadline(rest);
    const startedMs = performance.now();
    const late = setTimeout(() => leave(2, `orch hook: no decision within ${limitMs} ms`), limitMs);
    const sections = readTableFile(directory);
    if (!sections.some((section) => concerns(section, event))) return leave(0);
    const payload = parsePayload(await readInput(mostInputBytes));
    const here = sections.filter(
      (section) => concerns(section, event) && isAt(section, payload, environment),
    );
    const subject = subjectOf(facts, event, payload);
    const isFor = (reads: Matcher): boolean =>
      facts.subject === undefined || matches(reads, subject, facts.block !== 'none');
    const runs = (matcher: string): boolean => {
      const reads = readMatcher(matcher);
      // What cannot be read is said by what runs hooks.
      return 'fault' in reads || isFor(reads);
    };
    const hits = here.some(
      ({ hooks, refused }) =>
        hooks.some((hook) => hook.event === event && runs(hook.matcher)) ||
        refused.some((hook) => (hook.event ?? event) === event && mayConcern(hook.matcher, isFor)),
    );
    if (!hits) return leave(0);
    const { decide } = await loadDecide();
    const remainingMs = limitMs - (performance.now() - startedMs);
    const said = await decide({
      event,
      payload,
      sections: here,
      environment,
      directory,
      remainingMs,
    });
    clearTimeout(late);
    return leave(said.code, said.stderr, said.stdout);
  } catch (error) {
    return leave(2, `orch hook failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readDeadline(rest: readonly string[]): number {
  if (rest.length === 0) return deadlineMs;
  const given = rest.length === 2 && rest[0] === '--deadline-ms' ? Number(rest[1]) : Number.NaN;
  if (given > 0 && given < 2 ** 31) return given;
  throw new Error(
    `expected --deadline-ms and milliseconds, received ${JSON.stringify(rest.join(' ').slice(0, 80))}`,
  );
}

const concerns = ({ hooks, refused }: TableSection, event: string): boolean =>
  hooks.some((hook) => hook.event === event) ||
  refused.some((hook) => (hook.event ?? event) === event);

/** A session is in a project if its directory is, or the project that Claude Code names. */
function isAt(
  { root }: TableSection,
  payload: JsonObject,
  environment: HookProgramOptions['environment'],
): boolean {
  if (root === null) return true;
  const places = [own(payload, 'cwd'), environment['CLAUDE_PROJECT_DIR'], process.cwd()];
  return places.some(
    (place) => typeof place === 'string' && (place === root || place.startsWith(root + path.sep)),
  );
}

function parsePayload(text: string): JsonObject {
  const payload = parseJson(text);
  if (isJsonObject(payload)) return payload;
  throw new Error('the payload on stdin is no JSON object');
}

function leave(code: 0 | 2, stderr = '', stdout = ''): never {
  print(1, stdout);
  print(2, stderr);
  exit(code);
}

function print(file: 1 | 2, text: string): void {
  const bytes = Buffer.from(text === '' ? '' : `${text}\n`);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(file, bytes, at);
    } catch (error) {
      // A full pipe is waited for; one that nobody reads is not.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
    }
  }
}
