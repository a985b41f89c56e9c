import { follow, read } from '@orch/jsonl';
import type { SessionRecord } from '@orch/jsonl/sessions';
import type { RunLayout } from '@orch/coordinator';

/** The records of one attempt, as far as they are written; with `signal`, also those that are still to come. */
export async function* attemptLog(
  layout: RunLayout,
  task: string,
  attempt: number,
  signal?: AbortSignal,
): AsyncIterable<SessionRecord> {
  const file = layout.session(task, attempt);
  if (signal) {
    for await (const { value } of follow<SessionRecord>(file, { signal })) {
      yield value;
      if (value.kind === 'end') return;
    }
    return;
  }
  for await (const record of read<SessionRecord>(file)) yield record;
}
