import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Graph } from '@orch/coordinator';
import { CoreError } from '../core-error.js';
import { repositoryKey, stateDirectory } from '../places.js';
import type { RehearsalScript } from '../rehearsal/script.js';

/** What a person allows programs to start. A `run` costs money and may be rehearsed too. */
export type ApprovalScope = 'run' | 'rehearsal';

const schema = z.strictObject({
  v: z.literal(1),
  /** Of the compiled plan with its inputs: its prompts, commands, gates and limits. */
  hash: z.string(),
  name: z.string(),
  /** As the person named it. */
  file: z.string(),
  repository: z.string(),
  scope: z.enum(['run', 'rehearsal']),
  /** Of what a scripted model says in a rehearsal: it calls tools, too. */
  script: z.string(),
  /** UTC. */
  at: z.string(),
});

/** A person's yes to one plan in one repository. */
export type PlanApproval = Readonly<z.infer<typeof schema>>;

export interface PlanApprovals {
  readonly directory: string;
  /** Newest first; what cannot be read approves nothing. */
  list(): readonly PlanApproval[];
  /**
   * The approval by which this may be started.
   * @throws CoreError `ORCH_APPROVAL_MISSING` with what a person has to do
   */
  require(graph: Graph, scope: ApprovalScope, script: RehearsalScript): PlanApproval;
  approve(approval: {
    readonly graph: Graph;
    readonly file: string;
    readonly scope: ApprovalScope;
    readonly script: RehearsalScript;
  }): PlanApproval;
  /** By the beginning of its hash. @throws CoreError `ORCH_APPROVAL_NOT_FOUND` */
  revoke(hash: string): PlanApproval;
}

/** Keys in one order: the same script, the same hash. */
function hashScript(script: RehearsalScript): string {
  const sorted = (_key: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return createHash('sha256').update(JSON.stringify(script, sorted)).digest('hex');
}

const nameOf = (hash: string): string => hash.replace(/^k1:/, '');

/** Approvals of plans of the repository at `root`, in the user's state directory, for this user alone. */
export function openPlanApprovals(
  root: string,
  environment: Readonly<Record<string, string | undefined>>,
): PlanApprovals {
  const directory = path.join(stateDirectory(environment), 'plan-approvals', repositoryKey(root));
  const fileOf = (hash: string): string => path.join(directory, `${nameOf(hash)}.json`);

  function read(name: string): PlanApproval | undefined {
    try {
      const text = readFileSync(path.join(directory, name), 'utf8');
      const { success, data } = schema.safeParse(JSON.parse(text));
      // A copy under another name, or from another repository, approves nothing.
      const isHere = data?.repository === root && name === `${nameOf(data.hash)}.json`;
      return success && isHere ? data : undefined;
    } catch {
      return undefined;
    }
  }
  function list(): readonly PlanApproval[] {
    let names: readonly string[];
    try {
      names = readdirSync(directory);
    } catch {
      return [];
    }
    return names.flatMap((name) => read(name) ?? []).sort((a, b) => (a.at < b.at ? 1 : -1));
  }

  return {
    directory,
    list,
    require(graph, scope, script) {
      const approval = read(`${nameOf(graph.hash)}.json`);
      const refuse = (why: string): never => {
        throw new CoreError(
          'ORCH_APPROVAL_MISSING',
          `${why} Ask a person to look at it and to run, in a terminal of their own: orch plan approve ${graph.source}${scope === 'rehearsal' ? ' --rehearsals' : ''}`,
          { hash: graph.hash, scope },
        );
      };
      if (approval === undefined)
        return refuse(`No person has approved the plan "${graph.name}" as it is now.`);
      if (scope === 'run' && approval.scope === 'rehearsal')
        return refuse(`The plan "${graph.name}" is approved for rehearsals only.`);
      if (scope === 'rehearsal' && approval.script !== hashScript(script))
        return refuse(`What the model says in a rehearsal of "${graph.name}" was changed.`);
      return approval;
    },
    approve({ graph, file, scope, script }) {
      const approval: PlanApproval = {
        v: 1,
        hash: graph.hash,
        name: graph.name,
        file,
        repository: root,
        scope,
        script: hashScript(script),
        at: new Date().toISOString(),
      };
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const target = fileOf(graph.hash);
      const beside = `${target}.${process.pid}.new`;
      writeFileSync(beside, `${JSON.stringify(approval, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
      renameSync(beside, target);
      return approval;
    },
    revoke(hash) {
      const wanted = nameOf(hash);
      const found = list().filter((one) => wanted !== '' && nameOf(one.hash).startsWith(wanted));
      const [only] = found;
      if (only === undefined || found.length > 1)
        throw new CoreError(
          'ORCH_APPROVAL_NOT_FOUND',
          `There is no approval ${JSON.stringify(hash)}, or there are several: expected the beginning of one hash.`,
          { hash },
          { next: 'orch plan approvals' },
        );
      rmSync(fileOf(only.hash));
      return only;
    },
  };
}
