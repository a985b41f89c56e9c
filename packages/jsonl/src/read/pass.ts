import { JsonlError } from '../errors.js';
import { createDecoder, type RecordSink } from './decode.js';
import type { Fault, FaultKind } from './fault.js';
import { isHarmless } from './fault.js';
import { batchBytes, createLineBuffer } from './line-buffer.js';
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

/** One pass over bytes that somebody else reads. */
export interface Pass<E> {
  /** Where the next bytes are to be read to. */
  room(): Buffer;
  /** Takes `count` bytes that were read into `room()`. */
  push(count: number): void;
  /** Gives some of the records that they complete; all, once `more` is false. */
  take(): E[];
  readonly more: boolean;
  /** Gives the rest. `damage` says why the data ended early. */
  finish(damage: string | undefined): E[];
  /** Set when a fault ended the pass. What was given before it counts. */
  readonly stopped: { readonly reason: unknown } | undefined;
  /** Validations that are not done; the records wait for them at these places of the last batch. */
  settle(batch: E[]): Promise<E[]>;
  readonly unsettled: boolean;
  /** What was read so far. */
  totals(): ScanTotals;
}

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

export function createPass<E>(
  options: ReadOptions,
  range: ScanRange,
  make: Make<E> | undefined,
  onFault: (fault: Fault) => void,
  initialBytes?: number,
): Pass<E> {
  let batch: (E | typeof waiting)[] = [];
  let later: Later[] = [];
  let stopped: { reason: unknown } | undefined;
  let position = range.from;
  let more = false;

  const shape = createShaper(options);
  const keep = (value: unknown, place: Later['place']): E =>
    make === undefined ? (value as E) : make(value, ...place);

  function refuse(issues: readonly { message: string }[], place: Later['place']): void {
    const [byteStart, byteEnd, line] = place;
    onFault({ kind: 'invalid_schema', byteStart, byteEnd, line, issues });
  }

  function onShaped(value: unknown, place: Later['place'], apply: typeof shape): void {
    const shaped = apply?.(value) ?? { kind: 'value' as const, value };
    if (shaped.kind === 'value') batch.push(keep(shaped.value, place));
    else if (shaped.kind === 'refused') refuse(shaped.issues, place);
    else if (shaped.kind === 'later') {
      later.push({ index: batch.length, shaped, place });
      batch.push(waiting);
    }
  }

  // The plain case is kept free of everything that others need.
  let onRecord: RecordSink['onRecord'];
  if (shape !== undefined) {
    onRecord = (value, byteStart, byteEnd, line, text) =>
      onShaped(value, [byteStart, byteEnd, line, text], shape);
  } else if (make === undefined) onRecord = (value) => void batch.push(value as E);
  else {
    onRecord = (value, byteStart, byteEnd, line, text) =>
      void batch.push(make(value, byteStart, byteEnd, line, text));
  }

  const { live = false, where = {}, fields } = options;
  const decoder = createDecoder(
    {
      live,
      maxLineBytes: range.maxLineBytes,
      selector: selectLines(where),
      values: shape === undefined && make === undefined ? () => batch : undefined,
      projector: fields === undefined ? undefined : projectFields(fields, where),
    },
    { onRecord, onFault },
  );
  const buffer = createLineBuffer(range.from, range.maxLineBytes, decoder, initialBytes);

  function run(work: () => void): E[] {
    batch = [];
    later = [];
    try {
      work();
    } catch (reason) {
      stopped = { reason };
    }
    return batch as E[];
  }

  const drain = (): void => {
    more = buffer.drain(batchBytes);
  };

  return {
    room: () => buffer.room(),
    push(count) {
      position += count;
      more = true;
      buffer.push(count);
    },
    take: () => run(drain),
    get more() {
      return more && stopped === undefined;
    },
    finish: (damage) =>
      run(() => {
        decoder.endOfFile();
        buffer.finish();
        decoder.finish();
        if (damage === undefined) return;
        const issues = [{ message: damage }];
        const at = { byteStart: position, byteEnd: position, line: decoder.lines() + 1 };
        onFault({ kind: 'bad_compression', ...at, issues });
      }),
    totals: () => ({ bytes: position - range.from, lines: decoder.lines() }),
    get stopped() {
      return stopped;
    },
    get unsettled() {
      return later.length > 0;
    },
    async settle(items) {
      const found: (E | typeof waiting)[] = items;
      for (const { index, shaped, place } of later) {
        const settled = shapedBy(await shaped.result);
        if (settled.kind === 'value') found[index] = keep(settled.value, place);
        else if (settled.kind === 'refused') {
          try {
            refuse(settled.issues, place);
          } catch (reason) {
            stopped ??= { reason };
            found.length = index;
            break;
          }
        }
      }
      later = [];
      return found.filter((item): item is E => item !== waiting);
    },
  };
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
