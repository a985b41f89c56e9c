import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createMcpHub, McpError, type McpHub } from '../../src/index.js';
import { openRecorder, openReplay } from '../../src/recording/index.js';
import { programs, refusal, startWitness, temporaryDirectory } from '../scene.js';

const program = join(programs, 'fault-server.mjs');
const secret = 'fake-token-0123456789';
const environment = { PATH: process.env['PATH'], HOME: '/home/user' };

/** What a session of this kind gives: values, errors and progress, in one text that can be compared. */
async function session(hub: McpHub): Promise<readonly unknown[]> {
  const told: unknown[] = [];
  const tell = async (work: Promise<{ readonly text: string }>): Promise<void> => {
    told.push(
      await work.then(
        ({ text }) => text,
        (error: unknown) =>
          McpError.isInstance(error) ? [error.code, error.message, error.details['data']] : error,
      ),
    );
  };
  told.push((await hub.tools()).items.map(({ qualifiedName }) => qualifiedName));
  await tell(hub.call('one__good', { say: 'first' }));
  await tell(hub.call('one__good', { say: secret }));
  await tell(hub.call('one__error'));
  const onProgress = (progress: unknown): void => void told.push(progress);
  await tell(hub.call('one__slow', { steps: 3, everyMs: 5 }, { onProgress }));
  // Side by side: answers are found by the question, not by the order.
  const says = ['a', 'b', 'c'];
  const calls = says.map((say) => hub.call('one__good', { say }));
  told.push((await Promise.all(calls)).map(({ text }) => text));
  await tell(hub.call('one__change'));
  await tell(hub.call('one__exits'));
  await tell(hub.call('one__good', { say: 'after the restart' }));
  return told;
}

async function record(secrets: readonly string[], directory: string) {
  const file = join(directory, 'session.jsonl');
  const recorder = await openRecorder(file, { secrets });
  const hub = createMcpHub({
    servers: {
      one: {
        command: process.execPath,
        args: [program],
        env: { TOKEN: secret },
        pingMs: 2000,
      },
    },
    environment,
    restart: { delayMs: 1 },
    wire: recorder.wire,
  });
  const told = await session(hub).finally(() => hub.close());
  await recorder.close();
  return { file, told };
}

async function replay(file: string, more = {}) {
  const again = await openReplay(file, { secrets: [secret] });
  const hub = createMcpHub({
    servers: again.servers,
    environment,
    restart: { delayMs: 1 },
    wire: again.wire,
    ...more,
  });
  onTestFinished(() => hub.close());
  return { again, hub };
}

/** One for all who only read it. */
let recorded: ReturnType<typeof record>;
beforeAll(() => {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-'));
  recorded = record([], directory);
  return () => rmSync(directory, { recursive: true, force: true });
});

describe('a recording', () => {
  test('has every message with its direction, its time, its server and its connection', async () => {
    const { file } = await recorded;
    const [head, ...lines] = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(head).toMatchObject({ v: 1, type: 'recording' });
    const methods = lines.flatMap(({ type, message }) =>
      type === 'sent' ? (message as { method?: string }).method : [],
    );
    expect(methods.filter((method) => method === 'tools/call')).toHaveLength(10);
    expect(methods.slice(0, 2)).toEqual(['initialize', 'notifications/initialized']);
    expect(lines.every(({ server }) => server === 'one')).toBe(true);
    expect(new Set(lines.map(({ connection }) => connection))).toEqual(new Set([1, 2]));
    const times = lines.map(({ ms }) => ms as number);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(lines.filter(({ type }) => type === 'closed')).toMatchObject([
      { connection: 1, code: 'ORCH_MCP_CLOSED' },
      { connection: 2 },
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('does not have the values of variables', async () => {
    const { file, told } = await recorded;
    expect(told).toContain(secret);
    const text = readFileSync(file, 'utf8');
    expect(text).not.toContain(secret);
    expect(text).toContain('"say":"[redacted]"');
    // The control: what is no secret is there.
    expect(text).toContain('"say":"first"');
  });

  test('does not have what is declared to be secret', async () => {
    const { file } = await record(['after the restart'], temporaryDirectory(onTestFinished));
    expect(readFileSync(file, 'utf8')).not.toContain('after the restart');
    // The control: undeclared, it is there.
    expect(readFileSync((await recorded).file, 'utf8')).toContain('after the restart');
  });

  test('replaces no file', async () => {
    const file = join(temporaryDirectory(onTestFinished), 'notes.txt');
    writeFileSync(file, 'mine');
    const error = await refusal(openRecorder(file));
    expect(error).toMatchObject({ code: 'ORCH_MCP_RECORDING' });
    expect(error.message).toContain('Give another name');
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });
});

describe('a replay', () => {
  test('answers as the servers did, also their errors, progress and ends, and starts nothing', async () => {
    const witness = startWitness();
    const { file, told } = await recorded;
    const { again, hub } = await replay(file, {
      servers: { one: { command: '/no/such/program', env: { ...witness.env, TOKEN: secret } } },
    });
    const replayed = await session(hub);
    // A secret was not kept, so it cannot be answered.
    expect(replayed).toEqual(told.map((one) => (one === secret ? '[redacted]' : one)));
    expect(again.left()).toEqual([]);
    expect(witness.alive()).toEqual([]);
    // The control: the same servers without the replay are started, in vain.
    const bare = createMcpHub({ servers: { one: { command: '/no/such/program' } } });
    onTestFinished(() => bare.close());
    expect(await refusal(bare.call('one__good'))).toMatchObject({ code: 'ORCH_MCP_START' });
  });

  test('says what was not asked', async () => {
    const { file } = await recorded;
    const { again, hub } = await replay(file);
    await hub.call('one__good', { say: 'first' });
    expect(again.left()).toContain('one: tools/call {"arguments":{},"name":"error"}');
    expect(again.left().join()).not.toContain('first');
  });

  test.each([
    ['other arguments', 'good', { say: 'other' }, /what was asked then is tools\/call \{/],
    ['another tool', 'pid', {}, /what was asked then is tools\/call \{/],
  ])('refuses what was not recorded: %s', async (_what, tool, args, why) => {
    const { hub } = await replay((await recorded).file);
    const error = await refusal(hub.call(`one__${tool}`, args));
    expect(error).toMatchObject({ code: 'ORCH_MCP_RECORDING', details: { server: 'one' } });
    expect(error.message).toMatch(why);
    // The session stands: what was recorded is answered.
    expect(await hub.call('one__good', { say: 'first' })).toMatchObject({ text: 'first' });
  });

  test('refuses what is asked more often, and another connection', async () => {
    const { hub } = await replay((await recorded).file);
    await hub.call('one__good', { say: 'first' });
    const more = await refusal(hub.call('one__good', { say: 'first' }));
    expect(more.message).toContain('it was asked once then, and this is once more');
    await refusal(hub.call('one__exits'));
    await hub.call('one__good', { say: 'after the restart' });
    const { file } = await recorded;
    const second = await openReplay(file);
    const hubs = [1, 2, 3].map(() =>
      createMcpHub({ servers: second.servers, environment, wire: second.wire }),
    );
    for (const one of hubs) onTestFinished(() => one.close());
    await hubs[0]?.server('one').ready();
    await hubs[1]?.server('one').ready();
    const error = await refusal(hubs[2]?.server('one').ready() ?? Promise.resolve());
    expect(error).toMatchObject({ code: 'ORCH_MCP_RECORDING' });
    expect(error.message).toContain('has 2 connections of one, and this is one more');
  });

  test('refuses a server that was not recorded', async () => {
    const { file } = await recorded;
    const { wire } = await openReplay(file);
    const hub = createMcpHub({ servers: { two: { command: 'true' } }, wire });
    onTestFinished(() => hub.close());
    const error = await refusal(hub.call('two__good'));
    expect(error).toMatchObject({ code: 'ORCH_MCP_RECORDING' });
    expect(error.message).toContain('has no server "two"; it has one');
  });

  test.each<[string, (text: string) => string, RegExp]>([
    ['is no recording', () => '{"a":1}\n', /it is no recording of @orch\/mcp/],
    ['is of a later version', (text) => text.replace('"v":1', '"v":2'), /version 2/],
    ['is damaged', (text) => text.replace('"opened"', '"ope'), /line 2 is damaged/],
    ['has a strange line', (text) => text.replace('"sent"', '"said"'), /record 3 is none/],
    [
      'has a line of no connection',
      (text) => text.replace('"opened"', '"closed"'),
      /no connection/,
    ],
  ])('refuses a file that %s', async (_what, change, why) => {
    const { file } = await recorded;
    const other = join(temporaryDirectory(onTestFinished), 'other.jsonl');
    writeFileSync(other, change(readFileSync(file, 'utf8')));
    const error = await refusal(openReplay(other));
    expect(error).toMatchObject({ code: 'ORCH_MCP_RECORDING' });
    expect(error.message).toMatch(why);
  });

  test('reads a recording whose writer was killed', async () => {
    const { file } = await recorded;
    appendFileSync(file, '{"ms":9999,"server":"one","conn');
    const { hub } = await replay(file);
    expect(await hub.call('one__good', { say: 'first' })).toMatchObject({ text: 'first' });
  });

  test('of a file that is not there says so', async () => {
    const error = await refusal(openReplay(join(temporaryDirectory(onTestFinished), 'none.jsonl')));
    expect(error).toMatchObject({ code: 'ORCH_MCP_RECORDING' });
  });
});
