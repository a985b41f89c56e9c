import { createReadStream } from 'node:fs';
import { createOutput, type OutputOwner } from './output.js';
import type { Ended } from './owned-process.js';
import { ProcessError } from './process-error.js';
import { fillIn, type ProcessSpec } from './process-spec.js';
import { readRecord } from './record.js';

/** What of a spec concerns the reading of output; it means the same here. */
export type ReplayOptions = Pick<
  ProcessSpec,
  'captureBytes' | 'digest' | 'maxLineBytes' | 'onStdoutLine' | 'onLongStdoutLine' | 'onStderrLine'
>;

const never = new Promise<never>(() => undefined);

/**
 * Takes over the result of a process whose owner died: gives what it wrote to the same handlers as while it
 * ran, and resolves with what `OwnedProcess.ended` would have; undefined if its end is not recorded, because
 * it still runs or is lost. `survivors` is empty: call `endLeftovers` before. Rejects with
 * `ORCH_PROCESS_HANDLER` when a handler fails, with `ORCH_PROCESS_SPEC` when an option is not what it must be,
 * and as `readRecord` does.
 */
export async function replayRecord(
  directory: string,
  options: ReplayOptions = {},
): Promise<Ended | undefined> {
  const record = await readRecord(directory);
  if (record.state !== 'ended') return undefined;
  const { captureBytes, digest, maxLineBytes } = fillIn(options);
  const seen = { longLine: false };
  const failures: unknown[] = [];

  const owner: OutputOwner = {
    active: () => undefined,
    held: () => undefined,
    released: () => undefined,
    lineTooLong: () => (seen.longLine = true),
    handlerFailed: (error) => void failures.push(error),
  };

  const read = (
    path: string,
    onLine: ProcessSpec['onStdoutLine'],
    onLongLine?: ProcessSpec['onLongStdoutLine'],
  ) => {
    const bounds = { captureBytes, digest, maxLineBytes, isFile: true };
    const output = createOutput(createReadStream(path), { ...bounds, onLine, onLongLine, owner });
    output.begin();
    return output.finish(() => never);
  };
  const [stdout, stderr] = await Promise.all([
    read(
      record.stdout,
      options.onStdoutLine?.bind(options),
      options.onLongStdoutLine?.bind(options),
    ),
    read(record.stderr, options.onStderrLine?.bind(options)),
  ]);
  if (failures.length > 0) {
    throw new ProcessError(
      'ORCH_PROCESS_HANDLER',
      `A line handler failed on the output that is recorded in ${directory}. See the cause; the record can be read again.`,
      { details: { directory }, cause: failures[0] },
    );
  }
  const { code, signal, durationMs } = record;
  const reason = seen.longLine ? 'output_limit' : record.reason;
  return { reason, code, signal, durationMs, stdout, stderr, survivors: [] };
}
