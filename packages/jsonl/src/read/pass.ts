import { JsonlError } from '../errors.js';
import { createDecoder, type Decoder, type RecordSink } from './decode.js';
import type { Fault, FaultKind } from './fault.js';
import { isHarmless } from './fault.js';
import { batchBytes, LineBuffer, skimmedBatchBytes } from './line-buffer.js';
import type { OnCorrupt, ReadOptions, ScanRange } from './read-options.js';
import { projectFields } from './project.js';
import { selectLines } from './select-lines.js';
import { createShaper, shapedBy, type Shaped } from './shape-record.js';

/** What is made of each record, such as an entry with its place. `text` is its JSON text, if it was parsed whole. */
export type Make<E> = (
  value: unknown,
  byteStart: number,
  byteEnd: number,
  line: number,
  text: string | undefined,
) => E;

/** What a pass has read. */
export interface ScanTotals {
  /** Bytes of the text, from where reading began. */
  readonly bytes: number;
  readonly lines: number;
}

interface Later {
  readonly index: number;
  readonly shaped: Extract<Shaped, { kind: 'later' }>;
  readonly place: readonly [number, number, number, string | undefined];
}

/** Marks the place of a record that a schema has not accepted yet. */
const waiting = Symbol('waiting');

/** One pass over bytes that somebody else reads. A class for the reason that `LineDecoder` is one. */
export class Pass<E> implements RecordSink {
  /** Records that the call in hand completed. */
  batch: (E | typeof waiting)[] = [];
  private later: Later[] = [];
  private failure: { readonly reason: unknown } | undefined;
  private position: number;
  private hasMore = false;
  private readonly from: number;
  private readonly make: Make<E> | undefined;
  private readonly shape: ReturnType<typeof createShaper>;
  private readonly reportFault: (fault: Fault) => void;
  private readonly decoder: Decoder;
  private readonly buffer: LineBuffer;
  private readonly batchBytes: number;

  /** `make` makes what is given of each record; without it, that is the value. */
  constructor(
    options: ReadOptions,
    range: ScanRange,
    make: Make<E> | undefined,
    onFault: (fault: Fault) => void,
    initialBytes: number,
  ) {
    const { live = false, where = {}, fields } = options;
    const { from, maxLineBytes } = range;
    this.from = from;
    this.position = from;
    this.make = make;
    this.shape = createShaper(options);
    this.reportFault = onFault;
    const selector = selectLines(where);
    const projector = fields === undefined ? undefined : projectFields(fields, where);
    const { schema, proto } = options;
    const isJustProjected =
      projector !== undefined &&
      selector === undefined &&
      schema === undefined &&
      proto !== 'remove';
    const isPlain = make === undefined && (this.shape === undefined || isJustProjected);
    this.decoder = createDecoder(
      {
        live,
        maxLineBytes,
        selector,
        values: isPlain ? this : undefined,
        projector,
      },
      this,
    );
    const isSkimmed = fields !== undefined || selector !== undefined;
    this.batchBytes = isSkimmed ? skimmedBatchBytes : batchBytes;
    this.buffer = new LineBuffer(from, maxLineBytes, this.decoder, initialBytes, isSkimmed);
  }

  /** To be called once, when nothing more is read into `room()`. */
  close(): void {
    this.buffer.release();
  }

  /** Where the next bytes are to be read to. */
  room(): Buffer {
    return this.buffer.room();
  }

  /** Takes `count` bytes that were read into `room()`. */
  push(count: number): void {
    this.position += count;
    this.hasMore = true;
    this.buffer.push(count);
  }

  /** Gives some of the records that they complete; all, once `more` is false. */
  take(): E[] {
    this.begin();
    try {
      this.hasMore = this.buffer.drain(this.batchBytes);
    } catch (reason) {
      this.failure = { reason };
    }
    return this.batch as E[];
  }

  get more(): boolean {
    return this.hasMore && this.failure === undefined;
  }

  /** Gives the rest. `damage` says why the data ended early. */
  finish(damage: string | undefined): E[] {
    const { decoder, position } = this;
    this.begin();
    try {
      decoder.endOfFile();
      this.buffer.finish();
      decoder.finish();
      if (damage !== undefined) {
        const issues = [{ message: damage }];
        const at = { byteStart: position, byteEnd: position, line: decoder.lines() + 1 };
        this.onFault({ kind: 'bad_compression', ...at, issues });
      }
    } catch (reason) {
      this.failure = { reason };
    }
    return this.batch as E[];
  }

  /** Set when a fault ended the pass. What was given before it counts. */
  get stopped(): { readonly reason: unknown } | undefined {
    return this.failure;
  }

  /** What was read so far. */
  totals(): ScanTotals {
    return { bytes: this.position - this.from, lines: this.decoder.lines() };
  }

  /** Whether validations are not done; their records wait for `settle` at their places of the last batch. */
  get unsettled(): boolean {
    return this.later.length > 0;
  }

  async settle(items: E[]): Promise<E[]> {
    const found: (E | typeof waiting)[] = items;
    for (const { index, shaped, place } of this.later) {
      const settled = shapedBy(await shaped.result);
      if (settled.kind === 'value') found[index] = this.keep(settled.value, place);
      else if (settled.kind === 'refused') {
        try {
          this.refuse(settled.issues, place);
        } catch (reason) {
          this.failure ??= { reason };
          found.length = index;
          break;
        }
      }
    }
    this.later = [];
    return found.filter((item): item is E => item !== waiting);
  }

  onRecord(
    value: unknown,
    byteStart: number,
    byteEnd: number,
    line: number,
    text: string | undefined,
  ): void {
    if (this.shape !== undefined) this.onShaped(value, [byteStart, byteEnd, line, text]);
    else if (this.make === undefined) this.batch.push(value as E);
    else this.batch.push(this.make(value, byteStart, byteEnd, line, text));
  }

  onFault(fault: Fault): void {
    this.reportFault(fault);
  }

  private begin(): void {
    this.batch = [];
    this.later = [];
  }

  private keep(value: unknown, place: Later['place']): E {
    return this.make === undefined ? (value as E) : this.make(value, ...place);
  }

  private refuse(issues: readonly { message: string }[], place: Later['place']): void {
    const [byteStart, byteEnd, line] = place;
    this.onFault({ kind: 'invalid_schema', byteStart, byteEnd, line, issues });
  }

  private onShaped(value: unknown, place: Later['place']): void {
    const shaped = this.shape?.(value) ?? { kind: 'value' as const, value };
    if (shaped.kind === 'value') this.batch.push(this.keep(shaped.value, place));
    else if (shaped.kind === 'refused') this.refuse(shaped.issues, place);
    else if (shaped.kind === 'later') {
      this.later.push({ index: this.batch.length, shaped, place });
      this.batch.push(waiting);
    }
  }
}

/** Not thrown for: nothing is lost by these, or more may still come. */
function isTolerated(kind: FaultKind): boolean {
  return kind === 'torn_tail' || isHarmless(kind);
}

/** What `onCorrupt` means: a function that takes faults, and where they are kept. */
export function collectFaults(
  onCorrupt: OnCorrupt,
  name: string,
): { readonly faults: Fault[]; readonly onFault: (fault: Fault) => void } {
  const faults: Fault[] = [];
  const onFault = (fault: Fault): void => {
    if (typeof onCorrupt === 'function') {
      onCorrupt(fault);
      return;
    }
    faults.push(fault);
    if (onCorrupt === 'throw' && !isTolerated(fault.kind)) throw corruptError(name, fault);
  };
  return { faults, onFault };
}

function corruptError(name: string, fault: Fault): JsonlError {
  return new JsonlError(
    'ORCH_JSONL_CORRUPT',
    `${name} is damaged at line ${fault.line}, bytes ${fault.byteStart} to ${fault.byteEnd}: ` +
      `expected one JSON value per line, found ${fault.kind}; read with onCorrupt 'skip' to get the other records`,
    { path: name, fault },
  );
}
