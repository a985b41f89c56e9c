import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { tooLarge } from '../transport/failure.js';
import type { RequestId } from '../transport/transport.js';
import { MessageScan } from './message-scan.js';

/** Results of tools that are larger than `maxMessageBytes` are put into files, in place of being refused. */
export interface SpillOptions {
  /**
   * Where they are put; made if it is not there, and never emptied. Default: a private temporary one, which is
   * removed when the hub is closed.
   */
  readonly directory?: string;
  /** A message that is larger than this is refused all the same. Default 1 GiB. */
  readonly maxBytes?: number;
}

/** The result of a tool in a file, as JSON: `{"content":[…]}`, as its server wrote it, and not checked. */
export interface SpilledResult {
  /** Absolute. Only its owner can read it (0600). */
  readonly path: string;
  readonly bytes: number;
}

/** What became of a message that is too large for memory. */
export type Oversized =
  | { readonly id: RequestId; readonly result: JsonObject }
  /** Undefined id: it answers nothing. */
  | { readonly id: RequestId | undefined; readonly error: McpError };

export interface SpillPlaceOptions {
  /** The server's name, for messages. */
  readonly name: string;
  readonly maxMessageBytes: number;
  readonly directory: string | undefined;
  readonly maxBytes: number;
}

const spilled = new WeakMap<JsonObject, SpilledResult>();

/** The file of a result. No server can make one up: it is known by the object itself. */
export const spilledOf = (result: JsonObject): SpilledResult | undefined => spilled.get(result);

function resultInFile(file: SpilledResult, isError: boolean): JsonObject {
  const link = {
    type: 'resource_link',
    uri: pathToFileURL(file.path).href,
    name: 'result.json',
    description: 'The result was too large, and is in this file.',
    mimeType: 'application/json',
    size: file.bytes,
  };
  const result: JsonObject = { content: [link], isError };
  spilled.set(result, file);
  return result;
}

/** The file of a result that nobody waits for. */
export function forgetSpilled(result: JsonObject): void {
  const file = spilled.get(result);
  if (file !== undefined) rmSync(file.path, { force: true });
}

/** Where the results of one server go that are too large for memory. */
export class SpillPlace {
  readonly #options: SpillPlaceOptions;
  #directory: string | undefined;

  constructor(options: SpillPlaceOptions) {
    this.#options = options;
  }

  get maxBytes(): number {
    return this.#options.maxBytes;
  }

  /** For the next message. Nothing is written before there is something to write. */
  open(): SpillFile {
    return new SpillFile(this.#options, () => this.#path());
  }

  /** A message that came as a whole. */
  put(bytes: Buffer): Oversized {
    const file = this.open();
    file.write(bytes);
    return file.end();
  }

  /** Removes what is its own. */
  close(): void {
    if (this.#options.directory === undefined && this.#directory !== undefined)
      rmSync(this.#directory, { recursive: true, force: true });
    this.#directory = undefined;
  }

  #path(): string {
    const { directory, name } = this.#options;
    if (directory !== undefined) mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#directory ??= directory ?? mkdtempSync(join(tmpdir(), 'orch-mcp-'));
    return join(this.#directory, `${name}-${randomBytes(8).toString('hex')}.json`);
  }
}

/** One message that is too large for memory, as it comes. */
export class SpillFile {
  readonly #options: SpillPlaceOptions;
  readonly #newPath: () => string;
  readonly #scan = new MessageScan();
  #received = 0;
  #path: string | undefined;
  #descriptor: number | undefined;
  #bytes = 0;
  #failure: McpError | undefined;

  constructor(options: SpillPlaceOptions, newPath: () => string) {
    this.#options = options;
    this.#newPath = newPath;
  }

  /** False: it is refused, whatever comes; it may be read on to see what it answers. */
  write(bytes: Buffer): boolean {
    this.#received += bytes.length;
    const { name, maxBytes } = this.#options;
    if (this.#received > maxBytes) this.#refuse(tooLarge(name, maxBytes));
    this.#scan.scan(bytes, (part) => this.#keep(part));
    return this.#failure === undefined;
  }

  /** The message is over. */
  end(): Oversized {
    const { id, isWhole, hasMethod, hasError, hasResult, isError } = this.#scan;
    const { name, maxMessageBytes } = this.#options;
    const answers = isWhole && !hasMethod ? id : undefined;
    const path = this.#path;
    if (this.#failure === undefined && answers !== undefined && hasResult && !hasError && path) {
      this.#close();
      return { id: answers, result: resultInFile({ path, bytes: this.#bytes }, isError) };
    }
    this.#refuse(tooLarge(name, maxMessageBytes));
    return { id: answers, error: this.#failure ?? tooLarge(name, maxMessageBytes) };
  }

  /** Nothing is left of a message that did not come to its end. After `end()` it does nothing. */
  abandon(): void {
    if (this.#descriptor === undefined) return;
    this.#close();
    if (this.#path !== undefined) rmSync(this.#path, { force: true });
  }

  #keep(part: Buffer): void {
    if (this.#failure !== undefined) return;
    try {
      if (this.#descriptor === undefined) {
        this.#path = this.#newPath();
        this.#descriptor = openSync(this.#path, 'wx', 0o600);
      }
      for (let at = 0; at < part.length;)
        at += writeSync(this.#descriptor, part, at, part.length - at);
      this.#bytes += part.length;
    } catch (cause) {
      const { name, maxMessageBytes } = this.#options;
      const why = cause instanceof Error ? cause.message : 'unknown';
      this.#refuse(
        new McpError(
          'ORCH_MCP_TOO_LARGE',
          `${name} sent a result of more than ${maxMessageBytes} bytes, which could not be put into a file (${why}). Make room there, or see its spill.directory.`,
          { details: { maxMessageBytes }, cause },
        ),
      );
    }
  }

  #refuse(error: McpError): void {
    this.#failure ??= error;
    this.abandon();
  }

  #close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
