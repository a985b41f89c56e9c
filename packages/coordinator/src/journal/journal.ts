import { mkdir, open, stat, unlink } from 'node:fs/promises';
import { chainStart, openWriter } from '@orch/jsonl';
import { CoordinatorError } from '../errors.js';
import type { Clock } from '../seams/clock.js';
import type { Owners } from '../seams/owner.js';
import type { Event, EventBodies, NewEvent } from '../state/event.js';
import { emptyState, reduce } from '../state/reduce.js';
import type { RunState } from '../state/state.js';
import type { RunLayout } from './layout.js';
import { isMissing, listEpochs, readSegments, type Segment } from './segments.js';

/**
 * The only writer of a run's truth. `append` resolves when its events are on disk *and* no later
 * leader has opened a segment: only then may anybody act on them.
 */
export interface Journal {
  readonly epoch: number;
  state(): RunState;
  /** @throws CoordinatorError `ORCH_RUN_TAKEN_OVER`; JsonlError when the disk refuses */
  append(...events: NewEvent[]): Promise<void>;
  /** The first refusal of an append: nothing is taken after it. */
  failure(): { readonly error: unknown } | undefined;
  close(): Promise<void>;
}

export interface JournalContext {
  readonly layout: RunLayout;
  readonly clock: Clock;
  readonly owners: Owners;
  /** Called for every acknowledged event from the very first on, in order. */
  readonly onEvent?: ((event: Event, state: RunState) => void) | undefined;
}

/** Starts the journal of a new run as epoch 1. @throws CoordinatorError `ORCH_RUN_EXISTS` */
export async function createJournal(
  context: JournalContext,
  started: EventBodies['run.started'],
): Promise<Journal> {
  await mkdir(context.layout.journal, { recursive: true, mode: 0o700 });
  if (!(await claimEpoch(context.layout, 1))) {
    throw new CoordinatorError(
      'ORCH_RUN_EXISTS',
      `There is a run at ${context.layout.directory} already`,
    );
  }
  const journal = await lead(context, 1, chainStart, emptyState);
  await journal.append(
    { type: 'epoch.opened', epoch: 1, owner: context.owners.self },
    { type: 'run.started', ...started },
  );
  return journal;
}

/**
 * Takes the lead of an existing run by opening the next epoch. A dead owner's run is taken at once;
 * a live owner's only with `takeOver`, which is for a leader that was stopped and will not come back.
 * @throws CoordinatorError `ORCH_RUN_OWNED` when its leader lives
 */
export async function takeJournal(
  context: JournalContext,
  options: { readonly takeOver?: boolean } = {},
): Promise<{
  readonly journal: Journal;
  /** What it said before it was taken. */ readonly before: RunState;
}> {
  const { layout } = context;
  const found = await readSegments(layout);
  // Before a segment of ours lies beside the damaged ones.
  if (found.length === 0) throw holdsNothing(layout);
  refuseLiveOwner(found, context, options.takeOver ?? false);
  const highest = (await listEpochs(layout)).at(-1) ?? 0;
  if (await isBeingClaimed(layout, highest)) throw claimedByAnother(layout);
  const epoch = highest + 1;
  if (!(await claimEpoch(layout, epoch))) throw claimedByAnother(layout);
  try {
    return await openEpoch(context, epoch);
  } catch (error) {
    await giveBack(layout, epoch);
    throw error;
  }
}

async function openEpoch(
  context: JournalContext,
  epoch: number,
): Promise<{ readonly journal: Journal; readonly before: RunState }> {
  const { layout, owners } = context;
  // Read only now: whatever the old leader acknowledged before it could see our file is in here.
  const segments = (await readSegments(layout)).filter((segment) => segment.epoch < epoch);
  const last = segments.at(-1);
  if (!last) throw holdsNothing(layout);
  // What we are about to vouch for with length and hash must not be lost to a power cut after that.
  await sync(layout.segment(last.epoch));
  const before = foldSegments(segments);
  const journal = await lead(context, epoch, last.head, before);
  try {
    await journal.append({
      type: 'epoch.opened',
      epoch,
      owner: owners.self,
      previous: { epoch: last.epoch, bytes: last.bytes, head: last.head },
    });
  } catch (error) {
    await journal.close().catch(() => undefined);
    throw error;
  }
  return { journal, before };
}

/** A claim that came to nothing (the disk is full) must not look like a leader that is just starting. */
async function giveBack(layout: RunLayout, epoch: number): Promise<void> {
  const file = layout.segment(epoch);
  const { size } = await stat(file).catch(() => ({ size: undefined }));
  if (size === 0) await unlink(file).catch(() => undefined);
}

/** Folds the journal without leading it; works on a live run too. @throws CoordinatorError `ORCH_RUN_NOT_FOUND`, `ORCH_JOURNAL_BROKEN` */
export async function readJournal(layout: RunLayout): Promise<RunState> {
  const segments = await readSegments(layout);
  if (segments.length === 0) throw holdsNothing(layout);
  return foldSegments(segments);
}

const holdsNothing = (layout: RunLayout): CoordinatorError =>
  new CoordinatorError(
    'ORCH_JOURNAL_BROKEN',
    `The journal of run ${layout.run} holds no whole event (${layout.segment(1)}): it is damaged, or its leader died, ` +
      'or is, at its first step. What its agents said is kept in ' +
      `${layout.sessions}; results that were committed are under refs/orch/runs/${layout.run}. Start anew with: orch run`,
    { directory: layout.journal },
  );

const foldSegments = (segments: readonly Segment[]): RunState =>
  segments.flatMap((segment) => segment.events).reduce(reduce, emptyState);

/** Creates the segment's file; false when it exists, because then somebody else leads this epoch. */
async function claimEpoch(layout: RunLayout, epoch: number): Promise<boolean> {
  try {
    const file = await open(layout.segment(epoch), 'wx', 0o600);
    await file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  await sync(layout.journal);
  return true;
}

/** Puts a file, or the entries of a directory, on the disk. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** An empty segment younger than this belongs to a leader that is just starting; an older one to a dead one. */
const claimWindowMs = 5_000;

async function isBeingClaimed(layout: RunLayout, epoch: number): Promise<boolean> {
  if (epoch === 0) return false;
  const { size, mtimeMs } = await stat(layout.segment(epoch));
  return size === 0 && Date.now() - mtimeMs < claimWindowMs;
}

const claimedByAnother = (layout: RunLayout): CoordinatorError =>
  new CoordinatorError(
    'ORCH_RUN_OWNED',
    `Another process is taking the lead of ${layout.directory} right now. Look with \`orch status\`, or try again in ${claimWindowMs / 1000} s`,
  );

function refuseLiveOwner(
  segments: readonly Segment[],
  { owners, layout }: JournalContext,
  takeOver: boolean,
): void {
  const { owner, status, run } = foldSegments(segments);
  if (takeOver || !owner || status === 'ended' || !owners.isAlive(owner)) return;
  throw new CoordinatorError(
    'ORCH_RUN_OWNED',
    `Run ${run} is led by process ${owner.pid}, which is alive. Look at it with \`orch status ${run}\`, stop it with ` +
      `\`orch cancel ${run}\`, or, if that process is stopped for good, add --take-over`,
    { directory: layout.directory, owner },
  );
}

async function lead(
  context: JournalContext,
  epoch: number,
  previous: string,
  from: RunState,
): Promise<Journal> {
  const { layout, clock, onEvent } = context;
  const writer = await openWriter<Event>(layout.segment(epoch), {
    access: 'exclusive',
    durability: 'batch',
    create: 'existing',
    chain: { previous },
  });
  let failure: { readonly error: unknown } | undefined;
  let state = from;
  let seq = from.seq;
  // Events are numbered when they are handed in and folded when they are acknowledged, both in order.
  let acknowledged: Promise<void> = Promise.resolve();

  const confirmLead = async (): Promise<void> => {
    try {
      await stat(layout.segment(epoch + 1));
    } catch (error) {
      if (isMissing(error)) return;
      throw error;
    }
    throw new CoordinatorError(
      'ORCH_RUN_TAKEN_OVER',
      `Another process took over the run at ${layout.directory} (epoch ${epoch + 1}); this one stops without writing more`,
      { epoch },
    );
  };

  return {
    epoch,
    state: () => state,
    failure: () => failure,
    append(...bodies) {
      const appended = record(bodies);
      appended.catch((error: unknown) => void (failure ??= { error }));
      return appended;
    },
    close: () => writer.close(),
  };

  async function record(bodies: readonly NewEvent[]): Promise<void> {
    if (failure) throw failure.error;
    const at = new Date(clock.now()).toISOString();
    const events = bodies.map((body, index): Event => ({
      v: 1,
      seq: seq + 1 + index,
      at,
      ...body,
    }));
    try {
      events.forEach(checkWritable);
    } catch (error) {
      failure = { error };
      throw error;
    }
    seq += events.length;
    const written = writer.appendMany(events);
    acknowledged = Promise.all([acknowledged, written]).then(async () => {
      await confirmLead();
      for (const event of events) {
        state = reduce(state, event);
        onEvent?.(event, state);
      }
    });
    return acknowledged;
  }
}

/**
 * The writer tells only later that it refused an event, when the number of that event is given away and others
 * after it are in the file: nobody could read that journal any more. @throws CoordinatorError `ORCH_RUN_INVARIANT`
 */
function checkWritable(event: Event): void {
  try {
    JSON.stringify(event);
  } catch (error) {
    throw new CoordinatorError(
      'ORCH_RUN_INVARIANT',
      `The event ${event.type} cannot be written as JSON (${String(error)}). The journal is whole without it`,
      { type: event.type },
      error,
    );
  }
}
