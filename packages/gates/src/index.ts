/**
 * Checks of a result, each with a verdict and a receipt.
 *
 * ```ts
 * const result = await runCommandGate(
 *   { id: 'unit', command: { argv: ['node', '--test'], shell: false }, cwd, env, timeoutMs: 60_000, commit, tree, subject: 'task a' },
 *   { owner, signal },
 * );
 * if (result.verdict !== 'passed') console.log(result.findings);
 * ```
 *
 * Guarantees: exit code 0 is the only way to pass, and not enough for a test run in which no test ran; a
 * gate's processes are gone when its result is there; a receipt tells what ran, where, how it ended and
 * the digest of all it said; findings are plain text of at most 8 KiB.
 *
 * It does not check out, isolate or retry, and does not decide what is in the environment: the caller does.
 *
 * @module
 */
export {
  runCommandGate,
  type CommandGateContext,
  type CommandGateRequest,
} from './command-gate.js';
export { digestOutput, type GateResult, type Receipt } from './gate-result.js';
export { failurePatterns, findingsLimitBytes, hintPatterns } from './findings.js';
export { findZeroTests, testReportPatterns, type TestReportPattern } from './zero-tests.js';
export { GateError, type GateErrorCode } from './gate-error.js';
