import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSession } from '@orch/jsonl/sessions';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openRepositorySessions, type RepositorySessions } from '../../src/sessions/index.js';

function repository(): string {
  const root = mkdtempSync(path.join(tmpdir(), 'core-sessions-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(path.join(root, '.git'));
  return root;
}

const secret = 'key-that-opens-nothing';
const open = (root: string): Promise<RepositorySessions> =>
  openRepositorySessions({
    directory: root,
    environment: { HOME: root, ANTHROPIC_API_KEY: secret },
  });

/** A session in the directory of a run whose journal cannot be read. */
async function record(root: string, run: string, name: string, tokens: number): Promise<void> {
  const directory = path.join(root, '.orch', 'runs', run, 'sessions');
  mkdirSync(directory, { recursive: true });
  const session = await openSession(path.join(directory, `${name}.jsonl`));
  session.record('attempt', { task: name, prompt: `do ${name}` });
  session.record('usage', {
    messageId: `${name}-message`,
    model: 'claude-opus-5-5',
    inputTokens: tokens,
  });
  await session.end({ outcome: 'completed' });
  await session.close();
}

function transcript(root: string, name: string, message: string, text = 'hello'): void {
  const line = {
    type: 'assistant',
    uuid: `${name}-1`,
    parentUuid: null,
    sessionId: name,
    message: {
      id: message,
      model: 'claude-opus-5-5',
      content: [{ type: 'text', text }],
      usage: { input_tokens: 50 },
    },
  };
  mkdirSync(path.join(root, 'in'), { recursive: true });
  writeFileSync(path.join(root, 'in', `${name}.jsonl`), `${JSON.stringify(line)}\n`);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('openRepositorySessions()', () => {
  it('names sessions by run and attempt, and finds them by name, its beginning, or the attempt of the newest run', async () => {
    const root = repository();
    await record(root, '0000000001', 'fix.1', 1);
    await record(root, '0000000002', 'fix.1', 1);
    await record(root, '0000000002', 'fix.2', 1);
    const sessions = await open(root);
    expect(new Set((await sessions.list()).map(({ name }) => name))).toEqual(
      new Set(['0000000001/fix.1', '0000000002/fix.1', '0000000002/fix.2']),
    );
    expect((await sessions.list({ run: '0000000001' })).map(({ name }) => name)).toEqual([
      '0000000001/fix.1',
    ]);
    expect((await sessions.find('0000000001/fix.1')).title).toBe('do fix.1');
    expect((await sessions.find('0000000001')).name).toBe('0000000001/fix.1');
    expect((await sessions.find('fix.1')).name).toBe('0000000002/fix.1');
    expect((await sessions.find('fix')).name).toBe('0000000002/fix.2');
    await expect(sessions.find('0000000002')).rejects.toMatchObject({
      code: 'ORCH_SESSION_NOT_FOUND',
      message: expect.stringContaining('2 sessions begin with') as string,
    });
    await expect(sessions.find('nothing')).rejects.toMatchObject({
      code: 'ORCH_SESSION_NOT_FOUND',
    });
  });

  it('counts a message once that was recorded by a run and imported as well', async () => {
    const root = repository();
    await record(root, '0000000001', 'fix.1', 50);
    transcript(root, 'same', 'fix.1-message');
    const sessions = await open(root);
    await collect(sessions.importFrom(path.join(root, 'in')));
    expect((await sessions.stats()).total.inputTokens).toBe(50);
    // Negative control: another message of the same size.
    transcript(root, 'other', 'another-message');
    await collect(sessions.importFrom(path.join(root, 'in')));
    expect((await sessions.stats()).total.inputTokens).toBe(100);
    expect(
      (await sessions.stats({ session: await sessions.find('other') })).total.inputTokens,
    ).toBe(50);
  });

  it('counts all others beside one that cannot be read, and names it', async () => {
    const root = repository();
    await record(root, '0000000001', 'fix.1', 5);
    await record(root, '0000000001', 'fix.2', 7);
    const newer = path.join(root, '.orch', 'runs', '0000000001', 'sessions', 'newer.1.jsonl');
    writeFileSync(
      newer,
      '{"v":2,"seq":1,"at":"2026-01-01T00:00:00.000Z","kind":"attempt","data":{}}\n',
    );
    const sessions = await open(root);
    expect(await sessions.stats()).toMatchObject({
      total: { inputTokens: 12 },
      unreadable: [{ name: '0000000001/newer.1', code: 'ORCH_JSONL_SESSION_VERSION' }],
    });
    // Who asks for that one is told.
    const session = await sessions.find('newer.1');
    await expect(sessions.stats({ session })).rejects.toMatchObject({
      code: 'ORCH_JSONL_SESSION_VERSION',
    });
  });

  it('replaces credentials of the environment in what it imports, and keeps it out of git', async () => {
    const root = repository();
    transcript(root, 'told', 'm', `the key is ${secret}`);
    const sessions = await open(root);
    await collect(sessions.importFrom(path.join(root, 'in', 'told.jsonl')));
    expect(readFileSync(path.join(root, '.orch/sessions/told.jsonl'), 'utf8')).not.toContain(
      secret,
    );
    expect(readFileSync(path.join(root, 'in/told.jsonl'), 'utf8')).toContain(secret);
    expect(readFileSync(path.join(root, '.orch/.gitignore'), 'utf8')).toBe('*\n');
    expect(await collect(sessions.search('THE KEY IS'))).toMatchObject([{ name: 'told' }]);
  });

  it('says where it looked for transcripts in vain', async () => {
    const root = repository();
    const sessions = await open(root);
    expect(sessions.ownTranscripts).toBe(
      path.join(root, '.claude/projects', root.replaceAll(/[^A-Za-z0-9]/g, '-')),
    );
    await expect(collect(sessions.importFrom(sessions.ownTranscripts))).rejects.toMatchObject({
      code: 'ORCH_TRANSCRIPTS_NOT_FOUND',
    });
  });

  it('removes nothing of a run that cannot be read', async () => {
    const root = repository();
    await record(root, '0000000001', 'fix.1', 1);
    const sessions = await open(root);
    const listing = await sessions.planCleanup(1);
    expect(listing).toEqual({
      remove: [],
      keep: [{ name: '0000000001/fix.1', reason: 'unfinished' }],
    });
    const { id, path: file, bytes, modifiedAt, name } = await sessions.find('fix.1');
    const forced = { remove: [{ id, path: file, bytes, modifiedAt, name }], keep: [] };
    expect((await sessions.cleanUp(forced)).keep).toEqual([{ name, reason: 'written' }]);
    expect(await sessions.list()).toHaveLength(1);
  });
});
