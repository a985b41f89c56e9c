import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { pathToFileURL } from 'node:url';
import * as zlib from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { nodeFileSystem } from '../../src/index.js';
import {
  openSession,
  openSessionStore,
  redactValues,
  type SessionStore,
} from '../../src/sessions/index.js';
import { useCompiledSource } from '../compile-source.js';
import { systemError } from '../faulty-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';

const compiled = useCompiledSource();
const day = 24 * 60 * 60 * 1000;

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function write(store: SessionStore, id: string, ...texts: string[]): Promise<void> {
  const session = await store.create(id);
  for (const text of texts) session.record('message.user', { text });
  await session.end({ outcome: 'completed' });
  await session.close();
}

/** Does something each time when a file is about to be read. */
function beforeOpening(wanted: string, work: () => void): void {
  const open = nodeFileSystem.open.bind(nodeFileSystem);
  const spy = vi.spyOn(nodeFileSystem, 'open').mockImplementation(async (path, intent, mode) => {
    if (path === wanted && intent === 'read') work();
    return open(path, intent, mode);
  });
  onTestFinished(() => spy.mockRestore());
}

/** A process of its own that holds a session until it is told to end. */
async function holdElsewhere(directory: string, id: string): Promise<{ kill(): Promise<void> }> {
  const program = `
    import { openSessionStore } from ${JSON.stringify(pathToFileURL(compiled('sessions/index.js')).href)};
    const session = await openSessionStore(${JSON.stringify(directory)}).resume(${JSON.stringify(id)});
    process.stdout.write('held');
    setInterval(() => session, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  onTestFinished(kill);
  await once(child.stdout, 'data');
  return { kill };
}

describe('openSessionStore()', () => {
  it('puts the names of the directories that it makes on the disk, before anything is in them', async () => {
    const at = temporaryDirectory();
    const synced: string[] = [];
    const fsyncDirectory = nodeFileSystem.fsyncDirectory.bind(nodeFileSystem);
    const spy = vi.spyOn(nodeFileSystem, 'fsyncDirectory').mockImplementation(async (path) => {
      await fsyncDirectory(path);
      synced.push(`${path}: ${readdirSync(path).join(' ')}`);
    });
    onTestFinished(() => spy.mockRestore());
    const store = openSessionStore(at('some/where/sessions'));
    const session = await store.create('a');
    const sessions = at('some/where/sessions');
    expect(synced).toEqual([
      `${at('some/where')}: sessions`,
      `${at('some')}: where`,
      `${at('.').replace(/\/\.?$/, '')}: some`,
      `${sessions}: .writers a.jsonl`,
    ]);
    await session.close();
    // Whoever made it may have died before it was on the disk.
    synced.length = 0;
    await (await openSessionStore(sessions).create('b')).close();
    expect(synced[0]).toBe(`${at('some/where')}: sessions`);
  });

  it('creates, goes on with, appends to and reads sessions', async () => {
    const store = openSessionStore(temporaryDirectory()('sessions'));
    expect(await store.list()).toEqual([]);
    await write(store, 'fix.1', 'repair  the\nparser');
    const again = await store.resume('fix.1');
    again.record('text', { text: 'more' });
    await again.close();
    await store.append('fix.1', 'text', { text: 'and more' });
    const records = await collect(store.records('fix.1'));
    expect(records.map(({ seq, kind }) => [seq, kind])).toEqual([
      [1, 'message.user'],
      [2, 'end'],
      [3, 'text'],
      [4, 'text'],
    ]);
    const unnamed = await store.create();
    expect(unnamed.id).toMatch(/^[0-9a-f-]{36}$/);
    await unnamed.close();
    expect(await store.facts('fix.1')).toMatchObject({
      id: 'fix.1',
      origin: 'recorded',
      title: 'repair the parser',
      outcome: 'completed',
    });
    expect((await store.list()).map(({ id }) => id)).toContain(unnamed.id);
  });

  it('replaces declared secrets before anything is written', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'), { redact: redactValues(['s3cret-token']) });
    await write(store, 'a', 'it is s3cret-token');
    expect(readFileSync(at('a.jsonl'), 'utf8')).not.toContain('s3cret');
  });

  it('says which session is not there, is there already, or has no such name', async () => {
    const store = openSessionStore(temporaryDirectory()('.'));
    await write(store, 'a');
    await expect(store.create('a')).rejects.toMatchObject({ code: 'ORCH_JSONL_SESSION_EXISTS' });
    for (const id of ['b', '../a', 'a/b', '.a', ''])
      await expect(store.resume(id)).rejects.toMatchObject({
        code: 'ORCH_JSONL_SESSION_NOT_FOUND',
      });
    await expect(collect(store.records('b'))).rejects.toMatchObject({
      code: 'ORCH_JSONL_SESSION_NOT_FOUND',
    });
    await expect(store.facts('b')).rejects.toMatchObject({ code: 'ORCH_JSONL_SESSION_NOT_FOUND' });
  });

  it('says with a typed error that its directory cannot be written to', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('file'), '');
    writeFileSync(at('a.jsonl'), '{"type":"user","uuid":"a"}\n');
    const store = openSessionStore(at('file/store'));
    const code = {
      code: 'ORCH_JSONL_WRITE_FAILED',
      message: expect.stringMatching(/ENOTDIR/) as unknown,
    };
    await expect(store.create('x')).rejects.toMatchObject(code);
    await expect(store.importTranscript({ main: at('a.jsonl'), agents: [] })).rejects.toMatchObject(
      code,
    );
  });

  it('finds text in any case, where it was said', async () => {
    const store = openSessionStore(temporaryDirectory()('.'));
    await write(store, 'a', 'The Parser drops\nthe last line');
    await write(store, 'b', 'nothing');
    expect(await collect(store.search('lexer'))).toEqual([]);
    expect(await collect(store.search('pARSER drops'))).toMatchObject([
      { session: 'a', seq: 1, kind: 'message.user', excerpt: 'The Parser drops the last line' },
    ]);
    expect(await collect(store.search('PARSER DROPS\nTHE'))).toHaveLength(1);
  });

  it('lists a session of a newer format beside the others, and plans for it by its age', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    await write(store, 'ours', 'x');
    writeFileSync(at('newer.jsonl'), '{"v":2,"seq":1,"at":"2030","kind":"text","data":{}}\n');
    const found = await store.list();
    expect(found.map(({ id, newerFormat }) => [id, newerFormat]).sort()).toEqual([
      ['newer', true],
      ['ours', undefined],
    ]);
    expect((await store.planCleanup({ cleanupPeriodDays: 1 })).keep).toHaveLength(2);
    // Who asks for its content by name is told that it cannot be had.
    await expect(store.stats({ sessions: ['ours', 'newer'] })).rejects.toMatchObject({
      code: 'ORCH_JSONL_SESSION_VERSION',
    });
    await expect(store.resume('newer')).rejects.toMatchObject({
      code: 'ORCH_JSONL_SESSION_VERSION',
    });
  });

  it('lists a session that was torn, and one of a plain writer', async () => {
    const at = temporaryDirectory();
    const plain = await openSession(at('plain.jsonl'));
    plain.record('attempt', { task: 'x', prompt: 'do it' });
    await plain.close();
    writeFileSync(at('torn.jsonl'), '{"v":1,"seq":1,"at":"2026-01-01T00:00:00.000Z","kind":"te');
    const facts = await openSessionStore(at('.')).list();
    expect(new Map(facts.map(({ id, title }) => [id, title]))).toEqual(
      new Map([
        ['plain', 'do it'],
        ['torn', undefined],
      ]),
    );
  });
});

describe('one session that cannot be read', () => {
  const usage = { messageId: 'm', model: 'claude-opus-5-5', inputTokens: 5 };
  const line = (v: number, kind: string, data: string): string =>
    `{"v":${v},"seq":1,"at":"2026-01-01T00:00:00.000Z","kind":"${kind}","data":${data}}\n`;

  const failToOpen = (path: string, code: string): void =>
    beforeOpening(path, () => {
      throw systemError(code, 'open');
    });

  /** A session before it and one after it, with a word to find and a message to count. */
  async function surround(store: SessionStore): Promise<void> {
    for (const id of ['a', 'z']) {
      const session = await store.create(id);
      session.record('message.user', { text: 'hello' });
      session.record('usage', { ...usage, messageId: id });
      await session.close();
    }
  }

  /** What goes through the whole store has all the others. */
  async function expectOthers(store: SessionStore): Promise<void> {
    const found = await collect(store.search('hello'));
    expect(found.map(({ session }) => session)).toEqual(['a', 'z']);
    expect((await store.stats()).total).toMatchObject({ messages: 2, inputTokens: 10 });
    const { keep, remove } = await store.planCleanup({ cleanupPeriodDays: 1 });
    expect([...keep, ...remove].map(({ id }) => id)).toEqual(expect.arrayContaining(['a', 'z']));
  }

  it('as it is of a newer format hides no others from search and stats, which say so', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    await surround(store);
    writeFileSync(at('newer.jsonl'), line(2, 'text', '{}'));
    await expectOthers(store);
    const code = 'ORCH_JSONL_SESSION_VERSION';
    expect((await store.stats()).unreadable).toEqual([{ id: 'newer', code }]);
    await expect(collect(store.records('newer'))).rejects.toMatchObject({ code });
  });

  it('has counted what came before the record that ended it, and stats say that it is not all', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    writeFileSync(at('b.jsonl'), line(1, 'usage', JSON.stringify(usage)) + line(2, 'text', '{}'));
    const { total, unreadable } = await store.stats();
    expect(total.inputTokens).toBe(5);
    expect(unreadable).toMatchObject([{ id: 'b' }]);
  });

  it('as it may not be opened is listed with the reason, beside all others', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    await surround(store);
    writeFileSync(at('locked.jsonl'), line(1, 'message.user', '{"text":"hello"}'));
    failToOpen(at('locked.jsonl'), 'EACCES');
    await expectOthers(store);
    const code = 'ORCH_JSONL_OPEN_FAILED';
    const listed = new Map((await store.list()).map((facts) => [facts.id, facts]));
    expect(listed.get('locked')).toMatchObject({
      bytes: statSync(at('locked.jsonl')).size,
      unreadable: code,
    });
    expect(listed.get('a')).toMatchObject({ title: 'hello' });
    expect(listed.get('a')).not.toHaveProperty('unreadable');
    expect((await store.stats()).unreadable).toEqual([{ id: 'locked', code }]);
    // Who asks for it by name is told why.
    await expect(store.facts('locked')).rejects.toMatchObject({ code });
    await expect(store.resume('locked')).rejects.toMatchObject({ code });
    await expect(store.stats({ sessions: ['locked'] })).rejects.toMatchObject({ code });
  });

  it('as no file can be opened any more is no empty one: that is an error of all', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    await surround(store);
    failToOpen(at('a.jsonl'), 'EMFILE');
    const code = { code: 'ORCH_JSONL_OPEN_FAILED' };
    await expect(collect(store.search('hello'))).rejects.toMatchObject(code);
    await expect(store.stats()).rejects.toMatchObject(code);
    await expect(store.list()).rejects.toMatchObject(code);
  });

  it('as it is compressed in a way that this Node may not know hides no others', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    await surround(store);
    writeFileSync(at('packed.jsonl'), Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]));
    await expectOthers(store);
    const listed = (await store.list()).find(({ id }) => id === 'packed');
    const isKnown = 'createZstdDecompress' in zlib;
    expect(listed?.unreadable).toBe(isKnown ? undefined : 'ORCH_JSONL_UNSUPPORTED');
  });

  it('as a value in it is nested too deeply to be shown hides neither the others nor itself', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    await surround(store);
    const deep = '['.repeat(20_000) + ']'.repeat(20_000);
    const records = line(1, 'attempt', `{"argv":${deep}}`) + line(1, 'text', '{"text":"and on"}');
    writeFileSync(at('deep.jsonl'), records);
    await expectOthers(store);
    expect((await store.facts('deep')).title).toMatch(/too deeply to be shown/);
    expect((await collect(store.exportMarkdown('deep'))).join('')).toMatch(
      /## Task .*too deeply to be shown.*## Agent .*and on/s,
    );
    expect(await collect(store.search('and on'))).toMatchObject([{ session: 'deep' }]);
  });
});

describe('a session that is removed meanwhile', () => {
  const surround = async (store: SessionStore): Promise<void> => {
    for (const id of ['a', 'b', 'c']) await write(store, id, 'hello');
  };
  /** It was there when the others were looked for, and is gone when it is opened. */
  const removeBeforeOpening = (path: string): void =>
    beforeOpening(path, () => rmSync(path, { force: true }));

  it('is passed over by what goes through the whole store', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    removeBeforeOpening(at('b.jsonl'));
    await surround(store);
    const found = await collect(store.search('hello'));
    expect(found.map(({ session }) => session)).toEqual(['a', 'c']);
    await write(store, 'b');
    expect(await store.stats()).not.toHaveProperty('unreadable');
    await write(store, 'b');
    expect((await store.list()).map(({ id }) => id).sort()).toEqual(['a', 'c']);
    await write(store, 'b');
    const { keep } = await store.planCleanup({ cleanupPeriodDays: 1 });
    expect(keep.map(({ id }) => id).sort()).toEqual(['a', 'c']);
  });

  it('is said not to be there to who asked for it by name', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    await surround(store);
    removeBeforeOpening(at('b.jsonl'));
    const code = { code: 'ORCH_JSONL_SESSION_NOT_FOUND' };
    await expect(store.facts('b')).rejects.toMatchObject(code);
    await expect(store.stats({ sessions: ['a', 'b'] })).rejects.toMatchObject(code);
  });
});

describe('one writer', () => {
  it('in one process: a second one is refused until the first is closed', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    const session = await store.create('a');
    await expect(store.resume('a')).rejects.toMatchObject({ code: 'ORCH_JSONL_SESSION_HELD' });
    expect(await store.facts('a')).toMatchObject({ writer: process.pid });
    await session.close();
    await (await store.resume('a')).close();
    expect(readdirSync(at('.writers'))).toEqual([]);
  });

  it('of many that come at once, never two hold the session', async () => {
    const store = openSessionStore(temporaryDirectory()('.'));
    await write(store, 'a');
    for (let round = 0; round < 20; round += 1) {
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => store.resume('a')));
      const held = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      expect(held.length).toBeLessThanOrEqual(1);
      for (const session of held) await session.close();
    }
  });

  it('of another process counts while it lives, and not when it was killed', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    await write(store, 'a');
    const other = await holdElsewhere(at('.'), 'a');
    await expect(store.resume('a')).rejects.toMatchObject({ code: 'ORCH_JSONL_SESSION_HELD' });
    await other.kill();
    await (await store.resume('a')).close();
    expect(readdirSync(at('.writers'))).toEqual([]);
  });
});

describe('beside a live writer', () => {
  it('reading gives what is whole so far, in order, and disturbs nothing', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    await write(store, 'live');
    const last = 2000;
    const program = `
      import { openSessionStore } from ${JSON.stringify(pathToFileURL(compiled('sessions/index.js')).href)};
      const session = await openSessionStore(${JSON.stringify(at('.'))}).resume('live');
      for (let n = 1; n <= ${last}; n += 1) {
        session.record('usage', { messageId: String(n), model: 'claude-opus-5-5', inputTokens: 1, text: 'x'.repeat(n) });
        if (n % 50 === 0) await session.flush();
        if (n === ${last / 2}) {
          process.stdout.write('half');
          await new Promise((resolve) => process.stdin.once('data', resolve));
          process.stdin.destroy();
        }
      }
      await session.end({ outcome: 'completed' });
      await session.close();
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    let seen = 0;
    const look = async (): Promise<void> => {
      const records = await collect(store.records('live'));
      expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
      expect(records.length).toBeGreaterThanOrEqual(seen);
      seen = records.length;
      expect((await store.stats()).total.messages).toBeLessThanOrEqual(last);
      expect(await store.list()).toMatchObject([{ id: 'live' }]);
      await collect(store.exportMarkdown('live'));
    };
    await once(child.stdout, 'data');
    await look();
    expect(seen).toBe(1 + last / 2);
    child.stdin.write('go on');
    while (child.exitCode === null && child.signalCode === null) await look();
    expect((await exited)[0]).toBe(0);
    expect((await store.stats()).total).toMatchObject({ messages: last, inputTokens: last });
    expect(await store.facts('live')).toMatchObject({ outcome: 'completed' });
  });
});

describe('cleanup', () => {
  const age = (path: string, days: number): void => {
    const then = (Date.now() - days * day) / 1000;
    utimesSync(path, then, then);
  };

  it('lists what it will remove, touches nothing before, and removes that and no more', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    for (const id of ['old', 'recent']) await write(store, id);
    age(at('old.jsonl'), 31);
    age(at('recent.jsonl'), 29);
    const plan = await store.planCleanup({ cleanupPeriodDays: 30 });
    expect(plan).toMatchObject({
      remove: [{ id: 'old' }],
      keep: [{ id: 'recent', reason: 'recent' }],
    });
    expect(existsSync(at('old.jsonl'))).toBe(true);
    const bytes = statSync(at('old.jsonl')).size;
    expect(await store.cleanUp(plan)).toMatchObject({ removed: [{ id: 'old' }], kept: [], bytes });
    expect([existsSync(at('old.jsonl')), existsSync(at('recent.jsonl'))]).toEqual([false, true]);
  });

  it('never removes what a running writer holds, though it has been silent for long', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    await write(store, 'a');
    const other = await holdElsewhere(at('.'), 'a');
    age(at('a.jsonl'), 100);
    const plan = await store.planCleanup({ cleanupPeriodDays: 30 });
    expect(plan).toMatchObject({ remove: [], keep: [{ id: 'a', reason: 'written' }] });
    // A plan from before the writer came does not help either.
    const { size, mtime } = statSync(at('a.jsonl'));
    const stale = {
      remove: [{ id: 'a', path: at('a.jsonl'), bytes: size, modifiedAt: mtime.toISOString() }],
      keep: [],
    };
    expect(await store.cleanUp(stale)).toMatchObject({
      removed: [],
      kept: [{ id: 'a', reason: 'written' }],
    });
    // Negative control: the same plan, once nobody writes.
    await other.kill();
    expect(await store.cleanUp(stale)).toMatchObject({ removed: [{ id: 'a' }] });
  });

  it('asks about writers that leave no mark', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'), { isWritten: (id) => id === 'busy' });
    for (const id of ['busy', 'idle']) {
      await (await openSession(at(`${id}.jsonl`))).close();
      age(at(`${id}.jsonl`), 100);
    }
    const plan = await store.planCleanup({ cleanupPeriodDays: 1 });
    expect(plan.remove.map(({ id }) => id)).toEqual(['idle']);
    await expect(store.resume('busy')).rejects.toMatchObject({ code: 'ORCH_JSONL_SESSION_HELD' });
  });

  it('keeps what was written after the plan was made', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    await write(store, 'a');
    age(at('a.jsonl'), 100);
    const plan = await store.planCleanup({ cleanupPeriodDays: 30 });
    await store.append('a', 'text', { text: 'still here' });
    expect(await store.cleanUp(plan)).toMatchObject({
      removed: [],
      kept: [{ id: 'a', reason: 'changed' }],
    });
  });

  it.each([0, -1, NaN, Infinity])('refuses a period of %s days', async (cleanupPeriodDays) => {
    const store = openSessionStore(temporaryDirectory()('.'));
    await expect(store.planCleanup({ cleanupPeriodDays })).rejects.toBeInstanceOf(RangeError);
  });

  it.each([NaN, Infinity, -Infinity, '2026-01-01' as unknown as number])(
    'refuses %s as the present: every session would be older than that, or none',
    async (now) => {
      const store = openSessionStore(temporaryDirectory()('.'));
      await write(store, 'a');
      const plan = store.planCleanup({ cleanupPeriodDays: 30, now });
      await expect(plan).rejects.toBeInstanceOf(RangeError);
      expect(
        (await store.planCleanup({ cleanupPeriodDays: 30, now: Date.now() })).keep,
      ).toHaveLength(1);
    },
  );
});

describe('exportMarkdown()', () => {
  const attack =
    '```\n<img src=x onerror=alert(1)>\n````\n![x](https://example.invalid/p.png)\n\u001b]0;title\u0007\u202edne';

  /** What stands outside fences, by the rules of CommonMark, reckoned without the exporter. */
  function outsideFences(markdown: string): string {
    let fence = '';
    const outside: string[] = [];
    for (const line of markdown.split('\n')) {
      const run = /^ {0,3}(`{3,})([^`]*)$/.exec(line);
      if (fence === '' && run) fence = run[1] ?? '';
      else if (fence === '') outside.push(line);
      else if (run && (run[1] ?? '').length >= fence.length && (run[2] ?? '').trim() === '')
        fence = '';
    }
    return outside.join('\n');
  }

  it('shows the conversation, and nothing that others wrote acts as markup', async () => {
    const store = openSessionStore(temporaryDirectory()('.'));
    await write(store, 'a', attack);
    const markdown = (await collect(store.exportMarkdown('a'))).join('');
    expect(markdown).toContain('## User · ');
    expect(markdown).toContain('<img src=x onerror=alert(1)>');
    expect(markdown).toContain('\\u001b]0;title\\u0007\\u202edne');
    expect(outsideFences(markdown)).not.toMatch(/<img|!\[/);
    expect(markdown).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    // Negative control: with a fence of three, the same text breaks out.
    expect(outsideFences(markdown.replaceAll('`````', '```'))).toMatch(/<img/);
  });

  it('shows a text with any number of fences', async () => {
    const store = openSessionStore(temporaryDirectory()('.'));
    await write(store, 'a', `${'` '.repeat(150_000)}${'`'.repeat(300)}`);
    const markdown = (await collect(store.exportMarkdown('a'))).join('');
    expect(markdown).toContain(`\n${'`'.repeat(301)}text\n`);
  });

  it('takes nothing on trust in a file that somebody else wrote', async () => {
    const at = temporaryDirectory();
    const attackAt = '<img src=x>![a](b)';
    const record = (seq: number, kind: string, data: object): string =>
      JSON.stringify({ v: 1, seq, at: attackAt, kind, data });
    const records = [
      record(1, 'constructor', { text: 'a' }),
      record(2, '<img>', { text: 'b', agent: '<img>' }),
      record(3, 'notice', { level: '<img>', text: 'c' }),
      record(4, 'usage', { messageId: '1', model: '<img>|![x](y)', inputTokens: 1 }),
    ];
    writeFileSync(at('foreign.jsonl'), `${records.join('\n')}\n`);
    const store = openSessionStore(at('.'));
    const markdown = (await collect(store.exportMarkdown('foreign'))).join('');
    expect(outsideFences(markdown)).not.toMatch(/<img|!\[|function/);
    expect(markdown).toContain('## Record constructor');
  });

  it('ends with tokens by model and says when a cost is not known', async () => {
    const store = openSessionStore(temporaryDirectory()('.'));
    const session = await store.create('a');
    session.record('usage', {
      messageId: '1',
      model: 'claude-opus-5-5',
      inputTokens: 100,
      outputTokens: 20,
    });
    session.record('usage', {
      messageId: '2',
      model: 'new|model',
      inputTokens: 1,
      outputTokens: 1,
    });
    await session.close();
    const markdown = (await collect(store.exportMarkdown('a'))).join('');
    expect(markdown).toContain('| claude-opus-5-5 | 1 | 100 | 20 | 0 | 0 | 0 | $0.0008 |');
    expect(markdown).toContain('| newmodel | 1 | 1 | 1 | 0 | 0 | 0 | unknown |');
    expect(markdown).toContain('At least $0.0008');
  });
});
