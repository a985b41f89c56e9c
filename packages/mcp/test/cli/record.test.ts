import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { startWitness } from '../scene.js';
import { faultServer, startCli } from './host.js';

/** A client over lines of JSON, written by hand: no code of ours helps it. */
function startClient({ stdin, stdout }: Pick<ReturnType<typeof startCli>, 'stdin' | 'stdout'>) {
  const answers = new Map<unknown, (message: Record<string, unknown>) => void>();
  const unasked: unknown[] = [];
  createInterface({ input: stdout }).on('line', (line) => {
    const message = JSON.parse(line) as Record<string, unknown>;
    const settle = answers.get(message['id']);
    if (message['method'] === undefined && settle !== undefined) settle(message);
    else unasked.push(message);
  });
  const send = (message: object): void =>
    void stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const ask = (
    id: number | string,
    method: string,
    params: object,
  ): Promise<Record<string, unknown>> =>
    new Promise((resolve) => {
      answers.set(id, resolve);
      send({ id, method, params });
    });
  return { send, ask, unasked };
}

/** What Claude Code and others do: a handshake, a list and calls, with ids of their own. */
async function session(cli: Pick<ReturnType<typeof startCli>, 'stdin' | 'stdout'>) {
  const { send, ask, unasked } = startClient(cli);
  const clientInfo = { name: 'by hand', version: '1' };
  const hello = await ask('a', 'initialize', {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo,
  });
  send({ method: 'notifications/initialized' });
  const call = (id: number, name: string, args: object, token?: string): Promise<unknown> =>
    ask(id, 'tools/call', {
      name,
      arguments: args,
      ...(token !== undefined && { _meta: { progressToken: token } }),
    });
  const told = [
    hello,
    await ask(2, 'tools/list', {}),
    await call(1000, 'good', { say: 'hello' }),
    await call(1001, 'slow', { steps: 2, everyMs: 5 }, 'mine'),
    await call(1002, 'error', {}),
  ];
  cli.stdin.end();
  return { told, unasked };
}

describe('record and replay', () => {
  test('stand between any client and a server, and then in the place of the server', async () => {
    const witness = startWitness();
    const secret = 'fake-0123456789';
    const first = startCli({ one: { ...faultServer, env: { ...witness.env, KEY: secret } } });
    const recording = first.run(['record', 'said.jsonl', 'one']);
    const recorded = await session(first);
    expect(await recording).toMatchObject({ code: 0, out: '', err: '' });
    expect(witness.alive()).toEqual([]);
    expect(recorded.told).toMatchObject([
      { id: 'a', result: { serverInfo: { name: 'fault' } } },
      { id: 2, result: { tools: expect.any(Array) as unknown } },
      { id: 1000, result: { content: [{ text: 'hello' }] } },
      { id: 1001, result: { content: [{ text: 'done' }] } },
      { id: 1002, error: { code: -32_050, data: { row: 5 } } },
    ]);
    expect(recorded.unasked).toMatchObject([
      { method: 'notifications/progress', params: { progressToken: 'mine', progress: 1 } },
      { params: { progressToken: 'mine', progress: 2 } },
    ]);
    const file = join(first.cwd, 'said.jsonl');
    expect(readFileSync(file, 'utf8')).not.toContain(secret);

    const second = startCli({});
    const replaying = second.run(['replay', file]);
    expect(await session(second)).toEqual(recorded);
    expect(await replaying).toMatchObject({ code: 0, err: '' });
  });

  test('a replay answers what was not recorded with an error that says so', async () => {
    const first = startCli();
    const recording = first.run(['record', 'said.jsonl', 'one']);
    await session(first);
    await recording;
    const second = startCli({});
    const replaying = second.run(['replay', join(first.cwd, 'said.jsonl'), 'one']);
    const { ask } = startClient(second);
    await ask(1, 'initialize', {});
    expect(await ask(2, 'tools/call', { name: 'good', arguments: { say: 'else' } })).toMatchObject({
      error: {
        message: expect.stringContaining('has no answer to tools/call') as string,
        data: { code: 'ORCH_MCP_RECORDING' },
      },
    });
    second.stdin.end();
    expect(await replaying).toMatchObject({ code: 0 });
  });

  test('a server that ends while it is recorded ends the record, and its replay likewise', async () => {
    const first = startCli();
    const recording = first.run(['record', 'said.jsonl', 'one']);
    const client = startClient(first);
    await client.ask(1, 'initialize', {});
    client.send({ id: 2, method: 'tools/call', params: { name: 'exits' } });
    const recorded = await recording;
    expect(recorded.code).toBe(7);
    expect(recorded.err).toContain('giving up: disk is full');
    const second = startCli({});
    const replaying = second.run(['replay', join(first.cwd, 'said.jsonl')]);
    const again = startClient(second);
    await again.ask(1, 'initialize', {});
    again.send({ id: 2, method: 'tools/call', params: { name: 'exits' } });
    expect(await replaying).toEqual(recorded);
  });

  test('is interrupted like every verb, and leaves nothing', async () => {
    const witness = startWitness();
    const cli = startCli({ one: { ...faultServer, env: witness.env } });
    const recording = cli.run(['record', 'said.jsonl', 'one']);
    await startClient(cli).ask(1, 'initialize', {});
    expect(witness.alive().length).toBeGreaterThan(0);
    cli.interrupt();
    await recording;
    expect(witness.alive()).toEqual([]);
  });
});
