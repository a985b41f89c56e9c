/** Deciding that nothing is to be done, and starting what is: against what no engine can do without. */
import { spawn } from 'node:child_process';
import { createProcessOwner } from '@orch/process';
import { createHookEngine, loadHookTable } from '@orch/hooks';
import { bound, compare, median } from '../../../tooling/bench/compare.js';

const path = process.env['PATH'] ?? '/usr/bin:/bin';
const owner = createProcessOwner({ marker: `bench-hooks-${process.pid}` });
const suite = 'hooks';

async function engineOf(hooks: Record<string, unknown>) {
  const table = await loadHookTable({
    layers: [{ tier: 'user', source: 'bench', hooks }],
    place: { project: '/nonexistent', agentRoots: [], path },
  });
  if (table.refused.length > 0) throw new Error(table.refused[0]?.message);
  return createHookEngine({ table, owner, project: '/', path, environment: {} });
}

const command = (argv: readonly string[]): object => ({ type: 'command', argv });

{
  // 900 exact names and 100 expressions on the event itself; 1,000 subjects that none of them is for.
  const group = (matcher: string, index: number): object => ({
    matcher,
    hooks: [command(['/bin/true', String(index)])],
  });
  const groups = Array.from({ length: 1000 }, (_, index) =>
    group(index % 10 === 0 ? `^mcp__server${index}__` : `Tool${index}`, index),
  );
  const engine = await engineOf({ PreToolUse: groups });
  const payload = { tool_name: 'Bash', tool_input: { command: 'ls' } };
  const microseconds = async (names: readonly string[]): Promise<number> => {
    const startedAt = performance.now();
    for (const tool_name of names) {
      const outcome = await engine.dispatch('PreToolUse', { ...payload, tool_name });
      if (outcome.results.length > 0) throw new Error('a hook ran');
    }
    return ((performance.now() - startedAt) * 1000) / names.length;
  };
  const known = Array.from({ length: 10_000 }, (_, index) => `Other${index % 20}`);
  await microseconds(known);
  const rounds: number[] = [];
  for (let round = 0; round < 7; round += 1) rounds.push(await microseconds(known));
  bound({
    suite,
    case: 'no match among 1,000 hooks of the event, 20 tools in turn',
    unit: 'us',
    better: 'lower',
    ours: median(rounds),
    bound: 5,
  });
  const fresh: number[] = [];
  for (let round = 0; round < 7; round += 1)
    fresh.push(
      await microseconds(Array.from({ length: 500 }, (_, index) => `New${round}x${index}`)),
    );
  bound({
    suite,
    case: 'the same, a tool that was never asked for before',
    unit: 'us',
    better: 'lower',
    ours: median(fresh),
    bound: 50,
  });
  await engine.close();
}

const starts = 10;
async function medianMs(run: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < starts; count += 1) {
    const startedAt = performance.now();
    await run();
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

const text = `${JSON.stringify({ tool_name: 'Bash', hook_event_name: 'PreToolUse' })}\n`;
const spawnTrue = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn('/bin/true', [], {
      cwd: '/',
      env: { PATH: path },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdout.resume();
    child.stderr.resume();
    child.stdin.on('error', () => undefined);
    child.stdin.end(text);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error('true failed'))));
  });

const payload = { tool_name: 'Bash' };
const cold = await engineOf({ PreToolUse: [{ hooks: [command(['/bin/true'])] }] });
const runCold = async (): Promise<void> => {
  const outcome = await cold.dispatch('PreToolUse', payload);
  if (outcome.blocked || outcome.results.length !== 1) throw new Error('true did not run');
};
await compare({
  suite,
  case: `command hook \`true\`, payload, tree and outcome included, median of ${starts}`,
  unit: 'ms',
  better: 'lower',
  ours: () => medianMs(runCold),
  peers: [{ name: 'child_process.spawn', run: () => medianMs(spawnTrue), target: 1.3 }],
  rounds: 40,
});

const answering = `require('node:readline').createInterface({ input: process.stdin })
  .on('line', (line) => console.log('{"id":' + JSON.parse(line).id + '}'));`;
const warm = await engineOf({
  PreToolUse: [{ hooks: [{ type: 'warm', argv: [process.execPath, '-e', answering] }] }],
});
const runWarm = async (): Promise<void> => {
  const outcome = await warm.dispatch('PreToolUse', payload);
  if (outcome.blocked || outcome.results.length !== 1)
    throw new Error('the warm program did not answer');
};
await medianMs(runWarm);
const perCall = await engineOf({
  PreToolUse: [{ hooks: [command([process.execPath, '-e', 'process.stdin.resume()'])] }],
});
const runPerCall = async (): Promise<void> => {
  const outcome = await perCall.dispatch('PreToolUse', payload);
  if (outcome.blocked || outcome.results.length !== 1) throw new Error('the program did not run');
};
const times: number[] = [];
for (let count = 0; count < 1000; count += 1) {
  const startedAt = performance.now();
  await runWarm();
  times.push(performance.now() - startedAt);
}
bound({
  suite,
  case: 'warm hook, p50 of 1,000',
  unit: 'ms',
  better: 'lower',
  ours: median(times),
  bound: 0.3,
});
await compare({
  suite,
  case: `warm hook, median of ${starts}`,
  unit: 'ms',
  better: 'lower',
  ours: () => medianMs(runWarm),
  peers: [
    { name: 'a process per call, node', run: () => medianMs(runPerCall), target: 0.125 },
    { name: 'a process per call, /bin/true', run: () => medianMs(runCold) },
  ],
  rounds: 12,
});

for (const engine of [cold, warm, perCall]) await engine.close();
await owner.close();
