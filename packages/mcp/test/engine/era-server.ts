import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect, type ClientOptions, type McpServer, type ServerSpec } from '../../src/index.js';
import { programs, type Cleanup } from '../scene.js';

export type Eras = 'legacy' | 'modern' | 'both' | 'fragile' | 'mute';
export type Way = 'stdio' | 'http';
type CommonSpec = Pick<ServerSpec, 'asks' | 'asksPerMinute' | 'timeoutMs' | 'totalMs' | 'startMs'>;

const program = join(programs, 'era-server.mjs');

/** Starts the server of both eras, and connects to it. It ends with the test. */
export async function connectToEra(
  { eras, way, env = {} }: { eras: Eras; way: Way; env?: Record<string, string> },
  options: ClientOptions,
  spec: CommonSpec,
  onTestFinished: Cleanup,
): Promise<McpServer> {
  const server = await connect(
    way === 'stdio'
      ? { command: process.execPath, args: [program, eras], env, ...spec }
      : { type: 'http', url: await serve(eras, env, onTestFinished), ...spec },
    options,
  );
  onTestFinished(() => server.close());
  return server;
}

export async function serve(
  eras: Eras,
  env: Record<string, string>,
  onTestFinished: Cleanup,
): Promise<string> {
  const child = spawn(process.execPath, [program, eras, 'http'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return `http://127.0.0.1:${port}/mcp`;
}
