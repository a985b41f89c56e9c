import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connect } from '../../src/index.js';
import { handlesLeft, openHandles, programs, refusal, startWitness, until } from '../scene.js';
import { startHttpFaults } from './http-faults.js';
import { startSseFaults } from './sse-faults.js';

const program = join(programs, 'fault-server.mjs');
const environment = { PATH: process.env['PATH'] ?? '' };

/** What another client does with the same servers: the witnesses of `fault.test.ts` can turn red. */
describe('the transports of the SDK', () => {
  test('leave a grandchild that is deaf to TERM alive, and the witness sees it', async () => {
    const witness = startWitness();
    const client = new Client({ name: 'control', version: '1' });
    await client.connect(
      new StdioClientTransport({
        command: 'sh',
        args: ['-c', `"$0" "$1" deaf; true`, process.execPath, program],
        env: { ...environment, ...witness.env },
      }),
    );
    await client.close();
    const left = witness.alive();
    for (const pid of left) process.kill(pid, 'SIGKILL');
    expect(left.length).toBeGreaterThan(0);
    await until(() => witness.alive().length === 0, 'the grandchild to be gone');
  });

  test('stay in a session that the server has forgotten', async () => {
    const faulty = await startHttpFaults();
    const client = new Client({ name: 'control', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(new URL(faulty.url)));
    faulty.forgetSessions();
    for (let n = 1; n <= 2; n += 1)
      await expect(client.callTool({ name: 'good', arguments: {} })).rejects.toThrow();
    await client.close();
    await faulty.close();
  });
});

describe('the SSE transport of the SDK', () => {
  test('lets a call wait for its whole time, though the stream with its answer is gone', async () => {
    const faulty = await startSseFaults();
    const client = new Client({ name: 'control', version: '1' });
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- it is what servers of before 2025 need
    await client.connect(new SSEClientTransport(new URL(faulty.url)));
    const call = client.callTool({ name: 'drops', arguments: {} }, undefined, { timeout: 1500 });
    await expect(call).rejects.toThrow('timed out');
    await client.close();
    await faulty.close();
  });
});

describe('the witnesses', () => {
  test('see the processes and handles of a server that was not closed', async () => {
    const before = openHandles();
    const witness = startWitness();
    const server = await connect(
      { command: process.execPath, args: [program], env: witness.env },
      { environment },
    );
    expect(witness.alive()).toHaveLength(1);
    expect(Object.keys(await handlesLeft(before))).not.toEqual([]);
    await server.close();
    expect(witness.alive()).toEqual([]);
    expect(await handlesLeft(before)).toEqual({});
  });

  test('see the connections of an HTTP server that was not closed', async () => {
    const before = openHandles();
    const faulty = await startHttpFaults();
    faulty.listening = 'open';
    const server = await connect({ type: 'http', url: faulty.url });
    await until(() => faulty.seen.some(({ method }) => method === 'GET'), 'the listening stream');
    expect(await handlesLeft(before)).toMatchObject({
      TCPSocketWrap: expect.any(Number) as number,
    });
    await server.close();
    await faulty.close();
    expect(await handlesLeft(before)).toEqual({});
  });
});

describe('a call that may not be repeated', () => {
  test('is not made again when the server dies', async ({ onTestFinished }) => {
    const server = await connect({ command: process.execPath, args: [program] }, { environment });
    onTestFinished(() => server.close());
    const error = await refusal(server.call('exits'));
    expect(error).toMatchObject({ code: 'ORCH_MCP_CLOSED' });
    expect(server.state).toBe('backoff');
  });
});
