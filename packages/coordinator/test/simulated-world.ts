import { createHash } from 'node:crypto';
import type {
  Agent,
  AgentEnd,
  AgentRequest,
  ChangedFile,
  CoordinatorParts,
  Delivered,
  Gate,
  GateResult,
  Graph,
  Merged,
  Owner,
  TaskNode,
  Workspace,
} from '../src/index.js';
import { hashGraph } from '../src/graph/graph-hash.js';

type Tree = Readonly<Record<string, string>>;
interface Commit {
  readonly id: string;
  readonly tree: Tree;
  readonly parents: readonly string[];
}

/** Thrown by every part once the simulated process is dead; nothing of it has an effect any more. */
export class Killed extends Error {}

/**
 * A world in memory for the coordinator's parts: commits are trees of text, agents write a file each.
 * It outlives a killed coordinator, as a disk does, and counts what really happened.
 */
export function createWorld(
  options: {
    readonly latency?: () => number;
    readonly behave?: Behaviour;
    /** Agents wait for each other until so many run at once. */
    readonly meet?: number;
  } = {},
) {
  const commits = new Map<string, Commit>();
  const refs = new Map<string, string>();
  const workspaces = new Map<string, Tree>();
  const ends = new Map<string, AgentEnd>();
  /** How often each task's agent ran to its end. */
  const finished = new Map<string, number>();
  const started: string[] = [];
  let running = 0;
  let mostRunning = 0;
  let gateRuns = 0;
  let sessions = 0;
  const heads = new Map<string, string>();

  const put = (tree: Tree, parents: readonly string[]): string => {
    const sorted = Object.fromEntries(Object.entries(tree).sort(([a], [b]) => (a < b ? -1 : 1)));
    const id = createHash('sha1')
      .update(JSON.stringify([sorted, parents]))
      .digest('hex');
    commits.set(id, { id, tree: sorted, parents });
    return id;
  };
  const base = put({ 'README.md': 'hello' }, []);
  const get = (id: string): Commit => {
    const commit = commits.get(id);
    if (!commit) throw new Error(`no commit ${id}`);
    return commit;
  };
  const ancestors = (id: string): Set<string> => {
    const seen = new Set<string>();
    const open = [id];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      open.push(...get(at).parents);
    }
    return seen;
  };
  const treeId = (tree: Tree): string =>
    createHash('sha1').update(JSON.stringify(tree)).digest('hex');
  const changed = (from: Tree, to: Tree): string[] =>
    [...new Set([...Object.keys(from), ...Object.keys(to)])].filter(
      (path) => from[path] !== to[path],
    );

  /** Parts of one process. `dieAt`: the call at which it is killed, counted over all parts. */
  function parts(
    orchDirectory: string,
    life: { readonly dieAt?: number; readonly pid?: number } = {},
  ): CoordinatorParts & { readonly calls: () => number } {
    let calls = 0;
    const refuseIfDead = (): void => {
      if (life.dieAt !== undefined && calls >= life.dieAt) throw new Killed();
    };
    const step = async (after = false): Promise<void> => {
      calls += 1;
      refuseIfDead();
      const delay = after ? 0 : (options.latency?.() ?? 0);
      for (let turn = 0; turn < delay; turn += 1)
        await new Promise((resolve) => setImmediate(resolve));
    };
    const agent: Agent = {
      async run(request) {
        started.push(`${request.task}.${request.attempt}`);
        running += 1;
        mostRunning = Math.max(mostRunning, running);
        try {
          await step();
          while (mostRunning < (options.meet ?? 0))
            await new Promise((resolve) => setImmediate(resolve));
          const end = act(request);
          ends.set(`${request.task}.${request.attempt}`, end);
          finished.set(request.task, (finished.get(request.task) ?? 0) + 1);
          // Dying here is the window between a durable end and its event in the journal.
          await step(true);
          return end;
        } finally {
          running -= 1;
        }
      },
      recover: (_run, task, attempt) => {
        const end = ends.get(`${task}.${attempt}`);
        return Promise.resolve(end ? { end } : {});
      },
      reap: () => Promise.resolve(0),
      left: () => Promise.resolve({ count: 0, level: 'simulated' }),
    };
    function act(request: AgentRequest): AgentEnd {
      const acted = options.behave?.(request) ?? {};
      const files = acted.files ?? { [`${request.task}.txt`]: `by ${request.task}` };
      workspaces.set(request.place, { ...workspaces.get(request.place), ...files });
      return {
        outcome: 'completed',
        summary: 'Done!',
        denials: [],
        usage: { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 },
        usd: 0.01,
        turns: 1,
        session: request.session.id,
        exit: { code: 0, signal: null },
        durationMs: 1,
        left: 0,
        ...acted.end,
      };
    }
    const workspace: Workspace = {
      async prepare({ task, base: at, mode }) {
        await step();
        if (mode === 'fresh' || !workspaces.has(task)) workspaces.set(task, get(at).tree);
        return { path: `/simulated/${task}` };
      },
      fingerprint: () => Promise.resolve({}),
      compare: () => Promise.resolve([]),
      async capture({ run, task, place, attempt, base: at, writes }) {
        await step();
        const ref = `refs/orch/runs/${run}/${task}/${attempt}`;
        const known = refs.get(ref);
        const tree =
          known === undefined ? (workspaces.get(place) ?? get(at).tree) : get(known).tree;
        const paths = changed(get(at).tree, tree);
        const commit = known ?? (paths.length === 0 ? at : put(tree, [at]));
        refs.set(ref, commit);
        await step(true);
        const files = paths.map((path): ChangedFile => ({
          path,
          status: 'modified',
          addedLines: 1,
          deletedLines: 0,
        }));
        return {
          commit,
          tree: treeId(get(commit).tree),
          ref,
          files,
          outside: writes ? paths.filter((path) => !writes.includes(path)) : [],
        };
      },
      checkout: async ({ name }) => {
        await step();
        return { path: `/simulated/${name}`, restored: [] };
      },
      async merge({ tip, commit }): Promise<Merged> {
        await step();
        const mine = ancestors(tip);
        if (mine.has(commit)) return { kind: 'contained', commit: tip };
        const shared = [...ancestors(commit)].filter((id) => mine.has(id));
        const forkPoint =
          shared.find((id) => !shared.some((other) => other !== id && ancestors(other).has(id))) ??
          base;
        const [origin, ours, theirs] = [get(forkPoint).tree, get(tip).tree, get(commit).tree];
        const conflicts = changed(origin, theirs).filter(
          (path) => ours[path] !== origin[path] && ours[path] !== theirs[path],
        );
        if (conflicts.length > 0) return { kind: 'conflicted', files: conflicts };
        const merged = {
          ...ours,
          ...Object.fromEntries(changed(origin, theirs).map((path) => [path, theirs[path] ?? ''])),
        };
        return { kind: 'merged', commit: put(merged, [tip, commit]) };
      },
      async integrate({ run, from, to }) {
        await step();
        const ref = `refs/orch/integration/${run}`;
        const now = refs.get(ref) ?? null;
        if (now !== to && now !== from)
          throw new Error(`integration ref is at ${String(now)}, expected ${String(from)}`);
        refs.set(ref, to);
        await step(true);
      },
      planDelivery: async ({ to, delivered }) => {
        await step();
        const usual = 'refs/heads/orch/run';
        const from = heads.get(usual) ?? null;
        const ours = from === null || from === to || delivered[usual]?.includes(from) === true;
        return ours
          ? { target: usual, from, to, ...(from === null ? {} : { replaces: true as const }) }
          : { target: `${usual}-2`, from: heads.get(`${usual}-2`) ?? null, to };
      },
      async deliver({ target, from, to }): Promise<Delivered> {
        await step();
        const now = heads.get(target) ?? null;
        if (now !== to && now !== from)
          return { kind: 'refused', reason: 'the target moved', next: 'look' };
        heads.set(target, to);
        await step(true);
        return { kind: 'done', target, commit: to };
      },
      tree: (commit) => Promise.resolve(treeId(get(commit).tree)),
    };
    const gate: Gate = {
      async check({ gate: spec, commit, tree }): Promise<GateResult> {
        await step();
        gateRuns += 1;
        const red = Object.values(get(commit).tree).some((text) => text.includes('BROKEN'));
        return {
          verdict: red ? 'failed' : 'passed',
          findings: red ? 'something is BROKEN' : '',
          receipt: {
            commit,
            tree,
            argv: [...spec.command.argv],
            environment: [],
            exit: { code: red ? 1 : 0, signal: null },
            durationMs: 1,
            output: 'sha256:0',
          },
        };
      },
    };
    let ticks = Date.UTC(2026, 0, 1);
    const self: Owner = { pid: life.pid ?? 1, startTime: '1', bootId: 'boot', host: 'here' };
    return {
      orchDirectory,
      agent,
      workspace,
      gate,
      setup: { run: () => Promise.resolve({ ok: true }) },
      clock: {
        // A dead process writes no journal either.
        now: () => {
          refuseIfDead();
          return (ticks += 1);
        },
        monotonic: () => (ticks += 1),
      },
      ids: { run: () => 'run0000001', session: () => `session-${(sessions += 1)}` },
      owners: { self, isAlive: () => false },
      version: 'test',
      calls: () => calls,
    };
  }

  return {
    base,
    parts,
    started,
    finished,
    tree: (commit: string): Tree => get(commit).tree,
    branch: (name = 'orch/run') => heads.get(`refs/heads/${name}`) ?? null,
    /** A person commits on a branch. */
    advance: (name: string) => {
      const at = heads.get(`refs/heads/${name}`) ?? base;
      heads.set(`refs/heads/${name}`, put({ ...get(at).tree, 'own.txt': 'mine' }, [at]));
    },
    mostRunning: () => mostRunning,
    gateRuns: () => gateRuns,
    forgetPeak: () => void ((mostRunning = 0), (running = 0)),
  };
}

/** What an agent does instead of writing its own file. */
export type Behaviour = (request: AgentRequest) => {
  readonly files?: Tree;
  readonly end?: Partial<AgentEnd>;
};

const at = { file: 'plan.yaml', line: 1, column: 1 };

/** A task of a graph, with everything it does not say at its default. */
export function taskNode(id: string, more: Partial<TaskNode> = {}): TaskNode {
  return {
    kind: 'task',
    id,
    order: 0,
    needs: [],
    after: [],
    agent: { driver: 'claude', project: 'memory' },
    prompt: { kind: 'literal', value: `do ${id}` },
    inputs: {},
    effect: 'diff',
    writesOutside: 'fail',
    gates: [],
    isolation: 'clone',
    base: 'needs',
    session: 'new',
    locks: [],
    env: {},
    timeoutMs: 1000,
    idleMs: 1000,
    retry: { transient: 2, gate: 2 },
    onFailure: 'block',
    denials: 'fail_if_unverified',
    trust: 'trusted',
    at,
    ...more,
  };
}

/** A graph of these tasks with one merge at the end. */
export function graphOf(tasks: readonly TaskNode[], more: Partial<Graph> = {}): Graph {
  const graph: Omit<Graph, 'hash'> = {
    version: 1,
    name: 'test',
    source: 'plan.yaml',
    inputs: {},
    nodes: [
      ...tasks.map((task, order) => ({ ...task, order })),
      { kind: 'merge' as const, id: 'final-merge', tasks: tasks.map((task) => task.id), after: [] },
    ],
    gates: {
      unit: {
        id: 'unit',
        command: { argv: ['true'], shell: false },
        timeoutMs: 1000,
        protect: [],
        env: {},
        at,
      },
    },
    setup: undefined,
    copy: [],
    limits: { parallel: 4 },
    deliver: { to: 'branch' },
    ...more,
  };
  return { ...graph, hash: hashGraph(graph) };
}
