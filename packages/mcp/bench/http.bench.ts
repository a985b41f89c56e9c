import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { compareCalls, orch, program, rawHttp, sdkHttp } from './clients.js';

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
const count = 1500;

await compareCalls('Streamable HTTP', count, { ours, theirs, raw }, { speed: 4, cpu: 0.3 });

await Promise.all([ours.close(), theirs.close(), raw.close()]);
server.kill();
