import fs from 'node:fs';
import { join } from 'node:path';
import type { AgentEvent, TurnEnded } from '../../src/event.js';
import { createInterpreter } from '../../src/claude/interpreter.js';
import type { ClaudeExit } from '../../src/claude/verdict.js';
import { createRedaction } from '../../src/redaction.js';

const samples = join(import.meta.dirname, '..', 'testdata', 'stream-json');

export interface Replay {
  readonly events: readonly AgentEvent[];
  readonly replies: readonly string[];
  readonly end: TurnEnded;
}

export interface ReplayOptions {
  readonly exit?: Partial<ClaudeExit>;
  readonly continuing?: boolean;
  readonly allow?: readonly string[];
  readonly secrets?: readonly string[];
}

/** Lines that the real program wrote. */
export function readSample(name: string): string[] {
  return fs
    .readFileSync(join(samples, `${name}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n');
}

/** Reads recorded lines as the driver does while the program runs. */
export function replay(lines: readonly string[], options: ReplayOptions = {}): Replay {
  const interpreter = createInterpreter({
    cwd: '/repo/app',
    allow: options.allow ?? [],
    continuing: options.continuing ?? false,
    redaction: createRedaction(options.secrets ?? []),
  });
  const readings = lines.map((line) => interpreter.read(line));
  return {
    events: readings.flatMap((reading) => reading.events),
    replies: readings.flatMap((reading) => reading.reply ?? []),
    end: interpreter.end({
      by: 'exited',
      code: 0,
      signal: null,
      durationMs: 1,
      left: 0,
      stderr: '',
      ...options.exit,
    }),
  };
}
