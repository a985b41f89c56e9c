import { compare, bound, perCpuSecond, perSecond } from '../../../tooling/bench/compare.js';
import {
  callMany,
  compareCalls,
  limitName,
  name,
  orch,
  program,
  rawStdio,
  sdkStdio,
} from './clients.js';

const file = program('echo-server.mjs');
const ours = await orch({ command: process.execPath, args: [file] });
const theirs = await sdkStdio(file);
const raw = rawStdio(file);
// The engine still makes a client faster during its first 50,000 calls.
const count = 50_000;

await compareCalls('stdio', count, { ours, theirs, raw }, { speed: 2.5, cpu: 0.5 });

const one = (who: typeof ours) => () => perSecond(2000, () => callMany(who, 2000, 1));
await compare({
  suite: 'mcp',
  case: 'stdio, one call after the other',
  unit: 'calls/s',
  better: 'higher',
  ours: one(ours),
  peers: [{ name, run: one(theirs) }],
  limit: { name: limitName, run: one(raw) },
  rounds: 5,
});

const bytes = 5 * 1024 * 1024;
const large = (who: typeof ours) => async () => {
  const startedAt = performance.now();
  if ((await who.call({ bytes })) !== bytes) throw new Error('The answer is wrong.');
  return performance.now() - startedAt;
};
await compare({
  suite: 'mcp',
  case: 'stdio, a result of 5 MB',
  unit: 'ms',
  better: 'lower',
  ours: large(ours),
  peers: [{ name, run: large(theirs), target: 0.4 }],
  limit: { name: limitName, run: large(raw) },
  // What one takes depends on when its memory was last cleared.
  rounds: 21,
});

const largeCpu = (who: typeof ours) => async () =>
  1e3 / (await perCpuSecond(1, async () => (await who.call({ bytes })) === bytes));
await compare({
  suite: 'mcp',
  case: 'stdio, a result of 5 MB, processor time of the client',
  unit: 'ms',
  better: 'lower',
  ours: largeCpu(ours),
  peers: [{ name, run: largeCpu(theirs) }],
  limit: { name: limitName, run: largeCpu(raw) },
});

const warnings: string[] = [];
process.on('warning', (warning) => warnings.push(warning.name));
const { gc } = globalThis;
if (gc === undefined) throw new Error('Run it with --expose-gc.');
const heap = async (): Promise<number> => {
  await callMany(ours, 10_000, 64);
  gc();
  return process.memoryUsage().heapUsed / 1024 / 1024;
};
const before = await heap();
await callMany(ours, 100_000, 64);
const after = await heap();
if (warnings.length > 0) throw new Error(`Warnings: ${warnings.join(', ')}`);
bound({
  suite: 'mcp',
  case: 'heap after 100,000 more calls, over that before',
  unit: 'MiB',
  better: 'lower',
  ours: Math.max(0.001, after - before),
  bound: 1,
});

await Promise.all([ours.close(), theirs.close(), raw.close()]);
