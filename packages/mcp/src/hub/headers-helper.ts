import { ProcessError, type ProcessOwner } from '@orch/process';
import { isJsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import type { HeadersHelper } from './server-spec.js';

const timeoutMs = 10_000;
/** From TERM to KILL. */
const graceMs = 500;
const mostBytes = 64 * 1024;

/** Runs the program once; an aborted signal ends it. Rejects with `ORCH_MCP_HEADERS`, and shows nothing of what was printed. */
export async function headersFrom(
  owner: ProcessOwner,
  server: string,
  { argv, cwd, env }: HeadersHelper,
  signal?: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const fail = (what: string, cause?: unknown): McpError =>
    new McpError(
      'ORCH_MCP_HEADERS',
      `The program that prints the headers of ${server} ${what}. Run it by itself: it must print one JSON object of texts.`,
      { details: { server, program: argv[0] }, cause },
    );
  const ended = await owner
    .run({
      ...{ argv, cwd, env, graceMs, wallMs: timeoutMs, captureBytes: mostBytes },
      ...(signal !== undefined && { signal }),
    })
    .catch((error: unknown) => {
      // Its details may hold what was printed.
      const reason = ProcessError.isInstance(error) ? error.code : 'unknown';
      throw fail(`could not be run (${reason})`);
    });
  if (ended.reason === 'cancelled') throw fail('was ended, as nobody waited for it any more');
  if (ended.reason === 'timed_out') throw fail(`did not end within ${timeoutMs} ms`);
  if (ended.code !== 0) throw fail(`ended with ${ended.code ?? ended.signal ?? 'no exit code'}`);
  let value: unknown;
  try {
    value = JSON.parse(ended.stdout.text);
  } catch {
    throw fail('printed no JSON');
  }
  if (!isJsonObject(value)) throw fail('printed no object');
  for (const [name, one] of Object.entries(value))
    if (typeof one !== 'string' || !/^[!#$%&'*+.^_`|~\w-]+$/.test(name) || !isHeaderValue(one))
      throw fail('printed something that is no header');
  return value as Readonly<Record<string, string>>;
}

const isHeaderValue = (value: string): boolean => /^[\t -~\u0080-\u00ff]*$/.test(value);
