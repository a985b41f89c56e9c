// multitude.mjs COUNT: an owner of COUNT live processes, each of which has spoken. Prints how many there are,
// and by how many bytes its greatest memory use grew until then. Waits for a line on stdin, ends all and prints how
// they ended, how long that took, how long its event loop stood still meanwhile, and the same number again.
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createProcessOwner, type OwnedProcess } from '../../src/index.js';

const count = Number(process.argv[2]);
const marker = process.argv[3] ?? '';
const owner = createProcessOwner({ marker });
const env = { PATH: process.env['PATH'] ?? '' };
const said = new Set<string>();
const spoken = new Set<Promise<unknown>>();
const started: Promise<OwnedProcess>[] = [];

function start(n: number): void {
  let speak: (value?: unknown) => void = () => undefined;
  spoken.add(new Promise((resolve) => (speak = resolve)));
  const argv = ['sh', '-c', `echo ${n}; exec sleep 100000`] as const;
  const onStdoutLine = (line: string): void => {
    said.add(line);
    speak();
  };
  started.push(owner.start({ argv, cwd: '/', env, onStdoutLine }));
}

start(-1);
await Promise.all([...started, ...spoken]);
const before = process.resourceUsage().maxRSS;
const startedMs = performance.now();
for (let n = 1; n < count; n += 1) start(n);
const all = await Promise.all(started);
await Promise.all(spoken);
const startSeconds = (performance.now() - startedMs) / 1000;
/** How much the greatest memory use of this process has grown, so that nothing in between is missed. */
const grown = (): number => (process.resourceUsage().maxRSS - before) * 1024;
const grownBytes = grown();
console.log(JSON.stringify({ live: all.length, said: said.size, startSeconds, grownBytes }));
await once(process.stdin, 'data');
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const endingMs = performance.now();
const survivors = (await owner.endAll()).length;
const ended = await Promise.all(all.map((one) => one.ended));
const endSeconds = (performance.now() - endingMs) / 1000;
delay.disable();
const cancelled = ended.filter(({ reason }) => reason === 'cancelled').length;
const longestLagMs = delay.max / 1e6;
console.log(
  JSON.stringify({ cancelled, survivors, endSeconds, longestLagMs, grownUntilEndBytes: grown() }),
);
await owner.close();
process.exit();
