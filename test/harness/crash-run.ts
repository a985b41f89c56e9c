import { rmSync } from 'node:fs';
import path from 'node:path';
import { killIn, violations, type Kill, type Phase } from './crash.js';
import { here, scripted, startModel, type TestModel } from './model.js';
import { orch, runDirectory } from './orch.js';
import { makeRepository, type TestRepository } from './repository.js';

/** When a leader is killed: so long after its run was seen to be in a phase. */
export interface Moment {
  readonly phase: Phase;
  readonly afterMs: number;
}

/** A run of three agents and three commands, two gates and a merge, that is killed and resumed. */
export interface CrashRun {
  readonly model: TestModel;
  /** Kills the run at each of these moments, in this order, with a resume before each next one. */
  live(moments: readonly Moment[]): Promise<readonly Kill[]>;
  /** Resumes to the end, and tells everything that must not be. */
  finish(kills: readonly Kill[]): Promise<readonly string[]>;
  removeJournal(): void;
  startOver(): Promise<number | null>;
  close(): Promise<void>;
}

const agents = ['checked-a', 'checked-b', 'plain-c'];
const commands = ['command-d', 'command-e'];

const thinks = (name: string) => [
  { tool: 'Write', input: { file_path: `${here}/${name}.txt`, content: 'half' }, delayMs: 150 },
  {
    tool: 'Write',
    input: { file_path: `${here}/${name}.txt`, content: `${name} is whole` },
    delayMs: 150,
  },
  { text: 'Done.', delayMs: 150 },
];

const plan = (effects: string) => ({
  version: 1,
  name: 'crash',
  limits: { parallel: 4 },
  gates: { whole: { sh: 'sleep 0.3; ! grep -q half *.txt' } },
  tasks: [
    ...agents.map((id) => ({
      id,
      prompt: scripted(thinks(id)),
      gates: id.startsWith('checked') ? ['whole'] : [],
    })),
    ...commands.map((id) => ({
      id,
      env: { EFFECTS: effects },
      sh: `echo "$ORCH_TASK.$ORCH_ATTEMPT" >> "$EFFECTS"; echo working; sleep 0.2; echo ${id} > ${id}.txt`,
      effect: 'diff',
    })),
    { id: 'last', needs: [...agents, ...commands], sh: 'cat *.txt > all.txt', effect: 'diff' },
  ],
  deliver: { merge: 'main' },
});

export async function startCrashRun(): Promise<CrashRun> {
  const repository: TestRepository = makeRepository({ 'README.md': 'hello\n' });
  const model = await startModel();
  const effects = path.join(repository.home, 'effects');
  repository.write({ 'orch.yaml': JSON.stringify(plan(effects)) });
  const before = repository.commit('A plan');
  return {
    model,
    async live(moments) {
      const kills: Kill[] = [];
      for (const { phase, afterMs } of moments) {
        const argv = kills.length === 0 ? ['run', 'orch.yaml', '--yes'] : ['resume'];
        const kill = await killIn(phase, afterMs, repository, argv, model);
        // So near its end a run may be quicker than the kill.
        if ('ended' in kill && afterMs > 0 && kill.ended.code === 0) return kills;
        if ('ended' in kill)
          throw new Error(
            `the run ended before it was in "${phase}": ${kill.ended.stdout}${kill.ended.stderr}`,
          );
        kills.push(kill);
      }
      return kills;
    },
    async finish(kills) {
      const last = await orch(repository, ['resume'], { env: model.env });
      return violations(repository, kills, last, {
        requests: model.requests,
        turns: Object.fromEntries(agents.map((id) => [id, 3])),
        effects,
        before,
        files: {
          ...Object.fromEntries(agents.map((id) => [`${id}.txt`, `${id} is whole`])),
          ...Object.fromEntries(commands.map((id) => [`${id}.txt`, id])),
        },
      });
    },
    removeJournal() {
      rmSync(path.join(runDirectory(repository) ?? '', 'journal'), { recursive: true });
    },
    async startOver() {
      return (await orch(repository, ['run', 'orch.yaml', '--yes'], { env: model.env })).code;
    },
    async close() {
      await model.close();
      repository.remove();
    },
  };
}
