// From the start of a process to the first validated settings: CPU time of the whole process, less that of a
// process that does nothing. The program is bundled, as programs are that are started often.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'tsup';
import { bound, compare } from '../../../tooling/bench/compare.js';

const directory = fs.mkdtempSync(join(tmpdir(), 'config-start-'));
const settings = {
  json: [
    '{ "parallel": 2, "env": { "A": "1" } }',
    '{ "model": "x" }',
    '{ "env": { "B": "2" } }',
    '{ "parallel": 3 }',
  ],
  yaml: ['parallel: 2\nenv: { A: "1" }\n', 'model: x\n', 'env: { B: "2" }\n', 'parallel: 3\n'],
};
const program = (format: string): string => `
import { createSettings } from '@orch/config';
import * as z from 'zod/mini';
const schema = z.strictObject({
  parallel: z.number(), model: z.string(), env: z.record(z.string(), z.string()),
});
const loaded = await createSettings({
  sources: ['defaults', 'user', 'project', 'managed'].map((tier) => ({ tier, file: '${directory}/' + tier + '.${format}' })),
  schema,
  environment: {},
}).load();
if (loaded.require().parallel !== 3) process.exit(3);
const { user, system } = process.cpuUsage();
process.stdout.write(String((user + system) / 1000));
`;
const empty = `const { user, system } = process.cpuUsage();
process.stdout.write(String((user + system) / 1000));
`;

function milliseconds(file: string): number {
  const { stdout, status } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ended with ${status ?? 'a signal'}`);
  return Number(stdout);
}

const nothing = join(directory, 'nothing.mjs');
fs.writeFileSync(nothing, empty);
for (const format of ['json', 'yaml'] as const) {
  ['defaults', 'user', 'project', 'managed'].forEach((tier, index) => {
    fs.writeFileSync(join(directory, `${tier}.${format}`), settings[format][index] ?? '');
  });
  const entry = join(import.meta.dirname, `start-${format}.ts`);
  fs.writeFileSync(entry, program(format));
  const outDir = join(directory, format);
  await build({
    ...{ config: false, entry: { start: entry }, outDir, format: ['esm'], silent: true },
    ...{ platform: 'node', target: 'node20', noExternal: [/./], minify: true, treeshake: true },
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    esbuildOptions: (options) => void (options.mainFields = ['module', 'main']),
  });
  fs.rmSync(entry);
  // The least of 30, interleaved: whatever else the machine does only adds.
  let without = Infinity;
  let withSettings = Infinity;
  for (let round = 0; round < 30; round += 1) {
    without = Math.min(without, milliseconds(nothing));
    withSettings = Math.min(withSettings, milliseconds(join(outDir, 'start.js')));
  }
  const row = {
    suite: 'config',
    case: `start to the first validated settings, four files of ${format}, less an empty process, min of 30 each`,
    unit: 'ms of CPU',
    better: 'lower',
  } as const;
  const ours = Math.max(0.1, withSettings - without);
  if (format === 'json') bound({ ...row, ours, bound: 25 });
  else await compare({ ...row, ours: () => ours, rounds: 1 });
}
fs.rmSync(directory, { recursive: true });
