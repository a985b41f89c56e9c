import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { isAlive, probeLevels, readRecord, type ProcessIdentity } from '../src/index.js';
import { bundle } from './bundle.js';
import { environment, temporaryDirectory, until, type Cleanup } from './witness.js';

const program = await bundle('forwarder.ts');
const levels = (await probeLevels()).all.filter(({ works }) => works).map(({ level }) => level);
const names = ['plain', 'recorded'];

/** Sends a signal to an owner once both of its processes run; what they heard, and how the owner ended. */
async function signalled(signal: NodeJS.Signals, how: string, level: string, clean: Cleanup) {
  const directory = temporaryDirectory(clean);
  const child = spawn(process.execPath, [program, directory, how, level], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  clean(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const identities = JSON.parse(String((await lines.next()).value)) as ProcessIdentity[];
  await until(
    () => names.every((name) => existsSync(join(directory, `up.${name}`))),
    'both to run',
  );
  child.kill(signal);
  const [code, endedBy] = (await exited) as [number | null, string | null];
  await until(() => !identities.some(isAlive), 'both to end');
  const heard = names.map((name) => {
    const path = join(directory, name);
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
  });
  const told: unknown = code === null ? undefined : JSON.parse(String((await lines.next()).value));
  return { code, endedBy, heard, told, record: await readRecord(join(directory, 'record')) };
}

describe.concurrent('forwarded signals', () => {
  test.for(levels)('reach everything that an owner started (%s)', async (level, context) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      const { code, heard, told, record } = await signalled(
        signal,
        'forward',
        level,
        context.onTestFinished,
      );
      expect(code).toBe(130);
      expect(heard).toEqual([signal.slice(3), signal.slice(3)]);
      expect(told).toEqual([
        ['exited', 9],
        ['exited', 9],
      ]);
      expect(record).toMatchObject({ state: 'ended', reason: 'exited', code: 9 });
    }
  });

  test.for(['not', 'stopped'])(
    'control: when they are %s, the owner ends by the signal, and nobody is asked',
    async (how, { onTestFinished }) => {
      expect(await signalled('SIGINT', how, 'process group', onTestFinished)).toMatchObject({
        endedBy: 'SIGINT',
        heard: [undefined, undefined],
        record: { state: 'lost' },
      });
    },
  );
});
