import { exitCode, exitCodeOf } from './exit-codes.js';
import { neutral, oneLine } from './render/neutral.js';
import type { Screen } from './render/screen.js';
import { PlanError } from './usage-error.js';

/** Codes of ours, of the argument parser, and of the system. All others are defects. */
const expected = /^(?:ORCH_|commander\.|E[A-Z0-9]+$)/;

/**
 * Says what went wrong, with its code and the next step, on stderr; with `json` also as one value on
 * stdout. What no code names is a defect and keeps its stack. Returns what to exit with.
 */
export function reportError(screen: Screen, error: unknown, json: boolean): number {
  const { code, message, next, stack, verb } = (error ?? {}) as Partial<Record<string, unknown>>;
  const step = typeof next === 'string' ? { next } : {};
  if (typeof code !== 'string' || !expected.test(code) || typeof message !== 'string') {
    const text = String(stack ?? error);
    if (json) screen.json({ ok: false, error: { code: 'ORCH_DEFECT', message: text } });
    screen.note(
      `${head(screen)}: this is a defect of orch. Please report it with these lines (ORCH_DEFECT):\n${neutral(text)}`,
    );
    return exitCode.environment;
  }
  const text = code.startsWith('commander.') ? usage(message, verb ?? 'orch') : message;
  const problems = error instanceof PlanError ? { problems: error.problems } : {};
  if (json)
    screen.json({ ok: false, error: { code: named(code), message: text, ...step }, ...problems });
  if (error instanceof PlanError) for (const problem of error.text) screen.note(problem);
  screen.note(`${head(screen)}: ${neutral(text)} (${named(code)})`);
  if (step.next !== undefined) screen.note(`next: ${neutral(step.next)}`);
  return exitCodeOf(code);
}

/** `--help`, `--version` and a group without a verb end the argument parser with an error that is none. */
export const helpShown = (error: unknown): boolean => {
  const { code, exitCode: exit } = error as { code?: unknown; exitCode?: unknown };
  return code === 'commander.help' || (String(code).startsWith('commander.') && exit === 0);
};

/** The argument parser's words without its prefix, and where to look. */
const usage = (message: string, verb: unknown): string =>
  `${oneLine(message.replace(/^error: /, ''))}. Look at: ${String(verb)} --help`.replace(
    /([.?!)])\./,
    '$1',
  );

const head = (screen: Screen): string => screen.style('red', 'orch');

/** Codes of the argument parser are ours to people. */
const named = (code: string): string =>
  code.startsWith('commander.') ? 'ORCH_USAGE_ARGUMENTS' : code;
