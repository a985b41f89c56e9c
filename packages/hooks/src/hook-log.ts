import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { excerpt, isJsonObject, own, parseJson } from './json.js';
import type { Outcome } from './run/outcome.js';

/** One event for which a hook ran or was refused. Nothing of its payload is kept. */
export interface HookLogLine {
  /** UTC. */
  readonly at: string;
  readonly event: string;
  readonly decision: string;
  readonly blocked: boolean;
  readonly durationMs: number;
  readonly hooks: readonly {
    readonly hook: string;
    readonly where: string;
    readonly source: string;
    /** What it said: a decision, `nothing`, or the kind of its failure. */
    readonly said: string;
    readonly message?: string;
    readonly durationMs: number;
  }[];
  readonly refused: readonly {
    readonly where: string;
    readonly source: string;
    readonly message: string;
  }[];
}

/** A log of this size becomes the old one, and the one before it goes. */
const mostBytes = 4 * 1024 * 1024;
const fileOf = (directory: string): string => path.join(directory, 'log.jsonl');
const oldFileOf = (directory: string): string => path.join(directory, 'log.1.jsonl');

/** Appends an outcome, one line in one write. What cannot be logged stops nothing: it is said on stderr. */
export function appendToLog(directory: string, outcome: Outcome, now = new Date()): void {
  const { event, decision = 'none', blocked, durationMs } = outcome;
  const line: HookLogLine = {
    at: now.toISOString(),
    event,
    decision,
    blocked,
    durationMs: rounded(durationMs),
    hooks: outcome.results.map((result) => ({
      hook: result.hook,
      where: result.where,
      source: result.source,
      said: result.failure?.kind ?? result.answer?.decision ?? 'nothing',
      ...messageOf(result.failure?.message ?? result.answer?.reason),
      durationMs: rounded(result.durationMs),
    })),
    refused: outcome.refused.map(({ where, source, message }) => ({
      where,
      source,
      message: excerpt(message, 300),
    })),
  };
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = fileOf(directory);
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > mostBytes)
      renameSync(file, oldFileOf(directory));
    appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
  } catch (error) {
    process.stderr.write(`The log of hooks could not be written: ${(error as Error).message}\n`);
  }
}

const rounded = (ms: number): number => Math.round(ms * 100) / 100;
const messageOf = (message: string | undefined): { readonly message?: string } =>
  message === undefined ? {} : { message: excerpt(message, 300) };

/** The newest lines last. A line that a crash cut off is left out. */
export function readHookLog(directory: string, most = 100): readonly HookLogLine[] {
  const lines = [oldFileOf(directory), fileOf(directory)].flatMap((file) => {
    try {
      return readFileSync(file, 'utf8').split('\n');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
  const read = lines.flatMap((line) => {
    try {
      const value = parseJson(line);
      return isJsonObject(value) && typeof own(value, 'event') === 'string'
        ? [value as unknown as HookLogLine]
        : [];
    } catch {
      return [];
    }
  });
  return read.slice(-most);
}
