/**
 * What a server may do to its client, and what must come of it. This table was written before the client was:
 * each row is a promise, and `fault.test.ts` has exactly one test for each.
 */
export interface Fault {
  readonly name: string;
  readonly over: 'stdio' | 'http' | 'sse' | 'ws';
  /** The code of the one error that the caller sees, or `recovers`: the call succeeds all the same. */
  readonly expected: `ORCH_MCP_${string}` | 'recovers';
  /** From the call that meets the fault to its settling, or from close() to its end where closing is the matter. */
  readonly boundMs: number;
}

const over =
  (transport: Fault['over']) =>
  (name: string, expected: Fault['expected'], boundMs: number): Fault => ({
    name,
    over: transport,
    expected,
    boundMs,
  });
const stdio = over('stdio');
const http = over('http');
const sse = over('sse');
const ws = over('ws');

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
  sse('nobody listens', 'ORCH_MCP_START', 5000),
  sse('the headers of its stream never arrive', 'ORCH_MCP_START', 5000),
  sse('its endpoint never arrives', 'ORCH_MCP_START', 5000),
  sse('its stream ends before its endpoint', 'ORCH_MCP_START', 5000),
  sse('its endpoint is of another origin', 'ORCH_MCP_START', 5000),
  sse('its endpoint carries a password', 'ORCH_MCP_START', 5000),
  sse('its endpoint is no address', 'ORCH_MCP_START', 5000),
  sse('it names a second endpoint', 'recovers', 5000),
  sse('it answers the stream with a page of HTML', 'ORCH_MCP_START', 5000),
  sse('it answers the stream with 401', 'ORCH_MCP_AUTH', 5000),
  sse('it answers 401', 'ORCH_MCP_AUTH', 5000),
  sse('it answers 403', 'ORCH_MCP_AUTH', 5000),
  sse('it answers 500', 'ORCH_MCP_HTTP', 5000),
  sse('it redirects elsewhere', 'ORCH_MCP_HTTP', 5000),
  sse('it forgets its session before a call that may be repeated', 'recovers', 5000),
  sse('it forgets its session before a call that may not', 'ORCH_MCP_SESSION', 5000),
  sse('its stream breaks off in the middle of a call', 'ORCH_MCP_CLOSED', 5000),
  sse('its stream ends in the middle of a call that may be repeated', 'recovers', 5000),
  sse('its stream breaks off at each try of a call that may be repeated', 'ORCH_MCP_CLOSED', 5000),
  sse('it answers without taking the message', 'recovers', 5000),
  sse('it takes the message and is silent', 'ORCH_MCP_TIMEOUT', 5000),
  sse('it writes its answer byte by byte', 'recovers', 15_000),
  sse('its event comes a byte at a time and never ends', 'ORCH_MCP_TIMEOUT', 5000),
  sse('its events are not all messages', 'recovers', 5000),
  sse('it answers with 12 MiB', 'recovers', 30_000),
  sse('it sends an answer of more than the limit', 'ORCH_MCP_TOO_LARGE', 15_000),
  ws('nobody listens', 'ORCH_MCP_START', 5000),
  ws('it never answers the upgrade', 'ORCH_MCP_START', 5000),
  ws('it answers the upgrade with 401', 'ORCH_MCP_AUTH', 5000),
  ws('it answers the upgrade with 403', 'ORCH_MCP_AUTH', 5000),
  ws('it redirects the upgrade elsewhere', 'ORCH_MCP_START', 5000),
  ws('it does not speak the subprotocol', 'ORCH_MCP_START', 5000),
  ws('it breaks off in the middle of a call', 'ORCH_MCP_CLOSED', 5000),
  ws('it breaks off in the middle of a call that may be repeated', 'recovers', 5000),
  ws('it closes in order in the middle of a call', 'ORCH_MCP_CLOSED', 5000),
  ws('it closes because it is out of order', 'ORCH_MCP_CLOSED', 5000),
  ws('it closes because the message was too large for it', 'ORCH_MCP_TOO_LARGE', 5000),
  ws('it closes because the token is no longer valid', 'ORCH_MCP_AUTH', 5000),
  ws('it closes because it does not take text', 'ORCH_MCP_RESULT', 5000),
  ws('it sends a frame of more than the limit', 'ORCH_MCP_TOO_LARGE', 15_000),
  ws('it announces a frame of more than the limit', 'ORCH_MCP_TOO_LARGE', 5000),
  ws('its frame comes a byte at a time and never ends', 'ORCH_MCP_TIMEOUT', 5000),
  ws('it sends what is no frame', 'ORCH_MCP_RESULT', 5000),
  ws('it sends text that is not UTF-8', 'ORCH_MCP_RESULT', 5000),
  ws('it sends frames that are no messages', 'recovers', 5000),
  ws('it answers in fragments, with pings between', 'recovers', 5000),
  ws('it is silent', 'ORCH_MCP_TIMEOUT', 5000),
  ws('it is gone without a word', 'ORCH_MCP_CLOSED', 5000),
  ws('it does not answer that it is over', 'recovers', 5000),
  ws('it answers with 12 MiB', 'recovers', 30_000),
];
