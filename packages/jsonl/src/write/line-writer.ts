import { JsonlError } from '../errors.js';
import { nodeFileSystem } from '../file-system.js';
import { tidyArchives } from './archive.js';
import { commitGroup, syncInPlace } from './commit.js';
import { addLines, startGroup, type Group } from './group.js';
import { firstLine, type LineBytes, type LineEncoder } from './line-bytes.js';
import { isLockedHere } from './lock.js';
import { openFile, type Opened } from './open-file.js';
import { isDue } from './rotate.js';
import { sealGroup, type ChainTip } from './seal-group.js';
import { runSteps, runStepsSync, type FirstOutcome, type Steps } from './steps.js';
import { SyncPace } from './sync-pace.js';
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
  /** Throws what the encoder throws; everything else is a rejection. */
  append(value: T): Promise<Appended>;
  appendMany(values: readonly T[]): Promise<Appended>;
  appendSync(value: T): Appended;
  flush(): Promise<void>;
  close(): Promise<void>;
}

interface Started {
  readonly group: Group;
  readonly startedAt: number;
  /** Resolves to the bytes that its seal added. */
  done: Promise<number>;
}

/**
 * What a writer knows. The functions below are shared by all writers, and not made anew for each, so
 * that a writer that was just opened is as fast as the one before it.
 */
interface State<T> {
  readonly path: string;
  readonly settings: WriterSettings;
  readonly target: Target;
  readonly encoder: LineEncoder<T>;
  /** Whether every group is synced. */
  readonly alwaysSync: boolean;
  /** Whether a lone record may be written in one call, without the steps for all that can happen. */
  readonly plain: boolean;
  /** Where in a group that call begins. */
  readonly firstSent: number;
  tip: ChainTip | undefined;
  /** Groups that wait; lines are added to the last one. */
  waiting: Group[];
  /** Of groups that are done, for the next ones. */
  readonly spare: LineBytes[];
  scheduled: Promise<void> | undefined;
  /** The group that is being written and synced. */
  started: Started | undefined;
  readonly pace: SyncPace;
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

function recycle({ spare }: State<never>, { lines }: Group): void {
  if (spare.length >= 2 || !lines.isKept) return;
  lines.end = firstLine;
  spare.push(lines);
}

/** A group of so many bytes is started early, see `startEarly`. To encode them takes about half a millisecond. */
const earlyBytes = 256 * 1024;

/** The group that so many bytes of one call are added to. What one call appends is never divided. */
function openGroup(state: State<never>, more: number): Group | undefined {
  const { settings, waiting } = state;
  const last = settings.durability === 'sync' ? undefined : waiting.at(-1);
  if (last === undefined || last.lines.end === firstLine) return last;
  const { maxBatchBytes } = settings;
  const most = state.pace.isQuick ? Math.min(maxBatchBytes, earlyBytes) : maxBatchBytes;
  return last.lines.end - firstLine + more <= most ? last : undefined;
}

function addToGroup(state: State<never>, lines: LineBytes): Group {
  const group = openGroup(state, lines.end - firstLine) ?? addGroup(state);
  addLines(group, lines);
  return group;
}

/**
 * The calls that commit a group; what is known of the file changes once all have succeeded. Gives how many bytes its
 * seal added.
 */
function* commit(state: State<never>, { lines, sync }: Group): Steps<number> {
  const { end } = lines;
  const { tip } = state;
  const next = tip === undefined || end === firstLine ? tip : sealGroup(lines, tip);
  yield* commitGroup(state.target, lines, state.alwaysSync || sync);
  state.tip = next;
  return lines.end - end;
}

/** Tells everybody in a group, once nothing of it is left to do: who waits for it may append in place the next moment. */
function tellAll({ waiters }: Group, sealed: number): void {
  const sealedWaiter = sealed === 0 ? undefined : waiters.findLast(({ bytes }) => bytes > 0);
  for (const waiter of waiters) {
    waiter.resolve({ bytes: waiter === sealedWaiter ? waiter.bytes + sealed : waiter.bytes });
  }
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

function start(state: State<never>): Started | undefined {
  const group = state.waiting.shift();
  if (group === undefined) return undefined;
  // It is known as started before the first call is made.
  state.started = { group, startedAt: performance.now(), done: Promise.resolve(0) };
  state.started.done = runSteps(commit(state, group), state.settings.fileSystem);
  return state.started;
}

/**
 * Starts what waits at once if it is enough. Where a sync is quick, the disk works then while others are still encoded,
 * or are told of the sync before. Where it is not, one sync for all that can wait for it is worth more.
 */
function startEarly(state: State<never>): void {
  const { started, waiting, pace } = state;
  if (started !== undefined || !pace.isQuick) return;
  const [first, second] = waiting;
  if (second !== undefined || (first !== undefined && first.lines.end >= earlyBytes)) start(state);
}

function nextStarted(state: State<never>): Started | undefined {
  return state.started ?? start(state);
}

async function drain(state: State<never>): Promise<void> {
  for (let next = nextStarted(state); next !== undefined; next = nextStarted(state)) {
    const { group, startedAt, done } = next;
    try {
      const sealed = await done;
      state.started = undefined;
      if (state.alwaysSync && group.lines.end > firstLine) {
        state.pace.note(performance.now() - startedAt);
        startEarly(state);
      }
      tellAll(group, sealed);
      recycle(state, group);
    } catch (error) {
      state.started = undefined;
      fail(state, group, error);
    }
    tidy(state);
    // What those who were told append at once is in the next group already.
    await Promise.resolve();
  }
  state.scheduled = undefined;
}

function drainSync(state: State<never>): void {
  const { fileSystem } = state.settings;
  for (let group = state.waiting.shift(); group !== undefined; group = state.waiting.shift()) {
    try {
      tellAll(group, runStepsSync(commit(state, group), fileSystem));
      recycle(state, group);
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

/** Adds what was encoded, which may have ended this writer by a getter. */
function appendLines(state: State<never>, lines: LineBytes): Promise<Appended> {
  const refused = refusal(state);
  if (refused !== undefined) return refuse(state, refused);
  const appended = waitFor(state, addToGroup(state, lines), lines.end - firstLine);
  startEarly(state);
  return appended;
}

function appendMany<T>(state: State<T>, values: readonly T[]): Promise<Appended> {
  if (values.length > 0) return appendLines(state, state.encoder.all(values));
  const refused = refusal(state);
  return refused === undefined ? Promise.resolve({ bytes: 0 }) : refuse(state, refused);
}

function appendSync<T>(state: State<T>, value: T): Appended {
  const lines = state.encoder.one(value);
  const refused = refusal(state);
  if (refused !== undefined) {
    state.failureTold = true;
    throw refused;
  }
  if (state.started !== undefined || isLockedHere(state.target)) throw busyError(state.path);
  return state.waiting.length > 0
    ? appendAfter(state, lines)
    : appendAlone(state, secure(state, lines));
}

/**
 * Lines that stay what they are while they are written: a file system that was handed in may append elsewhere (to a
 * record of its calls, say), where all writers have one page to encode in.
 */
function secure({ settings }: State<never>, lines: LineBytes): LineBytes {
  if (settings.fileSystem === nodeFileSystem) return lines;
  const group = startGroup();
  addLines(group, lines);
  return group.lines;
}

/** Appends after what waits, with it where that is allowed. */
function appendAfter(state: State<never>, lines: LineBytes): Appended {
  const outcome: { bytes: number; error?: JsonlError } = { bytes: 0 };
  addToGroup(state, lines).waiters.push({
    bytes: lines.end - firstLine,
    resolve: (appended) => (outcome.bytes = appended.bytes),
    reject: (error) => (outcome.error = error),
  });
  drainSync(state);
  if (outcome.error === undefined) return { bytes: outcome.bytes };
  state.failureTold = true;
  throw outcome.error;
}

/** After a record was written whole in one call. */
function acceptAlone(state: State<never>, lines: LineBytes, written: number): void {
  const { target } = state;
  if (state.alwaysSync) {
    try {
      syncInPlace(target, written);
    } catch (error) {
      state.failureTold = true;
      throw fail(state, startGroup(lines), error);
    }
  } else {
    if (target.length !== undefined) target.length += written;
    target.unsynced = true;
  }
}

/**
 * Appends alone. One call of the file system is enough unless something is in the way; if it was
 * not, the steps that know what to do then begin with its outcome.
 */
function appendAlone(state: State<never>, lines: LineBytes): Appended {
  const { target, settings, firstSent } = state;
  let first: FirstOutcome | undefined;
  if (state.plain && !isDue(target, target.length ?? 0, lines.end)) {
    const sent = firstSent === 0 ? lines.bytes : lines.fromFirst;
    const length = lines.end - firstSent;
    let written = -1;
    try {
      written = settings.fileSystem.writeSync(target.file, sent, 0, length);
    } catch (cause) {
      first = { cause };
    }
    if (written === length) {
      acceptAlone(state, lines, written);
      return { bytes: lines.end - firstLine };
    }
    first ??= { answer: written };
  }
  const group = startGroup(lines);
  try {
    runStepsSync(commit(state, group), settings.fileSystem, first);
  } catch (error) {
    state.failureTold = true;
    throw fail(state, group, error);
  } finally {
    tidy(state);
  }
  return { bytes: lines.end - firstLine };
}

async function flush(state: State<never>): Promise<void> {
  const refused = refusal(state);
  if (refused !== undefined) return refuse(state, refused);
  const group = openGroup(state, 0) ?? addGroup(state);
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
  encoder: LineEncoder<T>,
): Promise<LineWriter<T>> {
  const { access, durability } = settings;
  const { target, opened, tip } = await openFile(path, settings);
  const state: State<T> = {
    path,
    settings,
    target,
    encoder,
    alwaysSync: durability === 'batch' || durability === 'sync',
    plain: access !== 'locked' && tip === undefined,
    firstSent: access === 'shared' ? 0 : firstLine,
    tip,
    waiting: [],
    spare: [],
    scheduled: undefined,
    started: undefined,
    pace: new SyncPace(),
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
    append: (value) => appendLines(state, encoder.one(value)),
    appendMany: (values) => appendMany(state, values),
    appendSync: (value) => appendSync(state, value),
    flush: () => flush(state),
    close: () => (state.closing ??= close(state)),
  };
}
