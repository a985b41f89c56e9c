import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileTokenStore } from '../../src/auth/index.js';
import { bundle } from '../bundle.js';
import { refusal, refusals, temporaryDirectory, until, type Cleanup } from '../scene.js';

const writer = await bundle('store-writer.ts');
const holder = await bundle('lock-holder.ts');
const counter = await bundle('counter.ts');

/** A program whose output is gathered; killed after the test if it still runs. */
function run(onTestFinished: Cleanup, program: string, ...args: string[]) {
  const child: ChildProcess = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = { text: '' };
  child.stdout?.on('data', (chunk: Buffer) => (said.text += chunk.toString()));
  const ended = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  return { said, ended, kill };
}

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test('what was set is there for another, and for nobody but the owner', async ({
  onTestFinished,
}) => {
  const path = join(temporaryDirectory(onTestFinished), 'state', 'tokens.json');
  const store = fileTokenStore(path);
  expect(await store.get('a')).toBeUndefined();
  await Promise.all([store.set('a', '1'), store.set('b', '2'), fileTokenStore(path).set('c', '3')]);
  await store.set('b', undefined);
  expect(await fileTokenStore(path).get('a')).toBe('1');
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
    version: 1,
    entries: { a: '1', c: '3' },
  });
  expect([modeOf(path), modeOf(`${path}.lock`), modeOf(join(path, '..'))]).toEqual([
    0o600, 0o700, 0o700,
  ]);
  const left = readdirSync(`${path}.lock`).filter((name) => !/^[0-9a-f]{32}\.\d+$/.test(name));
  expect(left).toEqual([]);
});

describe('a file that is no store of one owner is refused and left as it is', () => {
  test.for<[string, string, number]>([
    ['others may read it', '{"version":1,"entries":{}}', 0o644],
    ['its group may write it', '{"version":1,"entries":{}}', 0o620],
    ['it is no JSON', '{"version":1,"entr', 0o600],
    ['it is of a later version', '{"version":2,"entries":{}}', 0o600],
    ['its entries are no texts', '{"version":1,"entries":{"a":1}}', 0o600],
  ])('%s', async ([, text, mode], { onTestFinished }) => {
    const path = join(temporaryDirectory(onTestFinished), 'tokens.json');
    writeFileSync(path, text);
    chmodSync(path, mode);
    const store = fileTokenStore(path);
    for (const error of await refusals([store.get('a'), store.set('a', 'b')]))
      expect(error).toMatchObject({
        code: 'ORCH_MCP_OAUTH',
        details: { reason: 'store' },
      });
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  test('it is a link', async ({ onTestFinished }) => {
    const directory = temporaryDirectory(onTestFinished);
    const target = join(directory, 'elsewhere');
    writeFileSync(target, '{"version":1,"entries":{"a":"b"}}', { mode: 0o600 });
    symlinkSync(target, join(directory, 'tokens.json'));
    const store = fileTokenStore(join(directory, 'tokens.json'));
    expect(await refusal(store.get('a'))).toMatchObject({ details: { reason: 'store' } });
  });
});

/** Kills the writer in its work again and again; the numbers that were then in the file, undefined if it was torn. */
async function killWriters(
  onTestFinished: Cleanup,
  manner: 'careful' | 'careless',
): Promise<{ found: (number | undefined)[]; begun: number[]; ended: number[] }> {
  const path = join(temporaryDirectory(onTestFinished), 'tokens.json');
  const found: (number | undefined)[] = [];
  const begun: number[] = [];
  const ended: number[] = [];
  for (let round = 0; round < 8; round += 1) {
    const { said, kill } = run(onTestFinished, writer, path, manner);
    const last = (word: string): number =>
      Number([...said.text.matchAll(new RegExp(`${word} (\\d+)`, 'g'))].at(-1)?.[1] ?? 0);
    // In the middle of a write, each time a little later in it.
    await until(() => last('end') > 1, 'the writer to write');
    const before = last('begin');
    await until(() => last('begin') > before, 'another write');
    await new Promise((resolve) => setTimeout(resolve, round % 4));
    await kill();
    begun.push(last('begin'));
    ended.push(last('end'));
    found.push(numberIn(path));
  }
  return { found, begun, ended };
}

function numberIn(path: string): number | undefined {
  try {
    const { entries } = JSON.parse(readFileSync(path, 'utf8')) as { entries: { key: string } };
    return entries.key.length === 400_000 ? Number.parseInt(entries.key, 10) : undefined;
  } catch {
    return undefined;
  }
}

test('who is killed while it writes leaves the file as it was, or as it should be', async ({
  onTestFinished,
}) => {
  const { found, begun, ended } = await killWriters(onTestFinished, 'careful');
  found.forEach((number, round) => {
    expect(number).toBeGreaterThanOrEqual(ended[round] ?? 0);
    expect(number).toBeLessThanOrEqual(begun[round] ?? 0);
  });
});

test('control: a file that is written in place is torn by that', async ({ onTestFinished }) => {
  let torn = 0;
  for (let tries = 0; torn === 0 && tries < 10; tries += 1)
    torn = (await killWriters(onTestFinished, 'careless')).found.filter(
      (number) => number === undefined,
    ).length;
  expect(torn).toBeGreaterThan(0);
});

test('a lock is given back by the death of who held it, and not before', async ({
  onTestFinished,
}) => {
  const path = join(temporaryDirectory(onTestFinished), 'tokens.json');
  const first = run(onTestFinished, holder, path, 'key');
  await until(() => first.said.text.includes('held'), 'the first to hold it');
  const second = run(onTestFinished, holder, path, 'key');
  const store = fileTokenStore(path);
  const other = store.exclusively('another key', () => Promise.resolve('at once'));
  expect(await other).toBe('at once');
  const impatient = store.exclusively('key', () => Promise.resolve(), AbortSignal.timeout(500));
  await expect(impatient).rejects.toThrow();
  expect(second.said.text).toBe('');
  await first.kill();
  await until(() => second.said.text.includes('held'), 'the second to hold it');
  await second.kill();
  expect(await store.exclusively('key', () => Promise.resolve('again'))).toBe('again');
});

test.for<['locked' | 'free', boolean]>([
  ['locked', true],
  ['free', false],
])('four processes count %s: all counted is %s', async ([manner, isRight], { onTestFinished }) => {
  const directory = temporaryDirectory(onTestFinished);
  const file = join(directory, 'number');
  writeFileSync(file, '0');
  const path = join(directory, 'tokens.json');
  const counting = Array.from({ length: 4 }, () =>
    run(onTestFinished, counter, path, 'key', file, '40', manner),
  );
  await Promise.all(counting.map(({ ended }) => ended));
  expect(Number(readFileSync(file, 'utf8')) === 160).toBe(isRight);
  expect(existsSync(path)).toBe(false);
});
