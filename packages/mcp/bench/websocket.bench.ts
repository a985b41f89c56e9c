import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { compareCalls, orch, program, rawWebSocket, sdkWebSocket } from './clients.js';

const server = spawn(process.execPath, [program('websocket-echo-server.mjs')], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const [port] = (await once(server.stdout, 'data')) as [Buffer];
const url = `ws://127.0.0.1:${String(port).trim()}/mcp`;

const ours = await orch({ type: 'ws', url });
const theirs = await sdkWebSocket(url);
const raw = await rawWebSocket(url);

await compareCalls('WebSocket', 10_000, { ours, theirs, raw }, { speed: 1.2 });

await Promise.all([ours.close(), theirs.close(), raw.close()]);
server.kill();
