import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killIn, phases, violations, type Kill, type Phase } from '../harness/crash.js';
import { here, scripted, startModel, type TestModel } from '../harness/model.js';
import { orch, runDirectory } from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';

let repository: TestRepository;
let model: TestModel;
let effects: string;
let before: string;

const thinks = (name: string) => [
  { tool: 'Write', input: { file_path: `${here}/${name}.txt`, content: 'half' }, delayMs: 150 },
  {
    tool: 'Write',
    input: { file_path: `${here}/${name}.txt`, content: `${name} is whole` },
    delayMs: 150,
  },
  { text: 'Done.', delayMs: 150 },
];
const agents = ['checked-a', 'checked-b', 'plain-c'];
const commands = ['command-d', 'command-e'];

beforeEach(async () => {
  repository = makeRepository({ 'README.md': 'hello\n' });
  model = await startModel();
  effects = path.join(repository.home, 'effects');
  repository.write({
    'orch.yaml': JSON.stringify({
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
    }),
  });
  before = repository.commit('A plan');
});
afterEach(async () => {
  await model.close();
  repository.remove();
});

const facts = () => ({
  requests: model.requests,
  turns: Object.fromEntries(agents.map((id) => [id, 3])),
  effects,
  before,
  files: {
    ...Object.fromEntries(agents.map((id) => [`${id}.txt`, `${id} is whole`])),
    ...Object.fromEntries(commands.map((id) => [`${id}.txt`, id])),
  },
});

/** Kills a run once in each of these phases, in this order, with a resume before each next one. */
async function live(order: readonly Phase[]): Promise<readonly Kill[]> {
  const kills: Kill[] = [];
  for (const phase of order) {
    const argv = kills.length === 0 ? ['run', 'orch.yaml', '--yes'] : ['resume'];
    const kill = await killIn(phase, repository, argv, model.env, model.requests);
    if ('ended' in kill)
      throw new Error(
        `the run ended before it was in "${phase}": ${kill.ended.stdout}${kill.ended.stderr}`,
      );
    kills.push(kill);
  }
  return kills;
}

describe('kill -9 of the leader', () => {
  it.each([
    ['once in each phase', phases],
    [
      'twice in the early ones',
      [
        'clone made',
        'clone made',
        'agent streaming',
        'agent streaming',
        'result durable',
        'gate',
        'gate',
        'merge',
        'merge',
        'delivery',
        'delivery',
      ],
    ],
    ['straight into the late ones', ['result durable', 'gate', 'merge', 'delivery']],
  ] as const)(
    '%s: resume finishes, nothing is paid twice, nothing is left',
    async (_name, order) => {
      const kills = await live(order);
      const last = await orch(repository, ['resume'], { env: model.env });
      expect(violations(repository, kills, last, facts())).toEqual([]);
      // Each kill really fell into its phase: the disk still says so afterwards.
      expect(kills.filter((kill) => !kill.hit).map((kill) => kill.phase)).toEqual([]);
    },
  );

  it('with the journal removed the same check is red', async () => {
    const kills = await live(['gate']);
    const asked = model.requests.length;
    expect(asked).toBeGreaterThan(0);
    rmSync(path.join(runDirectory(repository) ?? '', 'journal'), { recursive: true });
    const last = await orch(repository, ['resume'], { env: model.env });
    expect(violations(repository, kills, last, facts())).toContainEqual(
      expect.stringContaining('the last resume did not finish'),
    );
    // Starting over instead pays again for what was finished.
    const again = await orch(repository, ['run', 'orch.yaml', '--yes'], { env: model.env });
    expect(again.code).toBe(0);
    expect(model.requests.length - asked).toBe(9);
  });
});
