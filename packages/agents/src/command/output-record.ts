import type { AgentEvent, OutputWritten } from '../event.js';
import { firstBytes, lastBytes } from './cut-text.js';

/** Turns what a command prints into a bounded number of events, however much it is. */
interface OutputRecord {
  /** Takes one line. A returned promise is the reader's wish to wait. */
  add(stream: Stream, line: string): Promise<void> | undefined;
  /**
   * Sends what was held back, stdout and stderr in the order in which they came, after a notice for each
   * stream of which something is left out. `whole` says where all of stdout is, if it is anywhere.
   */
  finish(whole: string | undefined): Promise<void>;
}

interface OutputRecordOptions {
  /** Of each stream, sent as they come. */
  readonly headBytes: number;
  /** Of each stream, held until the end: the last ones. */
  readonly tailBytes: number;
  readonly redact: (text: string) => string;
  readonly push: (event: AgentEvent) => Promise<void> | undefined;
}

type Stream = OutputWritten['stream'];

/** About what an event takes on record besides its text: without it, short lines would fill a disk. */
const lineBytes = 100;

interface Held {
  /** Of all lines of both streams. */
  readonly order: number;
  readonly text: string;
  readonly bytes: number;
  readonly part: OutputWritten['part'];
}

/** The last lines of a stream, as far as `tailBytes` go. Forgotten bytes and lines are counted. */
function createTail(tailBytes: number) {
  let held: (Held | undefined)[] = [];
  let first = 0;
  let total = 0;
  let leftBytes = 0;
  let leftLines = 0;

  function forget(line: Held): void {
    held[first] = undefined;
    first += 1;
    total -= line.bytes + lineBytes;
    leftBytes += line.bytes + 1;
    if (line.part === undefined) leftLines += 1;
    // Moving the rest only when half is empty keeps the work per line constant.
    if (first > 1000 && first * 2 > held.length) {
      held = held.slice(first);
      first = 0;
    }
  }

  /** The end of a line, of at most `room` bytes. */
  function cut(line: Held, room: number): Held {
    const text = lastBytes(line.text, room);
    const bytes = Buffer.byteLength(text);
    leftBytes += line.bytes - bytes;
    return { ...line, text, bytes, part: 'end' };
  }

  return {
    add(line: Held): void {
      const kept = line.bytes > tailBytes ? cut(line, tailBytes) : line;
      held.push(kept);
      total += kept.bytes + lineBytes;
      for (let oldest = held[first]; oldest !== undefined; oldest = held[first]) {
        // The oldest stays while it reaches into the bound: its end may belong to the last bytes.
        if (oldest === kept || total - oldest.bytes - lineBytes < tailBytes) break;
        forget(oldest);
      }
    },
    /** What is kept, cut to the bound, and what is not. */
    take(redact: (text: string) => string) {
      const excess = total - tailBytes;
      const oldest = held[first];
      if (oldest !== undefined && excess > 0) {
        const room = oldest.bytes - excess;
        // Redacted before it is cut: half a secret would not be recognised any more.
        if (room > 0) held[first] = cut({ ...oldest, text: redact(oldest.text) }, room);
        else forget(oldest);
      }
      const lines = held.slice(first).filter((line) => line !== undefined);
      return { lines, leftBytes, leftLines };
    },
  };
}

/** One stream of a command: its head as it comes, its tail when it has ended. */
function createStreamRecord(stream: Stream, options: OutputRecordOptions) {
  const { headBytes, tailBytes, redact, push } = options;
  const tail = createTail(tailBytes);
  let room = headBytes;
  let isPast = false;

  const send = (text: string, part: OutputWritten['part']): Promise<void> | undefined =>
    push({ kind: 'output', stream, text, ...(part === undefined ? {} : { part }) });

  /** The line that reaches over the end of the head: its start is sent, the rest goes to the tail. */
  function goPast(order: number, line: string): Promise<void> | undefined {
    isPast = true;
    const text = redact(line);
    const start = firstBytes(text, room - lineBytes);
    const rest = text.slice(start.length);
    const part = start === '' ? undefined : 'end';
    tail.add({ order, text: rest, bytes: Buffer.byteLength(rest), part });
    if (start !== '') void send(start, 'start');
    return push({
      kind: 'notice',
      level: 'info',
      text: `${stream} is longer than the ${headBytes} bytes that are recorded as they come. Its last ${tailBytes} bytes are recorded when the command has ended.`,
    });
  }

  return {
    stream,
    add(order: number, line: string): Promise<void> | undefined {
      const bytes = Buffer.byteLength(line);
      if (!isPast) {
        if (bytes + lineBytes > room) return goPast(order, line);
        room -= bytes + lineBytes;
        return send(redact(line), undefined);
      }
      if (bytes > tailBytes) {
        const text = redact(line);
        tail.add({ order, text, bytes: Buffer.byteLength(text), part: undefined });
      } else {
        tail.add({ order, text: line, bytes, part: undefined });
      }
      return undefined;
    },
    send,
    take: () => tail.take(redact),
  };
}

export function createOutputRecord(options: OutputRecordOptions): OutputRecord {
  const streams = {
    stdout: createStreamRecord('stdout', options),
    stderr: createStreamRecord('stderr', options),
  };
  let order = 0;

  return {
    add(stream, line) {
      order += 1;
      return streams[stream].add(order, line);
    },
    async finish(whole) {
      const taken = [streams.stdout, streams.stderr].map((of) => ({ of, ...of.take() }));
      for (const { of, leftBytes, leftLines } of taken) {
        if (leftBytes === 0) continue;
        const where =
          of.stream === 'stdout' && whole !== undefined
            ? `All of it is ${whole}.`
            : 'They are kept nowhere; what must be kept, the command has to write into a file.';
        await options.push({
          kind: 'notice',
          level: 'warning',
          text: `${leftBytes} bytes of ${of.stream} are left out of the record here, ${leftLines} whole lines among them. ${where}`,
        });
      }
      const lines = taken.flatMap(({ of, lines }) => lines.map((line) => ({ of, line })));
      lines.sort((a, b) => a.line.order - b.line.order);
      for (const { of, line } of lines) await of.send(options.redact(line.text), line.part);
    },
  };
}
