import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { here, scripted, startModel, type TestModel } from '../harness/model.js';
import { orch, startOrch } from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';
import { processesWith, until, type Seen } from '../harness/witness.js';

let repository: TestRepository;
let model: TestModel;
beforeEach(async () => {
  repository = makeRepository();
  model = await startModel();
});
afterEach(async () => {
  await model.close();
  repository.remove();
});

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `n${index}`);

/** Waits until as many commands as wanted have left their mark beside each other. */
const meeting = `
const fs = require('node:fs'), path = require('node:path');
const [directory, wanted] = process.argv.slice(1);
fs.mkdirSync(directory, { recursive: true });
fs.writeFileSync(path.join(directory, String(process.pid)), '');
const end = Date.now() + 20000;
(function look() {
  if (fs.readdirSync(directory).length >= Number(wanted) && fs.existsSync(path.join(directory, '..', 'go'))) process.exit(0);
  if (Date.now() > end) process.exit(1);
  setTimeout(look, 20);
})();`;

it('four real Claude Code processes ask their model at the same time, and eight commands meet', async () => {
  const together = path.join(repository.home, 'together', 'commands');
  const plan = {
    version: 1,
    name: 'parallel',
    limits: { parallel: 12 },
    tasks: [
      ...names(4).map((name) => ({
        id: `claude-${name}`,
        // No answer before four distinct conversations have a request open.
        prompt: scripted([
          {
            tool: 'Write',
            input: { file_path: `${here}/${name}.txt`, content: name },
            barrier: { name: 'four', parties: 4 },
          },
          'done',
        ]),
      })),
      ...names(8).map((name) => ({
        id: `command-${name}`,
        run: [process.execPath, '-e', meeting, together, '8'],
      })),
    ],
  };
  repository.write({ 'orch.yaml': JSON.stringify(plan) });
  const running = startOrch(repository, ['run', 'orch.yaml', '--yes'], { env: model.env });

  // A witness outside orch: the kernel's own list of processes, with executables and start times.
  const commands = await until('eight commands run at once', () => {
    const seen = processesWith('ORCH_TASK', 'command-n0').concat(
      ...names(8)
        .slice(1)
        .map((name) => processesWith('ORCH_TASK', `command-${name}`)),
    );
    return seen.length >= 8 && seen;
  });
  const claudes = await until('four Claude Code processes run at once', () => {
    const seen = names(4).flatMap((name) =>
      processesWith('ORCH_TASK', `claude-${name}`)
        .filter((process) => process.executable.includes('claude'))
        .slice(0, 1),
    );
    return seen.length === 4 && seen;
  });
  const distinct = (seen: readonly Seen[]): number =>
    new Set(seen.map((process) => `${process.pid}/${process.startTime}`)).size;
  expect(distinct(commands)).toBeGreaterThanOrEqual(8);
  expect(distinct(claudes)).toBe(4);
  expect(new Set(claudes.map((process) => process.executable)).size).toBe(1);
  writeFileSync(path.join(repository.home, 'together', 'go'), '');

  const { code, stdout, stderr } = await running.finished;
  expect(stdout + stderr).toContain('12/12 succeeded');
  expect(code).toBe(0);
  expect(processesWith('ORCH_RUN', stdout.match(/run ([0-9a-z]{10})/)?.[1] ?? '?')).toEqual([]);
});

it('the same plan one after the other never gets past the first: the witness can fail', async () => {
  const plan = {
    version: 1,
    name: 'sequential',
    limits: { parallel: 1 },
    tasks: names(2).map((name) => ({
      id: `command-${name}`,
      run: [
        process.execPath,
        '-e',
        meeting.replace('20000', '2000'),
        path.join(repository.home, 'alone'),
        '2',
      ],
    })),
  };
  writeFileSync(path.join(repository.home, 'go'), '');
  repository.write({ 'orch.yaml': JSON.stringify(plan) });
  const { code, stdout } = await orch(repository, ['run', 'orch.yaml', '--yes']);
  expect(code).toBe(1);
  expect(stdout).toContain('command-n0 failed');
});
