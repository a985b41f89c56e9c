import { readdir, stat } from 'node:fs/promises';
import { chainStart, read, verifyChain } from '@orch/jsonl';
import { CoordinatorError } from '../errors.js';
import type { Event, UnknownEvent } from '../state/event.js';
import type { RunLayout } from './layout.js';

/** One epoch's file, with how much of it counts. */
export interface Segment {
  readonly epoch: number;
  /** Bytes that are sealed by the hash chain and not cut off by a later epoch. */
  readonly bytes: number;
  readonly head: string;
  readonly events: readonly (Event | UnknownEvent)[];
}

/** Epoch numbers that have a file, ascending, whatever is in it. */
export async function listEpochs(layout: RunLayout): Promise<readonly number[]> {
  const names = await readdir(layout.journal).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  return names
    .map((name) => /^([1-9]\d*)\.jsonl$/.exec(name)?.[1])
    .filter((match) => match !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * Reads every event that counts, checking the chain over all segments. A segment without a whole first
 * group is void: its writer died before it led. Bytes beyond what a later epoch recorded are void too.
 * @throws CoordinatorError `ORCH_JOURNAL_BROKEN`, `ORCH_RUN_FOREIGN_VERSION`, `ORCH_RUN_NOT_FOUND`
 */
export async function readSegments(layout: RunLayout): Promise<readonly Segment[]> {
  const epochs = await listEpochs(layout);
  if (epochs.length === 0) {
    throw new CoordinatorError(
      'ORCH_RUN_NOT_FOUND',
      `No run at ${layout.directory}. Runs are listed by \`orch status\``,
      {
        directory: layout.directory,
      },
    );
  }
  // Read backwards: only a later epoch knows how far the one before it counts.
  const segments: Segment[] = [];
  let limit: { readonly epoch: number; readonly bytes: number } | undefined;
  for (const epoch of [...epochs].reverse()) {
    if (limit !== undefined && epoch > limit.epoch) continue;
    const until = limit?.epoch === epoch ? limit.bytes : undefined;
    const segment = await readSegment(layout, epoch, until);
    if (!segment) continue;
    segments.unshift(segment);
    const opened = segment.events.find((event) => event.type === 'epoch.opened') as
      Extract<Event, { type: 'epoch.opened' }> | undefined;
    limit = opened?.previous ?? { epoch: 0, bytes: 0 };
  }
  checkLinks(layout, segments);
  return segments;
}

async function readSegment(
  layout: RunLayout,
  epoch: number,
  until: number | undefined,
): Promise<Segment | undefined> {
  const file = layout.segment(epoch);
  const { size } = await stat(file);
  if (size === 0) return undefined;
  const events: (Event | UnknownEvent)[] = [];
  const first = await firstRecord(file);
  if (first === undefined) return undefined;
  const opened = first as Partial<Extract<Event, { type: 'epoch.opened' }>>;
  const chain = await verifyChain(file, {
    previous: opened.previous?.head ?? chainStart,
    ...(until === undefined ? {} : { until }),
  });
  if (chain.broken) {
    throw new CoordinatorError(
      'ORCH_JOURNAL_BROKEN',
      `The journal ${file} was changed after it was written: ${chain.broken.reason} at bytes ${chain.broken.byteStart}-${chain.broken.byteEnd}. ` +
        'Nothing was touched; look at that line, or start a new run',
      { file, broken: chain.broken },
    );
  }
  if (chain.bytes === 0) return undefined;
  for await (const record of read<Event | UnknownEvent>(file, { to: chain.bytes })) {
    if (record.v > 1) {
      throw new CoordinatorError(
        'ORCH_RUN_FOREIGN_VERSION',
        `The journal ${file} is of format ${record.v}; this orch reads format 1. Use the orch that wrote it, or a newer one`,
        { file, version: record.v },
      );
    }
    events.push(record);
  }
  return { epoch, bytes: chain.bytes, head: chain.head, events };
}

async function firstRecord(file: string): Promise<unknown> {
  for await (const record of read(file)) return record;
  return undefined;
}

function checkLinks(layout: RunLayout, segments: readonly Segment[]): void {
  let seq = 0;
  let before: Segment | undefined;
  for (const segment of segments) {
    const opened = segment.events.find((event) => event.type === 'epoch.opened') as
      Extract<Event, { type: 'epoch.opened' }> | undefined;
    if (
      before &&
      (opened?.previous?.epoch !== before.epoch || opened.previous.head !== before.head)
    ) {
      throw new CoordinatorError(
        'ORCH_JOURNAL_BROKEN',
        `The journal segment ${layout.segment(segment.epoch)} does not continue ${layout.segment(before.epoch)}`,
        { epoch: segment.epoch },
      );
    }
    for (const event of segment.events) {
      if (event.seq !== seq + 1) {
        throw new CoordinatorError(
          'ORCH_JOURNAL_BROKEN',
          `The journal ${layout.segment(segment.epoch)} jumps from event ${seq} to ${event.seq}`,
          { epoch: segment.epoch, seq: event.seq },
        );
      }
      seq = event.seq;
    }
    before = segment;
  }
}

export const isMissing = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && (error as { code?: unknown }).code === 'ENOENT';
