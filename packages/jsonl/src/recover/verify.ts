import { isHarmless, type Fault, type FaultKind } from '../read/fault.js';
import type { Input } from '../read/byte-source.js';
import type { Make } from '../read/pass.js';
import type { ReadOptions } from '../read/read-options.js';
import { scanBatches } from '../read/reader.js';

/** More faults than this are counted, and given to `onFault`, but not kept. */
const maxFaultsKept = 1000;

export interface VerifyOptions extends Pick<
  ReadOptions,
  'from' | 'to' | 'maxLineBytes' | 'schema' | 'live' | 'compression' | 'fileSystem'
> {
  /** Called with each fault as it is found. */
  readonly onFault?: (fault: Fault) => void;
}

/** What was found in a file. */
export interface Verification {
  /** Whether nothing was found that lost or altered a record: no fault, or harmless ones. */
  readonly healthy: boolean;
  /** Whole records, those beside damage included. */
  readonly records: number;
  /** Lines, blank ones included. */
  readonly lines: number;
  /** Length of the text in bytes. */
  readonly bytes: number;
  /** How often each kind of fault was found. */
  readonly kinds: Readonly<Partial<Record<FaultKind, number>>>;
  /** The first 1,000 faults. */
  readonly faults: readonly Fault[];
}

/**
 * Verifies, and gives what `make` makes of each record to `onBatch`, in the order of the file: an
 * array for each chunk, also of a chunk in which there is nothing but damage.
 */
export async function verifyWith<E>(
  input: Input,
  options: VerifyOptions,
  make: Make<E>,
  onBatch: (batch: E[]) => Promise<void> | void,
): Promise<Verification> {
  const faults: Fault[] = [];
  const kinds: Partial<Record<FaultKind, number>> = {};
  let records = 0;
  let totals = { bytes: 0, lines: 0 };
  const onFault = (fault: Fault): void => {
    kinds[fault.kind] = (kinds[fault.kind] ?? 0) + 1;
    if (faults.length < maxFaultsKept) faults.push(fault);
    options.onFault?.(fault);
  };
  const onEnd = (found: typeof totals): void => void (totals = found);
  for await (const batch of scanBatches(input, options, make, onFault, {
    onEnd,
    givesEmpty: true,
  })) {
    records += batch.length;
    await onBatch(batch);
  }
  const healthy = (Object.keys(kinds) as FaultKind[]).every(isHarmless);
  return { healthy, records, ...totals, kinds, faults };
}

/**
 * Reads a whole file and reports everything that is wrong with it, in constant memory. To find
 * changes that leave valid JSON, use `verifyChain` on a file that was written with `chain`.
 *
 * @throws TypeError, RangeError for an option that is not what it must be.
 * @throws JsonlError `ORCH_JSONL_NOT_FOUND`, `ORCH_JSONL_OPEN_FAILED`, `ORCH_JSONL_READ_FAILED`,
 * `ORCH_JSONL_UNSUPPORTED`
 */
export async function verify(input: Input, options: VerifyOptions = {}): Promise<Verification> {
  return verifyWith(
    input,
    options,
    () => undefined,
    () => undefined,
  );
}
