import { connect, createMcpHub, type McpHub } from '@orch/mcp';
import { fillIn, presets, resolveNpx } from '@orch/mcp/config';
import { openPins } from '@orch/mcp/safety';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bound, compare, median } from '../../../tooling/bench/compare.js';
import { program } from './clients.js';

const directory = mkdtempSync(path.join(tmpdir(), 'mcp-bench-'));
const environment = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };

/** Microseconds of this process's processor time that a call takes; 64 are in flight. */
async function cpuOf(hub: McpHub, count: number): Promise<number> {
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      const { text } = await hub.call('echo__echo', { say: 'hello there' });
      if (text !== 'hello there') throw new Error('The answer is wrong.');
    }
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: 64 }, worker));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

// Filters, pins, scan and metrics, all at once, over none of them.
const echo = { command: process.execPath, args: [program('echo-server.mjs')] };
let calls = 0;
const bare = createMcpHub({ servers: { echo }, environment, scan: 'off', structured: 'off' });
const guarded = createMcpHub({
  servers: { echo: { ...echo, tools: { allow: ['e*'], deny: ['*x'] } } },
  environment,
  policy: { tools: { allow: ['echo__*', 'other__*'], deny: ['*__delete_*'] } },
  pins: { policy: 'block', store: openPins(path.join(directory, 'pins')), project: directory },
  scan: 'block',
  onCall: () => (calls += 1),
});
const count = 10_000;
const more: number[] = [];
for (let round = 0; round <= 9; round += 1) {
  const first = round % 2 === 0 ? bare : guarded;
  const one = await cpuOf(first, count);
  const two = await cpuOf(first === bare ? guarded : bare, count);
  if (round > 0) more.push(first === bare ? two - one : one - two);
}
if (calls !== 10 * count) throw new Error('Calls were not reported.');
bound({
  suite: 'mcp',
  case: 'filters, pins, scan and metrics, processor time of a call over that without',
  unit: 'µs',
  better: 'lower',
  ours: Math.max(0.01, median(more)),
  bound: 10,
});
await Promise.all([bare.close(), guarded.close()]);

// A preset that npx has cached, started as it is written, and resolved.
const cache = { npm_config_cache: path.join(directory, 'npm') };
const preset = fillIn(presets.memory(), {});
const asWritten = { ...preset, env: cache, startMs: 120_000, cwd: directory };
const start = async (spec: Parameters<typeof connect>[0]): Promise<number> => {
  const before = performance.now();
  const server = await connect(spec, { environment });
  const took = performance.now() - before;
  await server.close();
  return took;
};
await start(asWritten); // fills the cache
const resolving = (): Promise<number> => {
  const { spec, isDirect } = resolveNpx(asWritten, { environment: cache });
  if (!isDirect) throw new Error('It was not found in the cache.');
  return start(spec);
};
await compare({
  suite: 'mcp',
  case: 'warm connect of a resolved preset',
  unit: 'ms',
  better: 'lower',
  ours: resolving,
  peers: [{ name: 'npx -y', run: () => start(asWritten), target: 0.5 }],
  rounds: 5,
});
rmSync(directory, { recursive: true });
