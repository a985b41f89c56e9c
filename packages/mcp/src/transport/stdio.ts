import { ProcessError, type Ended, type OwnedProcess, type ProcessOwner } from '@orch/process';
import { excerpt } from '../json.js';
import { McpError } from '../mcp-error.js';
import type { SpillFile, SpillPlace } from '../spill/spill.js';
import { tellMessages } from './message-text.js';
import type { Remains, Transport, WireEvents, WireLimits } from './transport.js';

export interface StdioOptions extends WireLimits {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** How long the server may take to end by itself once its input has ended. */
  readonly closeMs: number;
}

/** From TERM to KILL. */
const graceMs = 500;
const stderrTail = 4000;
/** So many characters, and the server may begin with them while the rest of the turn is written. */
const enoughToBegin = 2048;

/** What is cut off could not be recognised any more: secrets are taken out before. */
const remainsOf = ({ code, signal, stderr }: Ended, redact: (text: string) => string): Remains => ({
  ...(code === null ? {} : { exitCode: code }),
  ...(signal === null ? {} : { signal }),
  stderr: redact(stderr.text).slice(-stderrTail).trim(),
});

/** "with exit code 3, and said last: …", for messages. */
export function howItEnded(remains: Remains): string {
  const { exitCode, signal, stderr = '' } = remains;
  const how =
    exitCode !== undefined ? ` with exit code ${exitCode}` : signal ? ` by ${signal}` : '';
  const said = stderr === '' ? '' : `; it said last: ${excerpt(stderr.slice(-300), 300)}`;
  return `${how}${said}`;
}

/** Starts a server and speaks with it over its stdin and stdout, a message a line. Rejects with `ORCH_MCP_START`. */
export async function openStdio(
  owner: ProcessOwner,
  options: StdioOptions,
  events: WireEvents,
  redact: (text: string) => string = (text) => text,
): Promise<Transport> {
  const { argv, cwd, env, maxMessageBytes, spill, closeMs } = options;
  const receive = (line: string): void => {
    if (line === '' || line === '\r') return;
    tellMessages(line, events);
  };
  let file: SpillFile | undefined;
  const receivePiece = (place: SpillPlace) => (piece: Buffer, isLast: boolean) => {
    file ??= place.open();
    file.write(piece);
    if (!isLast) return;
    events.oversized(file.end());
    file = undefined;
  };
  let owned: OwnedProcess;
  try {
    owned = await owner.start({
      argv,
      cwd,
      env,
      stdin: 'pipe',
      graceMs,
      captureBytes: 4 * stderrTail,
      digest: false,
      maxLineBytes: maxMessageBytes,
      onStdoutLine: receive,
      ...(spill !== undefined && { onLongStdoutLine: receivePiece(spill) }),
    });
    const abandon = (): void => file?.abandon();
    owned.ended.then(abandon, abandon);
  } catch (cause) {
    if (!ProcessError.isInstance(cause)) throw cause;
    throw new McpError('ORCH_MCP_START', cause.message, { details: cause.details, cause });
  }
  return new StdioTransport(owned, options.argv[0], maxMessageBytes, closeMs, events, redact);
}

class StdioTransport implements Transport {
  readonly #owned: OwnedProcess;
  readonly #closeMs: number;
  readonly #redact: (text: string) => string;
  #batch = '';
  #willFlush = false;
  #closing: Promise<Remains> | undefined;

  constructor(
    owned: OwnedProcess,
    program: string,
    maxMessageBytes: number,
    closeMs: number,
    events: WireEvents,
    redact: (text: string) => string,
  ) {
    this.#redact = redact;
    this.#owned = owned;
    this.#closeMs = closeMs;
    const over = (error: McpError): void => {
      if (this.#closing === undefined) events.closed(error);
    };
    owned.ended.then(
      (ended) => {
        const remains = remainsOf(ended, redact);
        if (ended.reason === 'output_limit')
          over(
            new McpError(
              'ORCH_MCP_TOO_LARGE',
              `${program} wrote a message of more than ${maxMessageBytes} bytes, so it was ended. Ask it for less, or raise maxMessageBytes.`,
              { details: { maxMessageBytes, ...remains } },
            ),
          );
        else
          over(
            new McpError(
              'ORCH_MCP_CLOSED',
              `${program} ended${howItEnded(remains)}. It is started again for the next call.`,
              { details: { ...remains } },
            ),
          );
      },
      (cause: unknown) =>
        over(
          new McpError('ORCH_MCP_CLOSED', `${program} had to be ended; see the cause.`, { cause }),
        ),
    );
  }

  send(text: string): undefined {
    // One write for what is sent in one turn: a write costs more than a message.
    if (!this.#willFlush) {
      this.#willFlush = true;
      queueMicrotask(() =>
        queueMicrotask(() => {
          this.#willFlush = false;
          this.#flush();
        }),
      );
    }
    this.#batch += `${text}\n`;
    if (this.#batch.length >= enoughToBegin) this.#flush();
  }

  #flush(): void {
    if (this.#batch === '') return;
    const batch = this.#batch;
    this.#batch = '';
    void this.#owned.write(batch); // false: it no longer reads, and its end is told
  }

  forget(): void {
    // An answer that comes all the same is dropped by its id.
  }

  ready(): void {
    // It may speak unasked from its start.
  }

  close(): Promise<Remains> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<Remains> {
    this.#flush();
    this.#owned.closeStdin();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#closeMs);
    });
    await Promise.race([this.#owned.ended.catch(() => undefined), patience]);
    clearTimeout(timer);
    return this.#owned.end().then(
      (ended) => remainsOf(ended, this.#redact),
      () => ({}),
    );
  }
}
