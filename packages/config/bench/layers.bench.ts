// Four JSON files of a program with four tiers, read again: with provenance of every leaf and validation by
// zod. Peers read the same files, merge them, and know nothing of where a value came from. Every round looks
// at what came out.
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSettings } from '@orch/config';
import { loadConfig } from 'c12';
import { cosmiconfigSync } from 'cosmiconfig';
import * as z from 'zod';
import { bound, compare, median } from '../../../tooling/bench/compare.js';

const directory = fs.mkdtempSync(join(tmpdir(), 'config-bench-'));
const tiers = ['defaults', 'user', 'project', 'managed'];
const files = tiers.map((tier) => join(directory, `${tier}.json`));
const schema = z.strictObject({
  permissions: z.strictObject({ allow: z.array(z.string()), deny: z.array(z.string()) }),
  env: z.record(z.string(), z.string()),
  model: z.string(),
  parallel: z.number(),
  nested: z.object({
    a: z.object({ b: z.object({ c: z.number() }) }),
    list: z.array(z.number()),
  }),
});

const settingsOf = (tier: number, version: number): object => ({
  permissions: {
    allow: ['Bash(npm test)', 'Read(./src/**)', `T${tier}`],
    deny: [`Read(.env${tier})`],
  },
  env: { SHARED: `v${version}`, [`OWN_${tier}`]: 'two' },
  model: `model-${tier}`,
  parallel: version,
  nested: { a: { b: { c: tier } }, list: [1, 2, tier] },
});
function write(version: number): void {
  files.forEach((file, tier) => {
    fs.writeFileSync(file, JSON.stringify(settingsOf(tier, version), undefined, 2));
  });
}
write(1);

const settings = createSettings({
  tiers: tiers.map((name) => ({ name })),
  sources: tiers.map((tier, index) => ({ tier, file: files[index] ?? '' })),
  schema,
  environment: {},
});
const explorer = cosmiconfigSync('bench');

/** Reads once and returns `parallel`, which says which version was read. */
type Load = () => Promise<number> | number;

const ours: Load = async () => (await settings.load()).require().parallel;
const oursWithPlaces: Load = async () => {
  const loaded = await settings.load();
  const leaves = loaded.leaves();
  if (leaves.some(({ origin }) => origin.line === undefined))
    throw new Error('a leaf without a line');
  return loaded.require().parallel;
};
const withC12: Load = async () => {
  let merged: Record<string, unknown> = {};
  for (const file of files) {
    const { config } = await loadConfig({
      configFile: file,
      cwd: directory,
      rcFile: false,
      dotenv: false,
      globalRc: false,
      packageJson: false,
      defaults: merged,
    });
    merged = config;
  }
  return schema.parse(merged).parallel;
};
const withCosmiconfig: Load = () => {
  explorer.clearCaches();
  let merged: Record<string, unknown> = {};
  for (const file of files) {
    merged = deepMerge(merged, explorer.load(file)?.config as Record<string, unknown>);
  }
  return schema.parse(merged).parallel;
};
const byHand: Load = () => {
  let merged: Record<string, unknown> = {};
  for (const file of files) {
    merged = deepMerge(
      merged,
      JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown>,
    );
  }
  return schema.parse(merged).parallel;
};

/** cosmiconfig merges nothing itself. */
function deepMerge(
  low: Readonly<Record<string, unknown>>,
  high: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...low };
  for (const [key, value] of Object.entries(high)) {
    const under = merged[key];
    if (isList(under) && isList(value)) merged[key] = [...new Set([...under, ...value])];
    else if (isRecord(under) && isRecord(value)) merged[key] = deepMerge(under, value);
    else merged[key] = value;
  }
  return merged;
}
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

let version = 1;
const cases = {
  'as they were for some seconds': () => undefined,
  // What changed only just is read in full, to be sure, and holds what it held.
  'touched a moment ago': (round: number) => {
    if (round === 0) write(version);
  },
  // The time of writing is not counted, but it leaves the processor's caches cold.
  'all four changed before every read': () => write((version += 1)),
};

/** Milliseconds of a read: the middle of many. */
async function time(load: Load, before: (round: number) => void): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 200; round += 1) {
    before(round);
    const startedAt = performance.now();
    const seen = await load();
    times.push(performance.now() - startedAt);
    if (seen !== version) throw new Error(`read version ${seen} instead of ${version}`);
  }
  return median(times);
}

await new Promise((resolve) => setTimeout(resolve, 3100));
for (const [name, before] of Object.entries(cases)) {
  const promises = name !== 'all four changed before every read';
  const base = { suite: 'config', unit: 'ms', better: 'lower' } as const;
  for (let warm = 0; warm < 5; warm += 1) await time(ours, before);
  const values: number[] = [];
  const target = promises ? { target: 0.5 } : {};
  await compare({
    ...base,
    case: `four files re-read, ${name}`,
    ours: async () => {
      const value = await time(ours, before);
      values.push(value);
      return value;
    },
    peers: [
      // c12 keeps what it imported, and sees no change of a file.
      ...(promises ? [{ name: 'c12', target: 0.5, run: () => time(withC12, before) }] : []),
      { name: 'cosmiconfig', ...target, run: () => time(withCosmiconfig, before) },
      { name: 'JSON.parse, a merge by hand, zod', run: () => time(byHand, before) },
    ],
  });
  if (promises) {
    bound({ ...base, case: `four files re-read, ${name}, ms`, ours: median(values), bound: 0.1 });
  }
  await compare({
    ...base,
    case: `the same with line, column and redacted value of every leaf, ${name}`,
    ours: () => time(oursWithPlaces, before),
    peers: [{ name: 'cosmiconfig, without any places', run: () => time(withCosmiconfig, before) }],
  });
}
fs.rmSync(directory, { recursive: true });
