import { CommanderError } from 'commander';
import { expect, it } from 'vitest';
import { helpShown, reportError } from '../src/report-error.js';
import { PlanError, UsageError } from '../src/usage-error.js';
import { recordingScreen } from './recording-screen.js';

const reported = (error: unknown, json = false) => {
  const { screen, out, error: note } = recordingScreen();
  return { exit: reportError(screen, error, json), out: out(), note: note() };
};

it('an error says its code and the next step on stderr, and nothing on stdout', () => {
  const error = Object.assign(new Error('The state directory is inside the repository'), {
    code: 'ORCH_WORKSPACE_STATE_DIRECTORY',
    next: 'export ORCH_STATE_DIR=/elsewhere',
  });
  expect(reported(error)).toEqual({
    exit: 7,
    out: '',
    note: 'orch: The state directory is inside the repository (ORCH_WORKSPACE_STATE_DIRECTORY)\nnext: export ORCH_STATE_DIR=/elsewhere\n',
  });
});

it('with --json it is one value on stdout too', () => {
  const { out, note } = reported(new UsageError('There is no plan file x'), true);
  expect(JSON.parse(out)).toEqual({
    ok: false,
    error: { code: 'ORCH_USAGE_ARGUMENTS', message: 'There is no plan file x' },
  });
  expect(note).toContain('There is no plan file x');
});

it('every problem of a plan is said, and given with --json', () => {
  const error = new PlanError('2 problems', [{ line: 1 }, { line: 2 }], ['p.yaml:1', 'p.yaml:2']);
  const { exit, out, note } = reported(error, true);
  expect(exit).toBe(2);
  expect(note).toBe('p.yaml:1\np.yaml:2\norch: 2 problems (ORCH_PLAN_INVALID)\n');
  expect(JSON.parse(out)).toMatchObject({
    error: { code: 'ORCH_PLAN_INVALID' },
    problems: [{ line: 1 }, { line: 2 }],
  });
});

it('what no code names is a defect and keeps its stack', () => {
  const { exit, note } = reported(new TypeError('x is not a function'));
  expect(exit).toBe(7);
  expect(note).toMatch(/defect of orch.*TypeError: x is not a function\n\s+at /s);
  const internal = Object.assign(new Error('bad argument'), { code: 'ERR_INVALID_ARG_TYPE' });
  expect(reported(internal).note).toMatch(/defect of orch.*\n\s+at /s);
  expect(reported('thrown text').note).toContain('thrown text');
  expect(reported(undefined).exit).toBe(7);
});

it('what others wrote into a message does not act on the terminal', () => {
  expect(reported(new UsageError('no task "\u001b[2J\u202e"')).note).toBe(
    'orch: no task "" (ORCH_USAGE_ARGUMENTS)\n',
  );
});

it('words of the argument parser become a usage error; help is none', () => {
  const error = new CommanderError(1, 'commander.unknownOption', "error: unknown option '--x'");
  expect(reported(error)).toMatchObject({
    exit: 2,
    note: "orch: unknown option '--x'. Look at: orch --help (ORCH_USAGE_ARGUMENTS)\n",
  });
  expect(reported(Object.assign(error, { verb: 'orch why' })).note).toContain('orch why --help');
  expect(helpShown(new CommanderError(0, 'commander.helpDisplayed', ''))).toBe(true);
  expect(helpShown(error)).toBe(false);
});
