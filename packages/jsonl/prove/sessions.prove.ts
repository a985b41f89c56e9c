import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  createWriteStream,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSessionStore } from '../src/sessions/index.js';
import { useCompiledSource } from '../test/compile-source.js';

const compiled = useCompiledSource();
const megabyte = 1e6;
let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'jsonl-prove-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A conversation, about 2,900 bytes a line; every second line is a message of the model. */
async function writeTranscript(name: string, lines: number): Promise<string> {
  const path = join(directory, `${name}.jsonl`);
  const file = createWriteStream(path);
  for (let n = 0; n < lines; n += 1) {
    const text = 'words '.repeat(440);
    const usage = { input_tokens: 100, output_tokens: 20 };
    const line = {
      type: n % 2 === 0 ? 'user' : 'assistant',
      uuid: `line-${n}`,
      parentUuid: n === 0 ? null : `line-${n - 1}`,
      sessionId: name,
      timestamp: new Date(Date.UTC(2026, 9, 1) + n * 1000).toISOString(),
      message:
        n % 2 === 0
          ? { role: 'user', content: text }
          : { id: `m${n}`, model: 'claude-opus-5-5', content: [{ type: 'text', text }], usage },
    };
    if (!file.write(`${JSON.stringify(line)}\n`)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
  return path;
}

/** Runs a program with `store` and `files` in a process of its own, killed after a while if asked for. */
async function run(
  body: string,
  places: { readonly store: string; readonly transcript: string },
  killAfterMs?: number,
): Promise<{ readonly printed: string; readonly killed: boolean }> {
  const program = `
    import { openSessionStore } from ${JSON.stringify(pathToFileURL(compiled('sessions/index.js')).href)};
    const store = openSessionStore(${JSON.stringify(places.store)});
    const files = { main: ${JSON.stringify(places.transcript)}, agents: [] };
    ${body}
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const timer =
    killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  let printed = '';
  child.stdout.on('data', (text) => (printed += String(text)));
  const [, signal] = (await once(child, 'close')) as [unknown, string | null];
  clearTimeout(timer);
  return { printed, killed: signal === 'SIGKILL' };
}

const peak = 'console.log(process.resourceUsage().maxRSS * 1024);';

it('a transcript of 100 MB is imported, counted, searched and exported in 200 MB of memory', async () => {
  const lines = 35_000;
  const transcript = await writeTranscript('large', lines);
  const places = { store: join(directory, 'memory'), transcript };
  const works = [
    'await store.importTranscript(files);',
    'await store.stats();',
    'for await (const hit of store.search("nothing of the kind")) console.error(hit);',
    'for await (const piece of store.exportMarkdown("large")) if (piece === "x") console.error(piece);',
    'await store.list();',
  ];
  for (const work of works) {
    const bytes = Number((await run(`${work} ${peak}`, places)).printed);
    console.log(`${Math.round(bytes / megabyte)} MB: ${work}`);
    expect([work, bytes > 0 && bytes / megabyte < 200]).toEqual([work, true]);
  }
  const { total } = await openSessionStore(places.store).stats();
  expect([total.messages, total.inputTokens]).toEqual([lines / 2, (lines / 2) * 100]);
  // Negative control: the same file read whole needs more.
  const whole = `const { readFileSync } = await import('node:fs');
    const all = readFileSync(files.main, 'utf8').split('\\n').filter(Boolean).map((line) => JSON.parse(line));
    if (all.length !== ${lines}) throw new Error(String(all.length));`;
  expect(Number((await run(`${whole} ${peak}`, places)).printed) / megabyte).toBeGreaterThan(200);
});

it('of 100 imports that are killed at random moments, each leaves a whole session or none', async () => {
  const transcript = await writeTranscript('killed', 5000);
  const body = 'await store.importTranscript(files);';
  const began = performance.now();
  const reference = join(directory, 'reference');
  await run(body, { store: reference, transcript });
  const takesMs = performance.now() - began;
  // The record of the import itself has its time, so it is not compared.
  const contentOf = (store: string): string =>
    readFileSync(join(store, 'killed.jsonl'), 'utf8').split('\n').slice(1).join('\n');
  const random = createRandom(1);
  const counts = { whole: 0, none: 0, drafts: 0 };
  for (let kill = 0; kill < 100; kill += 1) {
    const store = join(directory, `kill-${kill}`);
    const { killed } = await run(body, { store, transcript }, random() * takesMs * 1.2);
    const names = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path) : []);
    if (names(join(store, '.writers')).some((name) => name.endsWith('.part'))) counts.drafts += 1;
    if (names(store).includes('killed.jsonl')) {
      counts.whole += 1;
      expect(contentOf(store)).toBe(contentOf(reference));
    } else {
      counts.none += 1;
      expect(killed).toBe(true);
    }
    // Whatever was left, the next import goes through.
    const files = { main: transcript, agents: [] };
    const outcome = await openSessionStore(store).importTranscript(files);
    expect(['imported', 'unchanged']).toContain(outcome.kind);
    expect(contentOf(store)).toBe(contentOf(reference));
    rmSync(store, { recursive: true, force: true });
  }
  console.log(JSON.stringify(counts));
  // The control: many were killed while they wrote, and what they had written is not in the store.
  expect(counts.drafts).toBeGreaterThan(10);
});

/** Random numbers in [0, 1) that are the same for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}
