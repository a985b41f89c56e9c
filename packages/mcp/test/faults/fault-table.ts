/**
 * What a server may do to its client, and what must come of it. This table was written before the client was:
 * each row is a promise, and `fault.test.ts` has exactly one test for each.
 */
export interface Fault {
  readonly name: string;
  readonly over: 'stdio' | 'http';
  /** The code of the one error that the caller sees, or `recovers`: the call succeeds all the same. */
  readonly expected: `ORCH_MCP_${string}` | 'recovers';
  /** From the call that meets the fault to its settling, or from close() to its end where closing is the matter. */
  readonly boundMs: number;
}

const stdio = (name: string, expected: Fault['expected'], boundMs: number): Fault => ({
  name,
  over: 'stdio',
  expected,
  boundMs,
});
const http = (name: string, expected: Fault['expected'], boundMs: number): Fault => ({
  name,
  over: 'http',
  expected,
  boundMs,
});

export const faults: readonly Fault[] = [
  stdio('it dies at its start and says why on stderr', 'ORCH_MCP_START', 5000),
  stdio('its program does not exist', 'ORCH_MCP_START', 5000),
  stdio('it never answers initialize', 'ORCH_MCP_START', 5000),
  stdio('it answers initialize with nonsense', 'ORCH_MCP_START', 5000),
  stdio('it dies at each start', 'ORCH_MCP_CIRCUIT', 1000),
  stdio('it exits in the middle of a call', 'ORCH_MCP_CLOSED', 5000),
  stdio('it is killed in the middle of a call', 'ORCH_MCP_CLOSED', 5000),
  stdio('it dies in the middle of a call that may be repeated', 'recovers', 15_000),
  stdio('it is deaf to the end of its input and to TERM', 'recovers', 5000),
  stdio('a wrapper hides a grandchild that is deaf to TERM', 'recovers', 5000),
  stdio('it prints lines that are no messages', 'recovers', 5000),
  stdio('it writes its answer byte by byte', 'recovers', 15_000),
  stdio('it answers with 12 MiB', 'recovers', 30_000),
  stdio('it answers with more than the limit', 'ORCH_MCP_TOO_LARGE', 30_000),
  stdio('it answers with a malformed result', 'ORCH_MCP_RESULT', 5000),
  stdio('it answers with neither result nor error', 'ORCH_MCP_RESULT', 5000),
  stdio('it answers twice', 'recovers', 5000),
  stdio('it answers what nobody asked', 'recovers', 5000),
  stdio('it answers with an error', 'ORCH_MCP_REMOTE', 5000),
  stdio('it is silent', 'ORCH_MCP_TIMEOUT', 5000),
  stdio('it is slow and tells its progress', 'recovers', 10_000),
  stdio('it tells its progress for ever', 'ORCH_MCP_TIMEOUT', 5000),
  stdio('its caller gives up', 'ORCH_MCP_CANCELLED', 5000),
  stdio('its pages never end', 'ORCH_MCP_RESULT', 5000),
  stdio('its definitions change in the middle of a session', 'recovers', 5000),
  stdio('its definitions change, and are pinned', 'ORCH_MCP_CHANGED', 5000),
  stdio('its definitions change, and the pins are to warn', 'recovers', 5000),
  stdio('its description is poisoned, and is to be blocked', 'ORCH_MCP_POISONED', 5000),
  stdio('its description is poisoned, and is to be warned of', 'recovers', 5000),
  stdio('what it gives does not fit its output schema', 'ORCH_MCP_STRUCTURED', 5000),
  stdio('it floods stderr with 20 MB', 'recovers', 30_000),
  stdio('it stops reading', 'ORCH_MCP_TIMEOUT', 5000),
  http('nobody listens', 'ORCH_MCP_START', 5000),
  http('it forgets its session before a call that may be repeated', 'recovers', 5000),
  http('it forgets its session before a call that may not', 'ORCH_MCP_SESSION', 5000),
  http('it forgets each session at once', 'ORCH_MCP_SESSION', 5000),
  http('it answers 401', 'ORCH_MCP_AUTH', 5000),
  http('it answers 403', 'ORCH_MCP_AUTH', 5000),
  http('it answers 500', 'ORCH_MCP_HTTP', 5000),
  http('it redirects elsewhere', 'ORCH_MCP_HTTP', 5000),
  http('it answers with a page of HTML', 'ORCH_MCP_RESULT', 5000),
  http('its headers never arrive', 'ORCH_MCP_TIMEOUT', 5000),
  http('the headers of its listening stream never arrive', 'recovers', 5000),
  http('its body comes a byte at a time and never ends', 'ORCH_MCP_TIMEOUT', 5000),
  http('it resets the connection in the middle of an answer', 'ORCH_MCP_CLOSED', 5000),
  http('its stream breaks off, and its events have ids', 'recovers', 5000),
  http('its stream breaks off, and its events have no ids', 'ORCH_MCP_CLOSED', 5000),
  http('it sends an answer of more than the limit', 'ORCH_MCP_TOO_LARGE', 15_000),
  http('it keeps the connection that ends the session open', 'recovers', 5000),
];
