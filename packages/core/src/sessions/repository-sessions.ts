import path from 'node:path';
import { runLayout } from '@orch/coordinator';
import { JsonlError } from '@orch/jsonl';
import {
  createPricing,
  createUsageLedger,
  findTranscripts,
  openSessionStore,
  redactValues,
  type CleanupPlan,
  type Expired,
  type ImportOptions,
  type ImportOutcome,
  type PriceTable,
  type SearchHit,
  type SessionFacts,
  type SessionRecord,
  type SessionStore,
  type UsageTotals,
} from '@orch/jsonl/sessions';
import { CoreError } from '../core-error.js';
import { claudeCredentials } from '../parts/environment.js';
import { claudeDirectory, makeOrchDirectory, orchDirectory } from '../places.js';
import { findRepositoryRoot, findRun, listRuns, readRun } from '../status/runs.js';

export interface SessionsOptions {
  /** Any directory of the repository. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A session, under the name that people use for it. */
export interface ListedSession extends SessionFacts {
  /** `<run>/<task>.<attempt>`, or the id of an imported session. */
  readonly name: string;
  /** The run it is of; absent for an imported session. */
  readonly run?: string;
  /** Its model was scripted: its tokens cost nothing. */
  readonly rehearsal: boolean;
  /** Somebody leads its run, or writes it. */
  readonly live: boolean;
}

export interface SessionSearchHit extends SearchHit {
  readonly name: string;
}

export interface ExpiredSession extends Expired {
  readonly name: string;
}

/** What a cleanup would remove, and what it leaves alone. */
export interface CleanupListing {
  readonly remove: readonly ExpiredSession[];
  /** `unfinished`: its run has not ended, so that a resume may need it. */
  readonly keep: readonly { readonly name: string; readonly reason: string }[];
}

/** A transcript, one of several, that could not be imported. */
export interface FailedImport {
  readonly kind: 'failed';
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

export interface UsageReport extends UsageTotals {
  readonly sessions: number;
  /** Sessions of rehearsals that were left out. */
  readonly rehearsals: number;
  /** Sessions that could not be read, or not to their end, and why: they may be missing in the totals. Absent when there are none. */
  readonly unreadable?: readonly { readonly name: string; readonly code: string }[];
}

export interface RepositorySessions {
  readonly root: string;
  /** Sessions of all runs (or of one: its id, or the beginning of it) and imported ones, newest first. */
  list(options?: {
    readonly run?: string;
    readonly imported?: boolean;
  }): Promise<readonly ListedSession[]>;
  /**
   * The session that a person means: a name, the beginning of one, or of the newest run that has it
   * `<task>.<attempt>`, or the last attempt of `<task>`.
   *
   * @throws CoreError `ORCH_SESSION_NOT_FOUND`
   */
  find(wanted: string): Promise<ListedSession>;
  records(session: ListedSession): AsyncIterable<SessionRecord>;
  search(text: string): AsyncIterable<SessionSearchHit>;
  exportMarkdown(session: ListedSession, prices?: PriceTable): AsyncIterable<string>;
  /**
   * Tokens and cost. A message counts once, also when a conversation was recorded and imported as well.
   * Rehearsals are left out unless they are what was asked for.
   */
  stats(options?: {
    readonly run?: string;
    readonly session?: ListedSession;
    readonly prices?: PriceTable;
  }): Promise<UsageReport>;
  /** Where Claude Code keeps its conversations in this repository's directory. */
  readonly ownTranscripts: string;
  /**
   * Takes in the transcripts at a path, one after the other. Credentials of the environment are
   * replaced in what is written. Of several, one that cannot be imported does not stop the others.
   *
   * @throws CoreError `ORCH_TRANSCRIPTS_NOT_FOUND`
   */
  importFrom(
    source: string,
    options?: Pick<ImportOptions, 'onProgress'>,
  ): AsyncIterable<ImportOutcome | FailedImport>;
  /** What a cleanup would remove: imported sessions, and those of runs that have ended. Removes nothing. */
  planCleanup(cleanupPeriodDays: number): Promise<CleanupListing>;
  /** Removes what was listed, unless somebody writes it or has since. */
  cleanUp(listing: CleanupListing): Promise<CleanupListing>;
}

/** Where sessions are: those of one run, or the imported ones. */
interface Place {
  readonly run?: string;
  readonly store: SessionStore;
  readonly rehearsal: boolean;
  readonly led: boolean;
  readonly ended: boolean;
}

/** @throws CoreError `ORCH_REPOSITORY_NOT_FOUND` */
export async function openRepositorySessions({
  directory,
  environment,
}: SessionsOptions): Promise<RepositorySessions> {
  const root = await findRepositoryRoot(directory);
  const orch = orchDirectory(root);
  const { ANTHROPIC_BASE_URL: _address, ...secrets } = claudeCredentials(environment);
  const imported: Place = {
    store: openSessionStore(path.join(orch, 'sessions'), {
      redact: redactValues(Object.values(secrets)),
    }),
    rehearsal: false,
    led: false,
    ended: true,
  };

  async function runPlace(run: string): Promise<Place> {
    const { sessions } = runLayout(orch, run);
    // A run that cannot be read may still be needed: nothing of it is removed.
    const record = await readRun(root, run).catch(() => undefined);
    const ended = record?.state.status === 'ended' && !record.led;
    return {
      run,
      store: openSessionStore(sessions, { isWritten: () => !ended }),
      rehearsal: record?.state.mode === 'rehearsal',
      led: record?.led ?? false,
      ended,
    };
  }

  /** Recorded sessions first: what they report is exact, and counts before the same messages in a transcript. */
  async function places(run?: string): Promise<readonly Place[]> {
    if (run !== undefined) return [await runPlace(await findRun(root, run))];
    return [...(await Promise.all((await listRuns(root)).map(runPlace))), imported];
  }

  const listed = (place: Place, facts: SessionFacts): ListedSession => ({
    ...facts,
    name: nameOf(place, facts.id),
    ...(place.run === undefined ? {} : { run: place.run }),
    rehearsal: place.rehearsal,
    live: facts.writer !== undefined || (place.led && facts.outcome === undefined),
  });

  async function list(
    options: { readonly run?: string; readonly imported?: boolean } = {},
  ): Promise<readonly ListedSession[]> {
    const wanted = options.imported ? [imported] : await places(options.run);
    const all: ListedSession[] = [];
    for (const place of wanted) {
      for (const facts of await place.store.list()) all.push(listed(place, facts));
    }
    return all.sort((left, right) => (left.modifiedAt < right.modifiedAt ? 1 : -1));
  }

  async function find(wanted: string): Promise<ListedSession> {
    const all = await list();
    const exact = all.find(({ name }) => name === wanted);
    const begin = all.filter(({ name }) => name.startsWith(wanted));
    // Ids of runs are in the order of time, and so are numbers of attempts.
    const attempt = all
      .filter(({ run, id }) => run !== undefined && (id === wanted || isAttemptOf(id, wanted)))
      .sort(
        (left, right) =>
          (right.run ?? '').localeCompare(left.run ?? '') || numberOf(right) - numberOf(left),
      )[0];
    const found = exact ?? attempt ?? (begin.length === 1 ? begin[0] : undefined);
    if (found) return found;
    const problem =
      begin.length > 1
        ? `${begin.length} sessions begin with "${wanted}": ${begin
            .slice(0, 5)
            .map(({ name }) => name)
            .join(', ')}`
        : `There is no session "${wanted}" in this repository`;
    throw new CoreError('ORCH_SESSION_NOT_FOUND', `${problem}. See: orch sessions list`, {
      wanted,
    });
  }

  const storeOf = async ({ run }: ListedSession): Promise<SessionStore> =>
    (run === undefined ? imported : await runPlace(run)).store;

  async function planCleanup(cleanupPeriodDays: number): Promise<CleanupListing> {
    const remove: ExpiredSession[] = [];
    const keep: { name: string; reason: string }[] = [];
    for (const place of await places()) {
      const plan = await place.store.planCleanup({ cleanupPeriodDays });
      const name = (id: string): string => nameOf(place, id);
      remove.push(...plan.remove.map((expired) => ({ ...expired, name: name(expired.id) })));
      for (const { id, reason } of plan.keep)
        keep.push({ name: name(id), reason: place.ended ? reason : 'unfinished' });
    }
    return { remove, keep };
  }

  async function cleanUp({ remove }: CleanupListing): Promise<CleanupListing> {
    const removed: ExpiredSession[] = [];
    const kept: { name: string; reason: string }[] = [];
    // Runs are looked at again: one may have been resumed since the list was made.
    for (const place of await places()) {
      const mine = remove.filter(({ name, id }) => name === nameOf(place, id));
      if (mine.length === 0) continue;
      const plan: CleanupPlan = { remove: mine, keep: [] };
      const result = await place.store.cleanUp(plan);
      const name = (id: string): string => nameOf(place, id);
      removed.push(...result.removed.map((expired) => ({ ...expired, name: name(expired.id) })));
      kept.push(...result.kept.map(({ id, reason }) => ({ name: name(id), reason })));
    }
    return { remove: removed, keep: kept };
  }

  return {
    root,
    list,
    find,
    async *records(session) {
      yield* (await storeOf(session)).records(session.id);
    },
    async *search(text) {
      for (const place of await places()) {
        for await (const hit of place.store.search(text))
          yield { ...hit, name: nameOf(place, hit.session) };
      }
    },
    async *exportMarkdown(session, prices) {
      const store = await storeOf(session);
      yield* store.exportMarkdown(session.id, prices === undefined ? {} : { prices });
    },
    async stats({ run, session, prices } = {}) {
      const ledger = createUsageLedger(createPricing(prices));
      let sessions = 0;
      let rehearsals = 0;
      const unreadable: { name: string; code: string }[] = [];
      for (const place of await places(session?.run ?? run)) {
        for (const { id } of await place.store.list()) {
          if (session !== undefined && (session.run !== place.run || session.id !== id)) continue;
          if (place.rehearsal && session === undefined && run === undefined) {
            rehearsals += 1;
            continue;
          }
          sessions += 1;
          try {
            for await (const record of place.store.records(id)) ledger.add(record);
          } catch (error) {
            if (session !== undefined || !JsonlError.isInstance(error)) throw error;
            unreadable.push({ name: nameOf(place, id), code: error.code });
          }
          ledger.nextSession();
        }
      }
      const problems = unreadable.length === 0 ? {} : { unreadable };
      return { sessions, rehearsals, ...problems, ...ledger.totals() };
    },
    ownTranscripts: path.join(
      claudeDirectory(environment),
      'projects',
      root.replaceAll(/[^A-Za-z0-9]/g, '-'),
    ),
    async *importFrom(source, options = {}) {
      const found = await findTranscripts(path.resolve(source)).catch((error: unknown) => {
        if ((error as { code?: unknown }).code === 'ORCH_JSONL_NOT_FOUND') return [];
        throw error;
      });
      if (found.length === 0) {
        throw new CoreError(
          'ORCH_TRANSCRIPTS_NOT_FOUND',
          `There are no transcripts of Claude Code at ${source}. Name a file, the directory of a project, or a configuration directory: orch sessions import PATH`,
          { source },
        );
      }
      await makeOrchDirectory(orch);
      for (const files of found) {
        try {
          yield await imported.store.importTranscript(files, options);
        } catch (error) {
          if (found.length === 1 || !JsonlError.isInstance(error)) throw error;
          yield { kind: 'failed', path: files.main, code: error.code, message: error.message };
        }
      }
    },
    planCleanup,
    cleanUp,
  };
}

const nameOf = ({ run }: Place, id: string): string => (run === undefined ? id : `${run}/${id}`);

const isAttemptOf = (id: string, task: string): boolean =>
  id.startsWith(`${task}.`) && /^\d+$/.test(id.slice(task.length + 1));

const numberOf = ({ id }: ListedSession): number => Number(/\d+$/.exec(id)?.[0] ?? 0);
