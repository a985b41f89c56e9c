import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import { connect, type ServerSpec } from '@orch/mcp';
import { spawn } from 'node:child_process';
import { Agent, request } from 'node:http';
import path from 'node:path';
import { WebSocket } from 'ws';
import { compare, perCpuSecond, perSecond } from '../../../tooling/bench/compare.js';

/** The programs, from the place where benches are built to. */
const programs = path.resolve(import.meta.dirname, '..', 'programs');
export const program = (name: string): string => path.join(programs, name);

export interface Contender {
  /** Calls the tool `echo`; resolves with the length of the text that came. */
  call(args: { readonly say?: string; readonly bytes?: number }): Promise<number>;
  close(): Promise<void>;
}

const environment = { PATH: process.env['PATH'] ?? '' };
const clientInfo = { name: 'bench', version: '1' };

export async function orch(spec: ServerSpec): Promise<Contender> {
  const server = await connect(spec, { environment });
  return {
    call: async (args) => (await server.call('echo', args)).text.length,
    close: () => server.close(),
  };
}

export async function sdk(transport: unknown): Promise<Contender> {
  const client = new Client(clientInfo);
  // The SDK's own classes do not agree under exactOptionalPropertyTypes.
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  return {
    async call(args) {
      const { content } = await client.callTool({ name: 'echo', arguments: args });
      return (content as { text: string }[])[0]?.text.length ?? 0;
    },
    close: () => client.close(),
  };
}

export const sdkStdio = (file: string): Promise<Contender> =>
  sdk(
    new StdioClientTransport({
      command: process.execPath,
      args: [file],
      env: environment,
      maxBufferSize: 64 * 1024 * 1024,
    }),
  );

export const sdkHttp = (url: string): Promise<Contender> =>
  sdk(new StreamableHTTPClientTransport(new URL(url)));

/** It takes the WebSocket of the platform, which Node 20 has not: `ws` is the one that is used in its place. */
export function sdkWebSocket(url: string): Promise<Contender> {
  (globalThis as { WebSocket: unknown }).WebSocket = WebSocket;
  return sdk(new WebSocketClientTransport(new URL(url)));
}

interface Answer {
  readonly id: number;
  readonly result: { readonly content: readonly { readonly text: string }[] };
}

const message = (id: number, args: object): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: 'echo', arguments: args },
  });
const lengthOf = ({ result }: Answer): number => result.content[0]?.text.length ?? 0;

/** JSON-RPC by hand, with one write a turn, no handshake, no times, and no look at what comes. */
export function rawStdio(file: string): Contender {
  const child = spawn(process.execPath, [file], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: environment,
  });
  const waiting = new Map<number, (length: number) => void>();
  let parts: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      parts.push(chunk.subarray(from, at));
      const whole = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
      parts = [];
      from = at + 1;
      const answer = JSON.parse(whole.toString()) as Answer;
      waiting.get(answer.id)?.(lengthOf(answer));
      waiting.delete(answer.id);
    }
    if (from < chunk.length) parts.push(chunk.subarray(from));
  });
  let batch = '';
  let count = 0;
  return {
    call(args) {
      const id = (count += 1);
      if (batch === '')
        queueMicrotask(() => {
          child.stdin.write(batch);
          batch = '';
        });
      batch += `${message(id, args)}\n`;
      return new Promise((resolve) => waiting.set(id, resolve));
    },
    async close() {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.stdin.end();
      await ended;
    },
  };
}

export function rawHttp(url: string): Contender {
  const agent = new Agent({ keepAlive: true });
  let count = 0;
  return {
    call: (args) =>
      new Promise((resolve, reject) => {
        const body = message((count += 1), args);
        const headers = { 'content-type': 'application/json', 'content-length': body.length };
        const sent = request(url, { method: 'POST', agent, headers }, (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => (text += chunk));
          response.on('end', () => resolve(lengthOf(JSON.parse(text) as Answer)));
        });
        sent.once('error', reject);
        sent.end(body);
      }),
    close() {
      agent.destroy();
      return Promise.resolve();
    },
  };
}

export async function rawWebSocket(url: string): Promise<Contender> {
  const socket = new WebSocket(url, ['mcp'], { perMessageDeflate: false });
  await new Promise((resolve) => socket.once('open', resolve));
  const waiting = new Map<number, (length: number) => void>();
  socket.on('message', (data: Buffer) => {
    const answer = JSON.parse(data.toString()) as Answer;
    waiting.get(answer.id)?.(lengthOf(answer));
    waiting.delete(answer.id);
  });
  let count = 0;
  return {
    call(args) {
      const id = (count += 1);
      socket.send(message(id, args));
      return new Promise((resolve) => waiting.set(id, resolve));
    },
    async close() {
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.close();
      await closed;
    },
  };
}

/** Makes `count` calls, so many at once. */
export async function callMany(contender: Contender, count: number, atOnce: number): Promise<void> {
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      const length = await contender.call({ say: 'hello there' });
      if (length !== 11) throw new Error('The answer is wrong.');
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

export const name = '@modelcontextprotocol/sdk';
export const limitName = 'JSON-RPC by hand';

/** `count` calls over one transport, 64 in flight: how many in a second, and what each takes of the processor. */
export async function compareCalls(
  transport: string,
  count: number,
  { ours, theirs, raw }: Readonly<Record<'ours' | 'theirs' | 'raw', Contender>>,
  targets: { readonly speed: number; readonly cpu?: number },
): Promise<void> {
  const speed = (who: Contender) => () => perSecond(count, () => callMany(who, count, 64));
  await compare({
    suite: 'mcp',
    case: `${transport}, 64 calls in flight`,
    unit: 'calls/s',
    better: 'higher',
    ours: speed(ours),
    peers: [{ name, run: speed(theirs), target: targets.speed }],
    limit: { name: limitName, run: speed(raw) },
    rounds: 5,
  });
  const cpu = (who: Contender) => async () =>
    1e6 / (await perCpuSecond(count, () => callMany(who, count, 64)));
  await compare({
    suite: 'mcp',
    case: `${transport}, 64 calls in flight, processor time of the client`,
    unit: 'µs/call',
    better: 'lower',
    ours: cpu(ours),
    peers: [{ name, run: cpu(theirs), ...(targets.cpu !== undefined && { target: targets.cpu }) }],
    limit: { name: limitName, run: cpu(raw) },
    rounds: 5,
  });
}
