import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { compare, perCpuSecond, perSecond } from '../../../tooling/bench/compare.js';
import { callMany, orch, program, rawHttp, sdkHttp } from './clients.js';

const server = spawn(process.execPath, [program('http-echo-server.mjs')], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const [port] = (await once(server.stdout, 'data')) as [Buffer];
const url = `http://127.0.0.1:${String(port).trim()}/mcp`;

// Its own warnings of a leak of listeners would be the most of what is read here.
process.removeAllListeners('warning');
const ours = await orch({ type: 'http', url });
const theirs = await sdkHttp(url);
const raw = rawHttp(url);
const name = '@modelcontextprotocol/sdk';
const limitName = 'JSON-RPC by hand';
const count = 1500;

const speed = (who: typeof ours) => () => perSecond(count, () => callMany(who, count, 64));
await compare({
  suite: 'mcp',
  case: 'Streamable HTTP, 64 calls in flight',
  unit: 'calls/s',
  better: 'higher',
  ours: speed(ours),
  peers: [{ name, run: speed(theirs), target: 4 }],
  limit: { name: limitName, run: speed(raw) },
  rounds: 5,
});

const cpu = (who: typeof ours) => async () =>
  1e6 / (await perCpuSecond(count, () => callMany(who, count, 64)));
await compare({
  suite: 'mcp',
  case: 'Streamable HTTP, 64 calls in flight, processor time of the client',
  unit: 'µs/call',
  better: 'lower',
  ours: cpu(ours),
  peers: [{ name, run: cpu(theirs), target: 0.3 }],
  limit: { name: limitName, run: cpu(raw) },
  rounds: 5,
});

await Promise.all([ours.close(), theirs.close(), raw.close()]);
server.kill();
