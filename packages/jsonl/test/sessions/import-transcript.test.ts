import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  findTranscripts,
  openSessionStore,
  readSession,
  redactValues,
  type ImportOutcome,
  type SessionStore,
} from '../../src/sessions/index.js';
import { useCompiledSource } from '../compile-source.js';
import { temporaryDirectory } from '../temporary-directory.js';

/** What the real Claude Code left on disk. */
const samples = join(import.meta.dirname, '../testdata/transcripts');
const withAgent = join(samples, 'session-with-subagent');
const compacted = join(samples, 'resumed-continued-compacted.jsonl');
const forked = join(samples, 'forked.jsonl');
const agentSession = '00000000-0000-4000-8000-000000000001';

async function importAll(store: SessionStore, path: string): Promise<readonly ImportOutcome[]> {
  const outcomes: ImportOutcome[] = [];
  for (const files of await findTranscripts(path))
    outcomes.push(await store.importTranscript(files));
  return outcomes;
}

const lines = (path: string): readonly Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('findTranscripts()', () => {
  it('finds conversations with their sub-agents below a configuration directory, and other files not', async () => {
    const at = temporaryDirectory();
    const project = at('config/projects/-repo-app');
    cpSync(withAgent, project, { recursive: true });
    copyFileSync(forked, join(project, 'forked.jsonl'));
    // Older versions put sub-agents beside the conversation; one may be left alone.
    const beside = join(project, 'agent-beside.jsonl');
    writeFileSync(
      beside,
      readFileSync(join(withAgent, agentSession, 'subagents/agent-a0000000000000001.jsonl')),
    );
    const alone = JSON.stringify({ type: 'user', sessionId: 'gone', uuid: 'u', parentUuid: null });
    writeFileSync(join(project, 'agent-alone.jsonl'), `${alone}\n`);
    writeFileSync(at('config/history.jsonl'), '{"display":"x"}\n');
    const agents = [join(project, agentSession, 'subagents/agent-a0000000000000001.jsonl'), beside];
    expect(await findTranscripts(at('config'))).toEqual([
      { main: join(project, `${agentSession}.jsonl`), agents },
      { main: join(project, 'agent-alone.jsonl'), agents: [] },
      { main: join(project, 'forked.jsonl'), agents: [] },
    ]);
    expect(await findTranscripts(join(project, 'forked.jsonl'))).toEqual([
      { main: join(project, 'forked.jsonl'), agents: [] },
    ]);
    await expect(findTranscripts(at('nowhere'))).rejects.toMatchObject({
      code: 'ORCH_JSONL_NOT_FOUND',
    });
  });
});

describe('importTranscript()', () => {
  it('keeps every line of main thread and sub-agent, once, as Claude Code wrote it', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    const [outcome] = await importAll(store, withAgent);
    expect(outcome).toMatchObject({ kind: 'imported', id: agentSession });
    const { records, faults, foreign } = await readSession(at(`${agentSession}.jsonl`));
    const source = [
      ...lines(join(withAgent, `${agentSession}.jsonl`)),
      ...lines(join(withAgent, agentSession, 'subagents/agent-a0000000000000001.jsonl')),
    ];
    expect(records.flatMap(({ raw }) => (raw === undefined ? [] : [raw]))).toEqual(source);
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
    expect([faults, foreign]).toEqual([[], []]);
    const kinds = new Set(records.map(({ kind }) => kind));
    for (const kind of [
      'import',
      'message.user',
      'text',
      'tool.called',
      'tool.returned',
      'usage',
      'notice',
      'import.done',
    ])
      expect(kinds).toContain(kind);
    expect(
      records.find(({ kind, data }) => kind === 'text' && (data as { agent?: string }).agent),
    ).toMatchObject({
      data: {
        text: 'sub answer',
        agent: 'a0000000000000001',
        parent: 'toolu_003',
        sidechain: true,
      },
    });
    expect(await store.facts(agentSession)).toMatchObject({
      origin: 'imported',
      startedAt: expect.stringContaining('2026-01-01T07:10:') as string,
    });
  });

  it('reports no broken link in what Claude Code wrote, compactions, resumes and forks included', async () => {
    const store = openSessionStore(temporaryDirectory()('.'));
    const outcomes = [
      ...(await importAll(store, withAgent)),
      ...(await importAll(store, compacted)),
      ...(await importAll(store, forked)),
    ];
    const files = outcomes.flatMap((outcome) => outcome.files);
    expect(files.map(({ brokenLinkCount, faultCount }) => [brokenLinkCount, faultCount])).toEqual(
      files.map(() => [0, 0]),
    );
    expect(files.map(({ linked }) => linked)).toEqual([14, 5, 19, 10]);
  });

  it('counts tokens of a fork and of the conversation it was made from once', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('.'));
    await importAll(store, compacted);
    const { total: before } = await store.stats();
    await importAll(store, forked);
    // Of four messages of the fork three are copies; ids of messages are numbered in the samples.
    const ids = [compacted, forked].map(
      (path) =>
        new Set(
          lines(path).flatMap(({ message }) => {
            const { id, model } = (message ?? {}) as { id?: string; model?: string };
            return id === undefined || model === '<synthetic>' ? [] : [id];
          }),
        ),
    );
    const all = new Set(ids.flatMap((one) => [...one]));
    expect(before.inputTokens).toBe(100 * (ids[0]?.size ?? 0));
    const { total } = await store.stats();
    expect([total.inputTokens, total.outputTokens, total.messages]).toEqual([
      100 * all.size,
      20 * all.size,
      all.size,
    ]);
    // Negative control: added up session by session, the copies count twice.
    const apart = await Promise.all(
      (await store.list()).map(({ id }) => store.stats({ sessions: [id] })),
    );
    expect(apart.reduce((sum, one) => sum + one.total.inputTokens, 0)).toBeGreaterThan(
      total.inputTokens,
    );
  });

  it('recovers what stands beside glued, NUL and torn lines, and says where the damage is', async () => {
    const at = temporaryDirectory();
    const [first = '', second = '', third = '', ...more] = readFileSync(compacted, 'utf8')
      .trim()
      .split('\n');
    const glued = `${second.slice(0, 30)}${third}`;
    const damaged = [
      first,
      glued,
      `${'\0'.repeat(300)}${more[0]}`,
      ...more.slice(1),
      '{"type":"us',
    ].join('\n');
    writeFileSync(at('damaged.jsonl'), damaged);
    const store = openSessionStore(at('store'));
    const [outcome] = await importAll(store, at('damaged.jsonl'));
    expect(outcome?.files[0]).toMatchObject({
      lines: 35,
      linked: 19,
      faultCount: 3,
      brokenLinkCount: 0,
      faults: [
        { kind: 'glued', line: 2, byteStart: Buffer.byteLength(first) + 1 },
        { kind: 'nul_run', line: 3 },
        { kind: 'torn_tail' },
      ],
    });
    const notices = [];
    for await (const { kind, data } of store.records('damaged')) {
      if (kind === 'notice' && 'fault' in (data as object)) notices.push(data);
    }
    expect(notices).toHaveLength(3);
    expect((await store.stats()).total.messages).toBe(4);
  });

  it('reports damage without end in one notice for many, and none of it is left out', async () => {
    const at = temporaryDirectory();
    const line = (uuid: string): string =>
      JSON.stringify({ type: 'user', uuid, parentUuid: null, message: { content: uuid } });
    const damage = 'x\n'.repeat(5000);
    writeFileSync(at('junk.jsonl'), `${line('a')}\n${damage}${line('b')}\n${damage}`);
    const store = openSessionStore(at('store'));
    const [outcome] = await importAll(store, at('junk.jsonl'));
    expect(outcome?.files[0]).toMatchObject({ lines: 2, faultCount: 10_000 });
    expect(outcome?.files[0]?.faults).toHaveLength(100);
    interface Noted {
      readonly fault?: { readonly byteStart: number };
      readonly faults?: { readonly byteStart: number; readonly byteEnd: number; count: number };
    }
    const noted: Noted[] = [];
    for await (const { kind, data } of store.records('junk')) {
      if (kind === 'notice') noted.push(data as Noted);
    }
    const together = noted.flatMap(({ faults }) => faults ?? []);
    expect(noted.length - together.length).toBe(100);
    expect(together.length).toBeLessThan(10);
    expect(together.reduce((sum, { count }) => sum + count, 0)).toBe(9900);
    const start = line('a').length + 1;
    expect(together[0]?.byteStart).toBe(start + 200);
    expect(together.at(-1)?.byteEnd).toBeGreaterThanOrEqual(statSync(at('junk.jsonl')).size - 1);
  });

  it('reports lines that go on from nowhere, come too early, twice, or of another conversation', async () => {
    const at = temporaryDirectory();
    const line = (uuid: string, parentUuid: string | null, sessionId = 's'): string =>
      JSON.stringify({ type: 'user', uuid, parentUuid, sessionId, message: { content: uuid } });
    writeFileSync(
      at('broken.jsonl'),
      [
        line('a', null),
        line('c', 'b'),
        line('b', 'a'),
        line('d', 'lost'),
        line('b', 'a'),
        line('e', 'd', 't'),
        '',
      ].join('\n'),
    );
    const [outcome] = await importAll(openSessionStore(at('store')), at('broken.jsonl'));
    expect(outcome?.files[0]?.brokenLinks).toEqual([
      { kind: 'later_parent', line: 2, uuid: 'c', expected: 'b' },
      { kind: 'missing_parent', line: 4, uuid: 'd', expected: 'lost' },
      { kind: 'repeated', line: 5, uuid: 'b' },
      { kind: 'other_session', line: 6, uuid: 'e', expected: 't' },
    ]);
    expect(outcome?.files[0]?.lines).toBe(6);
  });

  it('goes on after a record that cannot be written, and says which', async () => {
    const at = temporaryDirectory();
    const line = (uuid: string, content: string): string =>
      `{"type":"user","uuid":"${uuid}","parentUuid":null,"message":{"content":${content}}}`;
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    writeFileSync(
      at('deep.jsonl'),
      [line('a', '"x"'), line('b', deep), line('c', '"y"'), ''].join('\n'),
    );
    writeFileSync(at('first.jsonl'), `${line('a', deep)}\n${line('b', '"x"')}\n`);
    const store = openSessionStore(at('store'));
    expect((await importAll(store, at('deep.jsonl')))[0]).toMatchObject({ kind: 'imported' });
    expect((await importAll(store, at('first.jsonl')))[0]).toMatchObject({ kind: 'imported' });
    expect((await importAll(store, at('first.jsonl')))[0]).toMatchObject({ kind: 'unchanged' });
    const { records } = await readSession(at('store/deep.jsonl'));
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
    const texts = records.map(({ data }) => (data as { text?: string }).text);
    expect(texts).toEqual(
      expect.arrayContaining(['x', 'y', expect.stringContaining('could not be kept')]),
    );
  });

  it('waits for no pipe where the note of a sub-agent should be', async () => {
    const at = temporaryDirectory();
    mkdirSync(at('a/subagents'), { recursive: true });
    writeFileSync(at('a.jsonl'), '{"type":"user","uuid":"a","parentUuid":null}\n');
    writeFileSync(at('a/subagents/agent-1.jsonl'), '{"type":"user","uuid":"b"}\n');
    execFileSync('mkfifo', [at('a/subagents/agent-1.meta.json')]);
    const [outcome] = await importAll(openSessionStore(at('store')), at('a.jsonl'));
    expect(outcome?.files.map(({ agent }) => agent)).toEqual([undefined, '1']);
  });

  it('keeps JSON that is no line of a transcript as well', async () => {
    const at = temporaryDirectory();
    const line = JSON.stringify({
      type: 'user',
      uuid: 'a',
      parentUuid: null,
      message: { content: 'x' },
    });
    writeFileSync(at('mixed.jsonl'), `${line}\n{"n":1}\n[2]\n3\n`);
    const store = openSessionStore(at('store'));
    expect((await importAll(store, at('mixed.jsonl')))[0]?.files[0]).toMatchObject({ lines: 1 });
    const raws = [];
    for await (const { raw } of store.records('mixed')) if (raw !== undefined) raws.push(raw);
    expect(raws).toEqual([JSON.parse(line), { n: 1 }, [2], 3]);
  });

  it('taken in again: nothing new changes nothing, more replaces, less and others are refused', async () => {
    const at = temporaryDirectory();
    const store = openSessionStore(at('store'));
    const source = at('grows.jsonl');
    const all = readFileSync(compacted, 'utf8').split('\n');
    writeFileSync(source, `${all.slice(0, 20).join('\n')}\n`);
    const kinds = async (): Promise<unknown> => (await importAll(store, source))[0]?.kind;
    expect(await kinds()).toBe('imported');
    expect(await kinds()).toBe('unchanged');
    appendFileSync(source, all.slice(20).join('\n'));
    expect(await kinds()).toBe('replaced');
    const whole = readFileSync(at('store/grows.jsonl'));
    truncateSync(source, statSync(source).size - 20);
    expect(await kinds()).toBe('kept');
    truncateSync(source, 9000);
    expect(await kinds()).toBe('kept');
    writeFileSync(source, readFileSync(join(withAgent, `${agentSession}.jsonl`)));
    expect(await kinds()).toBe('kept');
    expect(readFileSync(at('store/grows.jsonl')).equals(whole)).toBe(true);
    const recorded = await store.create('own');
    await recorded.close();
    copyFileSync(compacted, at('own.jsonl'));
    expect((await importAll(store, at('own.jsonl')))[0]?.kind).toBe('kept');
    expect(readdirSync(at('store/.writers'))).toEqual([]);
  });

  it('leaves nothing behind of what is no transcript', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('other.jsonl'), '{"n":1}\n{"n":2}\n');
    const store = openSessionStore(at('store'));
    await expect(importAll(store, at('other.jsonl'))).rejects.toMatchObject({
      code: 'ORCH_JSONL_TRANSCRIPT_INVALID',
    });
    expect(readdirSync(at('store'))).toEqual(['.writers']);
    expect(readdirSync(at('store/.writers'))).toEqual([]);
  });

  it('never writes to the transcript, and replaces declared secrets in what it makes of it', async () => {
    const at = temporaryDirectory();
    copyFileSync(compacted, at('source.jsonl'));
    const before = readFileSync(at('source.jsonl'));
    const store = openSessionStore(at('store'), { redact: redactValues(['answer three']) });
    await importAll(store, at('source.jsonl'));
    expect(readFileSync(at('source.jsonl')).equals(before)).toBe(true);
    expect(readFileSync(at('store/source.jsonl'), 'utf8')).not.toContain('answer three');
    expect(before.toString()).toContain('answer three');
  });

  it('tells how far it has come with a large file', async () => {
    const at = temporaryDirectory();
    mkdirSync(at('in'));
    const text = 'x'.repeat(1000);
    let previous: string | null = null;
    const out: string[] = [];
    for (let n = 0; n < 4000; n += 1) {
      out.push(
        JSON.stringify({
          type: 'user',
          uuid: `u${n}`,
          parentUuid: previous,
          message: { content: text },
        }),
      );
      previous = `u${n}`;
    }
    writeFileSync(at('in/large.jsonl'), `${out.join('\n')}\n`);
    const seen: number[] = [];
    const [files] = await findTranscripts(at('in'));
    if (!files) throw new Error('nothing was found');
    await openSessionStore(at('store')).importTranscript(files, {
      onProgress: ({ bytes, totalBytes }) => seen.push(bytes / totalBytes),
    });
    expect(seen.length).toBeGreaterThan(3);
    expect(seen).toEqual([...seen].sort((left, right) => left - right));
    expect(seen.at(-1)).toBe(1);
  });
});

describe('memory', () => {
  const compiled = useCompiledSource();

  /** Runs with a heap of 24 MB; a process that needs more ends with a signal or an error. */
  async function inLittleMemory(body: string): Promise<unknown> {
    const program = `
      import { findTranscripts, openSessionStore } from ${JSON.stringify(pathToFileURL(compiled('sessions/index.js')).href)};
      ${body}`;
    const argv = ['--max-old-space-size=24', '--input-type=module', '-e', program];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'ignore'] });
    const [code] = (await once(child, 'exit')) as [unknown];
    return code;
  }
  const first = '{"type":"user","uuid":"a","parentUuid":null}\n';
  const many: Readonly<Record<string, string>> = {
    'lines of damage': '\0\n'.repeat(400_000),
    'values that are no lines of a transcript': '1\n'.repeat(200_000),
    'the same line': first.repeat(300_000),
  };

  it.each(Object.entries(many))(
    'does not grow with hundreds of thousands of %s',
    async (_what, text) => {
      const at = temporaryDirectory();
      writeFileSync(at('long.jsonl'), first + text);
      const code = await inLittleMemory(`
      for (const files of await findTranscripts(${JSON.stringify(at('long.jsonl'))}))
        await openSessionStore(${JSON.stringify(at('store'))}).importTranscript(files);`);
      expect(code).toBe(0);
    },
  );

  it('does not grow with the damage in a session that is listed', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('long.jsonl'), many['lines of damage'] ?? '');
    const code = await inLittleMemory(`
      const [{ id }] = await openSessionStore(${JSON.stringify(at('.'))}).list();
      process.exitCode = id === 'long' ? 0 : 1;`);
    expect(code).toBe(0);
  });
});

describe('a process that is killed while it imports', () => {
  const compiled = useCompiledSource();

  it('leaves no half session, and the next import goes through and clears what it left', async () => {
    const at = temporaryDirectory();
    const line = (n: number): string =>
      JSON.stringify({ type: 'user', uuid: `u${n}`, message: { content: 'x'.repeat(4000) } });
    writeFileSync(
      at('large.jsonl'),
      Array.from({ length: 2000 }, (_, n) => `${line(n)}\n`).join(''),
    );
    const program = `
      import { openSessionStore } from ${JSON.stringify(pathToFileURL(compiled('sessions/index.js')).href)};
      const files = { main: ${JSON.stringify(at('large.jsonl'))}, agents: [] };
      await openSessionStore(${JSON.stringify(at('store'))}).importTranscript(files, {
        onProgress: () => process.kill(process.pid, 'SIGKILL'),
      });
    `;
    const argv = ['--input-type=module', '-e', program];
    const [, signal] = (await once(spawn(process.execPath, argv), 'exit')) as [unknown, string];
    expect(signal).toBe('SIGKILL');
    const store = openSessionStore(at('store'));
    // Something was written already, and is not in the store.
    expect(readdirSync(at('store/.writers')).map((name) => name.slice(-5))).toContain('.part');
    expect(await store.list()).toEqual([]);
    expect((await importAll(store, at('large.jsonl')))[0]?.kind).toBe('imported');
    expect(readdirSync(at('store/.writers'))).toEqual([]);
    expect((await store.list()).map(({ id }) => id)).toEqual(['large']);
  });
});
