import fs from 'node:fs';
import { dirname } from 'node:path';
import { onTestFinished, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { createSettings, type Loaded, type Source } from '../src/index.js';
import { setScene } from './scene.js';

const schema = z.strictObject({ parallel: z.number().optional(), model: z.string().optional() });
type Value = z.infer<typeof schema>;

async function watching(sources: readonly Source[], debounceMs = 50) {
  const changes: Loaded<Value>[] = [];
  const problems: Loaded<Value>[] = [];
  const watch = await createSettings({ sources, schema, environment: {} }).watch({
    onChange: (loaded) => changes.push(loaded),
    onProblems: (loaded) => problems.push(loaded),
    debounceMs,
  });
  onTestFinished(() => watch.close());
  return { watch, changes, problems };
}
const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 300));
const until = (check: () => void): Promise<void> =>
  vi.waitFor(check, { timeout: 20_000, interval: 10 });

/** What a careful editor does. */
function replace(file: string, text: string): void {
  fs.writeFileSync(`${file}.tmp`, text);
  fs.renameSync(`${file}.tmp`, file);
}

describe('hot reload', () => {
  it('sees a write in place, an atomic rename, a second atomic rename, a removal', async () => {
    const scene = setScene();
    const file = scene.write('settings.yaml', 'parallel: 1\n');
    const { watch, changes } = await watching([{ tier: 'user', file }]);
    const steps: [() => void, number | undefined][] = [
      [() => fs.writeFileSync(file, 'parallel: 2\n'), 2],
      [() => replace(file, 'parallel: 3\n'), 3],
      [() => replace(file, 'parallel: 4\n'), 4],
      [() => fs.rmSync(file), undefined],
      [() => replace(file, 'parallel: 5\n'), 5],
    ];
    for (const [step, parallel] of steps) {
      step();
      await until(() => expect(watch.current.value?.parallel).toBe(parallel));
    }
    expect(changes).toHaveLength(steps.length);
  });

  it('a burst of changes in several files is one event', async () => {
    const scene = setScene();
    const user = scene.write('user.yaml', 'parallel: 0\n');
    const local = scene.write('deep/local.json', '{}');
    const sources = [
      { tier: 'user', file: user },
      { tier: 'local', file: local },
    ];
    const { watch, changes } = await watching(sources, 200);
    for (let round = 1; round <= 50; round += 1) {
      replace(user, `parallel: ${round}\n`);
      fs.writeFileSync(local, `{ "model": "m${round}" }`);
    }
    await until(() => expect(watch.current.value).toEqual({ parallel: 50, model: 'm50' }));
    await quiet();
    expect(changes).toHaveLength(1);
  });

  it('keeps the last good value while a file is wrong, says what is wrong, and goes on when it is repaired', async () => {
    const scene = setScene();
    const file = scene.write('settings.yaml', 'parallel: 1\n');
    const { watch, changes, problems } = await watching([{ tier: 'user', file }]);
    for (const bad of ['parallel: [\n', 'parallel: many\n', 'paralel: 2\n', '\u0000']) {
      replace(file, bad);
      const seen = problems.length;
      await until(() => expect(problems).toHaveLength(seen + 1));
      expect(problems.at(-1)?.problems).not.toEqual([]);
      expect(watch.current.value).toEqual({ parallel: 1 });
    }
    replace(file, 'parallel: 9\n');
    await until(() => expect(watch.current.value).toEqual({ parallel: 9 }));
    expect(changes).toHaveLength(1);
  });

  it('a repair that leads back to the last good value is told as problems that are gone', async () => {
    const scene = setScene();
    const file = scene.write('settings.yaml', 'parallel: 1\n');
    const { changes, problems } = await watching([{ tier: 'user', file }]);
    replace(file, 'parallel: x\n');
    await until(() => expect(problems).toHaveLength(1));
    replace(file, 'parallel: 1\n');
    await until(() => expect(problems.at(-1)?.problems).toEqual([]));
    expect(changes).toEqual([]);
  });

  it('a comment, a touch and a file beside it change nothing and say nothing', async () => {
    const scene = setScene();
    const file = scene.write('settings.yaml', 'parallel: 1\n');
    const { changes, problems } = await watching([{ tier: 'user', file }]);
    replace(file, '# why\nparallel: 1\n');
    fs.utimesSync(file, 1, 1);
    scene.write('other.yaml', 'parallel: 2\n');
    await quiet();
    expect([changes, problems]).toEqual([[], []]);
  });

  it('sees a file whose directories appear later, and again after they were replaced', async () => {
    const scene = setScene();
    const file = scene.path('a/b/c/settings.yaml');
    const { watch } = await watching([{ tier: 'user', file }]);
    scene.write('a/b/c/settings.yaml', 'parallel: 1\n');
    await until(() => expect(watch.current.value).toEqual({ parallel: 1 }));
    fs.renameSync(scene.path('a/b/c'), scene.path('old'));
    await until(() => expect(watch.current.value).toEqual({}));
    fs.mkdirSync(dirname(file));
    fs.writeFileSync(file, 'parallel: 2\n');
    await until(() => expect(watch.current.value).toEqual({ parallel: 2 }));
  });

  it('sees a drop-in come, change and go, and what a link leads to change', async () => {
    const scene = setScene();
    const target = scene.write('elsewhere/real.yaml', 'parallel: 1\n');
    const link = scene.path('home/settings.yaml');
    fs.mkdirSync(dirname(link));
    fs.symlinkSync(target, link);
    const sources = [
      { tier: 'user', file: link },
      { tier: 'managed', directory: scene.path('policy.d') },
    ];
    const { watch } = await watching(sources);
    replace(target, 'parallel: 2\n');
    await until(() => expect(watch.current.value).toEqual({ parallel: 2 }));
    const drop = scene.write('policy.d/10.json', '{ "parallel": 3 }');
    await until(() => expect(watch.current.value).toEqual({ parallel: 3 }));
    replace(drop, '{ "parallel": 4 }');
    await until(() => expect(watch.current.value).toEqual({ parallel: 4 }));
    fs.rmSync(drop);
    await until(() => expect(watch.current.value).toEqual({ parallel: 2 }));
  });

  it('says nothing after close()', async () => {
    const scene = setScene();
    const file = scene.write('settings.yaml', 'parallel: 1\n');
    const { watch, changes } = await watching([{ tier: 'user', file }]);
    replace(file, 'parallel: 2\n');
    watch.close();
    await quiet();
    expect(changes).toEqual([]);
    expect(watch.current.value).toEqual({ parallel: 1 });
  });

  it('never shows a half-written state while a file is replaced a thousand times', async () => {
    const scene = setScene();
    const text = (round: number): string =>
      `model: m${round}\n# ${'x'.repeat(20_000)}\nparallel: ${round}\n`;
    const file = scene.write('settings.yaml', text(0));
    const { watch, changes, problems } = await watching([{ tier: 'user', file }], 0);
    for (let round = 1; round <= 1000; round += 1) {
      replace(file, text(round));
      if (round % 10 === 0) await new Promise(setImmediate);
    }
    await until(() => expect(watch.current.value?.parallel).toBe(1000));
    for (const { value } of changes) expect(value?.model).toBe(`m${value?.parallel}`);
    expect(problems).toEqual([]);
  });
});
