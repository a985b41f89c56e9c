import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Event } from '@orch/coordinator/state';
import type { LoggedRequest } from '@orch/scripted-model';
import type { TestModel } from './model.js';
import { journalEvents, jsonLines, runDirectory, startOrch, type Finished } from './orch.js';
import type { TestRepository } from './repository.js';
import { processesWith, until } from './witness.js';

/** Where in a run a leader is killed; recognised from the files on disk alone. */
export const phases = [
  'clone made',
  'agent streaming',
  'result durable',
  'gate',
  'merge',
  'delivery',
] as const;
export type Phase = (typeof phases)[number];

interface Attempt {
  readonly task: string;
  readonly attempt: number;
  readonly prepared: boolean;
  readonly spoke: boolean;
  /** The agent's end record is in the session file. */
  readonly finished: boolean;
  readonly captured: boolean;
  readonly checked: boolean;
  readonly decided: boolean;
}

const sessionLines = (file: string) =>
  jsonLines(file) as readonly {
    readonly kind: string;
    readonly data: { readonly session?: string };
  }[];

/** What the disk says about every attempt. */
export function attemptsOnDisk(repository: TestRepository): readonly Attempt[] {
  const events = journalEvents(repository);
  const directory = runDirectory(repository) ?? '';
  return events.flatMap((event) => {
    if (event.type !== 'attempt.started') return [];
    const { task, attempt } = event;
    const has = (...types: Event['type'][]): boolean =>
      events.some(
        (other) =>
          types.includes(other.type) &&
          'task' in other &&
          other.task === task &&
          'attempt' in other &&
          other.attempt === attempt,
      );
    const session = sessionLines(path.join(directory, 'sessions', `${task}.${attempt}.jsonl`));
    return [
      {
        task,
        attempt,
        prepared: has('workspace.prepared'),
        spoke: session.some((record) => record.kind === 'tool.called' || record.kind === 'output'),
        finished: session.some((record) => record.kind === 'end'),
        captured: has('result.captured'),
        checked: has('gate.checked'),
        decided: has('attempt.committed', 'attempt.ended'),
      },
    ];
  });
}

/** Whether the run stands in that phase right now. */
export function isIn(phase: Phase, repository: TestRepository): boolean {
  const events = journalEvents(repository);
  const epoch = events.filter((event) => event.type === 'epoch.opened').length;
  const since = events.slice(events.findLastIndex((event) => event.type === 'epoch.opened'));
  const has = (type: Event['type']): boolean => events.some((event) => event.type === type);
  const attempts = attemptsOnDisk(repository);
  switch (phase) {
    case 'clone made':
      // Of this leader, so that every kill of this kind hits a clone that was just made.
      return attempts.some(
        (one) =>
          one.prepared &&
          !one.spoke &&
          !one.finished &&
          since.some(
            (event) =>
              event.type === 'workspace.prepared' &&
              event.task === one.task &&
              event.attempt === one.attempt,
          ),
      );
    case 'agent streaming':
      return attempts.some((one) => one.spoke && !one.finished && !one.decided);
    case 'result durable':
      return attempts.some((one) => one.finished && !one.decided);
    case 'gate':
      return attempts.some(
        (one) => one.captured && !one.checked && !one.decided && one.task.startsWith('checked'),
      );
    case 'merge':
      return has('merge.landed') && !has('merge.finished');
    case 'delivery':
      return has('delivery.intended') && !has('delivery.done') && epoch > 0;
  }
}

/** What was true at the moment of a kill, for the comparison at the end. */
export interface Kill {
  readonly phase: Phase;
  readonly hit: boolean;
  readonly finished: readonly Attempt[];
  readonly unfinished: readonly Attempt[];
  readonly requests: Readonly<Record<string, number>>;
  readonly target: string;
}

/**
 * Leads a run until it is in the phase and so many milliseconds further, kills the leader without warning, and
 * notes what the disk says.
 */
export async function killIn(
  phase: Phase,
  afterMs: number,
  repository: TestRepository,
  argv: readonly string[],
  model: TestModel,
): Promise<Kill | { readonly ended: Finished }> {
  const running = startOrch(repository, argv, { env: model.env });
  let ended: Finished | undefined;
  void running.finished.then((finished) => (ended = finished));
  await until(`the run is in: ${phase}`, () => ended ?? isIn(phase, repository));
  if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
  if (ended) return { ended };
  process.kill(running.pid, 'SIGKILL');
  await running.finished;
  const hit = isIn(phase, repository);
  const attempts = attemptsOnDisk(repository);
  const run = path.basename(runDirectory(repository) ?? '');
  // Agents die with their leader, without anybody resuming.
  await until(
    `no process of run ${run} is left after the kill`,
    () => processesWith('ORCH_RUN', run).length === 0,
  );
  return {
    phase,
    hit,
    finished: attempts.filter((one) => one.finished),
    unfinished: attempts.filter((one) => !one.finished && !one.decided),
    requests: countByConversation(model.requests),
    target: repository.git('rev-parse', 'main'),
  };
}

export function countByConversation(requests: readonly LoggedRequest[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { conversation } of requests) counts[conversation] = (counts[conversation] ?? 0) + 1;
  return counts;
}

/** The conversations of some attempts: those they were to be in, and those they say they were in. */
function sessionsOf(
  repository: TestRepository,
  started: readonly { readonly task: string; readonly attempt: number; readonly session: string }[],
): ReadonlySet<string> {
  const directory = path.join(runDirectory(repository) ?? '', 'sessions');
  const said = started.flatMap(({ task, attempt }) =>
    sessionLines(path.join(directory, `${task}.${attempt}.jsonl`)).flatMap((record) =>
      record.kind === 'session.started' && record.data.session !== undefined
        ? [record.data.session]
        : [],
    ),
  );
  return new Set([...said, ...started.map((event) => event.session)]);
}

/** Everything that must not be, after a run that was killed and resumed. Empty when all promises held. */
export function violations(
  repository: TestRepository,
  kills: readonly Kill[],
  last: Finished,
  facts: {
    readonly requests: readonly LoggedRequest[];
    readonly turns: Readonly<Record<string, number>>;
    readonly effects: string;
    readonly before: string;
    readonly files: Readonly<Record<string, string>>;
  },
): readonly string[] {
  const found: string[] = [];
  if (last.code !== 0)
    found.push(`the last resume did not finish: exit ${String(last.code)} ${last.stderr}`);
  const started = journalEvents(repository).filter((event) => event.type === 'attempt.started');

  for (const kill of kills) {
    for (const { task, attempt } of kill.finished) {
      const later = started.filter((event) => event.task === task && event.attempt > attempt);
      if (later.length > 0)
        found.push(
          `${task} was finished (attempt ${attempt}) when it was killed in "${kill.phase}", and ran again`,
        );
      const sessions = [
        ...sessionsOf(
          repository,
          started.filter((event) => event.task === task && event.attempt <= attempt),
        ),
      ];
      const sum = (counts: Readonly<Record<string, number>>): number =>
        sessions.reduce((all, session) => all + (counts[session] ?? 0), 0);
      if (sum(countByConversation(facts.requests)) > sum(kill.requests))
        found.push(`the model was asked again for ${task}, which was finished`);
    }
  }
  for (const [task, turns] of Object.entries(facts.turns)) {
    const sessions = sessionsOf(
      repository,
      started.filter((event) => event.task === task),
    );
    const asked = [...sessions].reduce(
      (sum, session) => sum + (countByConversation(facts.requests)[session] ?? 0),
      0,
    );
    const interruptions = kills.filter((kill) =>
      kill.unfinished.some((attempt) => attempt.task === task),
    ).length;
    if (asked > turns + interruptions)
      found.push(
        `${task} asked its model ${asked} times: ${turns} turns and ${interruptions} interruptions allow ${turns + interruptions}`,
      );
    if (asked < turns) found.push(`${task} asked its model only ${asked} times`);
  }
  const lines = existsSync(facts.effects)
    ? readFileSync(facts.effects, 'utf8').trim().split('\n')
    : [];
  if (new Set(lines).size !== lines.length)
    found.push(`an attempt had its effect twice: ${lines.join(' ')}`);

  const final = repository.git('rev-parse', 'main');
  for (const kill of kills) {
    if (kill.target !== facts.before && kill.target !== final)
      found.push(`the target was neither old nor final after a kill in "${kill.phase}"`);
  }
  for (const [file, text] of Object.entries(facts.files)) {
    const path = `${repository.root}/${file}`;
    if (!existsSync(path) || readFileSync(path, 'utf8').trim() !== text)
      found.push(`${file} is not what it should be`);
  }
  const dirty = repository.git('status', '--porcelain');
  if (dirty !== '') found.push(`the worktree is not clean: ${dirty}`);
  const broken = repository.git('fsck', '--no-dangling', '--connectivity-only');
  if (/missing|error|broken/.test(broken)) found.push(`git fsck: ${broken}`);
  const left = processesWith('ORCH_RUN', path.basename(runDirectory(repository) ?? ''));
  if (left.length > 0) found.push(`left: ${left.map((process) => process.command).join(', ')}`);
  return found;
}
