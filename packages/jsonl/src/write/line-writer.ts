import { JsonlError } from '../errors.js';
import { tidyArchives } from './archive.js';
import { commitGroup, syncInPlace } from './commit.js';
import {
  addLine,
  addLines,
  firstLine,
  moveLines,
  putLine,
  startGroup,
  type Group,
} from './group.js';
import { isLockedHere } from './lock.js';
import { openFile, type Opened } from './open-file.js';
import { isDue } from './rotate.js';
import { sealGroup, type ChainTip } from './seal-group.js';
import { runSteps, runStepsSync, type FirstOutcome, type Steps } from './steps.js';
import type { Target } from './target.js';
import {
  busyError,
  closedError,
  closeError,
  unexpectedError,
  untidyError,
  writerFailedError,
} from './writer-errors.js';
import type { WriterSettings } from './writer-options.js';

export interface Appended {
  readonly bytes: number;
}

/** Appends values as lines; `openWriter` and sessions say what a line is. */
export interface LineWriter<T> {
  readonly opened: Opened;
  head(): string | undefined;
  bytes(): number | undefined;
  /** Throws what `encode` throws; everything else is a rejection. */
  append(value: T): Promise<Appended>;
  appendMany(values: readonly T[]): Promise<Appended>;
  appendSync(value: T): Appended;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** A buffer that grew beyond this for one huge group is given up. */
const maxKeptBytes = 2 * 1024 * 1024;

/**
 * What a writer knows. The functions below are shared by all writers, and not made anew for each, so
 * that a writer that was just opened is as fast as the one before it.
 */
interface State<T> {
  readonly path: string;
  readonly settings: WriterSettings;
  readonly target: Target;
  readonly encode: (value: T) => string;
  /** Whether every group is synced. */
  readonly alwaysSync: boolean;
  /** Whether a lone record may be written in one call, without the steps for all that can happen. */
  readonly plain: boolean;
  /** Where in a group that call begins. */
  readonly firstSent: number;
  tip: ChainTip | undefined;
  /** Groups that wait; lines are added to the last one. */
  waiting: Group[];
  /** The group of an append in place; its bytes are used again for the next one. */
  alone: Group;
  /** Bytes of groups that are done, for the next ones. */
  readonly spare: Buffer[];
  scheduled: Promise<void> | undefined;
  inFlight: boolean;
  failure: JsonlError | undefined;
  /** Whether somebody was told of the failure by a rejection. */
  failureTold: boolean;
  closing: Promise<void> | undefined;
  /** Work on rotated files, which nobody waits for but `close`. */
  tidying: Promise<void>;
  /** How many rotations it has seen. */
  tidied: number;
  untidy: JsonlError | undefined;
}

function refusal({ path, failure, closing }: State<never>): JsonlError | undefined {
  if (failure !== undefined) return writerFailedError(path, failure);
  return closing === undefined ? undefined : closedError(path);
}

function addGroup({ waiting, spare }: State<never>): Group {
  const group = startGroup(spare.pop());
  waiting.push(group);
  return group;
}

function recycle({ spare }: State<never>, { bytes }: Group): void {
  if (spare.length < 2 && bytes.length <= maxKeptBytes) spare.push(bytes);
}

/** The group that the lines of the next call are added to. */
function openGroup(state: State<never>): Group {
  const last = state.settings.durability === 'sync' ? undefined : state.waiting.at(-1);
  return last ?? addGroup(state);
}

/** Gives up the group of a call whose value cannot be a line, if it was begun for that call. */
function dropEmpty({ waiting }: State<never>, group: Group): void {
  if (group.end === firstLine && group.waiters.length === 0 && !group.sync) waiting.pop();
}

/** What one call adds is never divided: if the group became too long, the lines begin the next one. */
function settleGroup(state: State<never>, group: Group, end: number): Group {
  if (group.end - firstLine <= state.settings.maxBatchBytes || end === firstLine) return group;
  const next = addGroup(state);
  moveLines(group, end, next);
  return next;
}

/** The calls that commit a group; what is known of the file changes once all have succeeded. */
function* commit(state: State<never>, group: Group): Steps<void> {
  const { end } = group;
  const { tip } = state;
  const next = tip === undefined || end === firstLine ? tip : sealGroup(group, tip);
  yield* commitGroup(state.target, group, state.alwaysSync || group.sync);
  state.tip = next;
  // Before anybody is told: whoever waits for this may append in place the next moment.
  state.inFlight = false;
  const sealed = group.end - end;
  const sealedWaiter = sealed === 0 ? undefined : group.waiters.findLast(({ bytes }) => bytes > 0);
  for (const waiter of group.waiters) {
    waiter.resolve({ bytes: waiter === sealedWaiter ? waiter.bytes + sealed : waiter.bytes });
  }
  recycle(state, group);
}

/** Ends this writer. Gives what everybody in the group is told. */
function fail(state: State<never>, group: Group, error: unknown): JsonlError {
  // What is not a failure of a commit (memory for a huge group, say) must stop the writer as well.
  const first = JsonlError.isInstance(error) ? error : unexpectedError(state.path, error);
  state.failure = first;
  for (const waiter of group.waiters) waiter.reject(first);
  const left = state.waiting;
  state.waiting = [];
  for (const { waiters } of left) {
    for (const waiter of waiters) waiter.reject(writerFailedError(state.path, first));
  }
  return first;
}

/** Sees to full files in the background. */
function tidy(state: State<never>): void {
  const { path, settings, target } = state;
  const { rotate, mode, fileSystem } = settings;
  if (rotate === undefined || target.rotations === state.tidied) return;
  state.tidied = target.rotations;
  if (rotate.keep === Infinity && !rotate.compress) return;
  state.tidying = state.tidying
    .then(() => tidyArchives(fileSystem, path, { ...rotate, mode }))
    .catch((cause: unknown) => {
      state.untidy ??= untidyError(path, cause);
    });
}

async function drain(state: State<never>): Promise<void> {
  const { fileSystem } = state.settings;
  for (let group = state.waiting.shift(); group !== undefined; group = state.waiting.shift()) {
    state.inFlight = true;
    try {
      await runSteps(commit(state, group), fileSystem);
    } catch (error) {
      state.inFlight = false;
      fail(state, group, error);
    }
    tidy(state);
  }
  state.scheduled = undefined;
}

function drainSync(state: State<never>): void {
  const { fileSystem } = state.settings;
  for (let group = state.waiting.shift(); group !== undefined; group = state.waiting.shift()) {
    try {
      runStepsSync(commit(state, group), fileSystem);
    } catch (error) {
      fail(state, group, error);
    }
    tidy(state);
  }
}

function waitFor(state: State<never>, group: Group, bytes: number): Promise<Appended> {
  // A turn later, so that everything appended in this turn is in the first group already.
  state.scheduled ??= Promise.resolve().then(() => drain(state));
  if (state.settings.durability === 'none' && !group.sync) return Promise.resolve({ bytes });
  return new Promise((resolve, reject) => {
    const tell = (error: unknown): void => {
      state.failureTold = true;
      reject(error);
    };
    group.waiters.push({ bytes, resolve, reject: tell });
  });
}

function refuse(state: State<never>, refused: JsonlError): Promise<never> {
  state.failureTold = true;
  return Promise.reject(refused);
}

function append<T>(state: State<T>, value: T): Promise<Appended> {
  const refused = refusal(state);
  if (refused !== undefined) return refuse(state, refused);
  const group = openGroup(state);
  const { end } = group;
  try {
    addLine(group, state.encode(value));
  } catch (error) {
    dropEmpty(state, group);
    throw error;
  }
  const bytes = group.end - end;
  return waitFor(state, settleGroup(state, group, end), bytes);
}

function appendMany<T>(state: State<T>, values: readonly T[]): Promise<Appended> {
  const refused = refusal(state);
  if (refused !== undefined) return refuse(state, refused);
  if (values.length === 0) return Promise.resolve({ bytes: 0 });
  const group = openGroup(state);
  const { end } = group;
  try {
    addLines(group, values, state.encode);
  } catch (error) {
    dropEmpty(state, group);
    throw error;
  }
  const bytes = group.end - end;
  return waitFor(state, settleGroup(state, group, end), bytes);
}

function appendSync<T>(state: State<T>, value: T): Appended {
  const refused = refusal(state);
  if (refused !== undefined) {
    state.failureTold = true;
    throw refused;
  }
  if (state.inFlight || isLockedHere(state.target)) throw busyError(state.path);
  return state.waiting.length > 0 ? appendAfter(state, value) : appendAlone(state, value);
}

/** Appends after what waits, with it where that is allowed. */
function appendAfter<T>(state: State<T>, value: T): Appended {
  const outcome: { bytes: number; error?: JsonlError } = { bytes: 0 };
  const line = state.encode(value);
  const group = openGroup(state);
  const { end } = group;
  addLine(group, line);
  const bytes = group.end - end;
  settleGroup(state, group, end).waiters.push({
    bytes,
    resolve: (appended) => (outcome.bytes = appended.bytes),
    reject: (error) => (outcome.error = error),
  });
  drainSync(state);
  if (outcome.error === undefined) return { bytes: outcome.bytes };
  state.failureTold = true;
  throw outcome.error;
}

/** After a record was written whole in one call. */
function acceptAlone(state: State<never>, group: Group, written: number): void {
  const { target } = state;
  if (state.alwaysSync) {
    try {
      syncInPlace(target, written);
    } catch (error) {
      state.failureTold = true;
      throw fail(state, group, error);
    }
  } else {
    if (target.length !== undefined) target.length += written;
    target.unsynced = true;
  }
  if (group.bytes.length > maxKeptBytes) state.alone = startGroup();
}

/**
 * Appends alone. One call of the file system is enough unless something is in the way; if it was
 * not, the steps that know what to do then begin with its outcome.
 */
function appendAlone<T>(state: State<T>, value: T): Appended {
  const { target, settings, firstSent } = state;
  const { alone: group } = state;
  putLine(group, state.encode(value));
  let first: FirstOutcome | undefined;
  if (state.plain && !isDue(target, target.length ?? 0, group.end)) {
    const sent = firstSent === 0 ? group.bytes : group.lines;
    const length = group.end - firstSent;
    let written = -1;
    try {
      written = settings.fileSystem.writeSync(target.file, sent, 0, length);
    } catch (cause) {
      first = { cause };
    }
    if (written === length) {
      acceptAlone(state, group, written);
      return { bytes: group.end - firstLine };
    }
    first ??= { answer: written };
  }
  try {
    runStepsSync(commit(state, group), settings.fileSystem, first);
  } catch (error) {
    state.failureTold = true;
    throw fail(state, group, error);
  } finally {
    state.alone = startGroup(state.spare.pop());
    tidy(state);
  }
  return { bytes: group.end - firstLine };
}

async function flush(state: State<never>): Promise<void> {
  const refused = refusal(state);
  if (refused !== undefined) return refuse(state, refused);
  const group = openGroup(state);
  group.sync = true;
  await waitFor(state, group, 0);
}

async function close(state: State<never>): Promise<void> {
  await state.scheduled;
  await state.tidying;
  try {
    await state.settings.fileSystem.close(state.target.file);
  } catch (error) {
    state.failure ??= closeError(state.path, error);
  }
  if (state.failure !== undefined && !state.failureTold) {
    state.failureTold = true;
    throw state.failure;
  }
  if (state.untidy !== undefined) throw state.untidy;
}

/**
 * Commits in groups: while one group is being written and synced, everything appended meanwhile
 * waits and becomes the next one. So a sync is paid once for all who wait for it.
 */
export async function openLineWriter<T>(
  path: string,
  settings: WriterSettings,
  encode: (value: T) => string,
): Promise<LineWriter<T>> {
  const { access, durability } = settings;
  const { target, opened, tip } = await openFile(path, settings);
  const state: State<T> = {
    path,
    settings,
    target,
    encode,
    alwaysSync: durability === 'batch' || durability === 'sync',
    plain: access !== 'locked' && tip === undefined,
    firstSent: access === 'shared' ? 0 : firstLine,
    tip,
    waiting: [],
    alone: startGroup(),
    spare: [],
    scheduled: undefined,
    inFlight: false,
    failure: undefined,
    failureTold: false,
    closing: undefined,
    tidying: Promise.resolve(),
    tidied: 0,
    untidy: undefined,
  };
  return {
    opened,
    head: () => state.tip?.head,
    bytes: () => target.length,
    append: (value) => append(state, value),
    appendMany: (values) => appendMany(state, values),
    appendSync: (value) => appendSync(state, value),
    flush: () => flush(state),
    close: () => (state.closing ??= close(state)),
  };
}
