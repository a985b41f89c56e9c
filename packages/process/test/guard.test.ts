import { describe, expect, test } from 'vitest';
import { readdirSync, readFileSync } from 'node:fs';
import { createProcessOwner, type ProcessOwner } from '../src/index.js';
import { environment, until } from './witness.js';

function guardsOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((number) => {
      try {
        return readFileSync(`/proc/${number}/cmdline`, 'utf8').includes(`orch-guard ${pid}\0`);
      } catch {
        return false;
      }
    });
}

let count = 0;
const createOwner = (): ProcessOwner =>
  createProcessOwner({ marker: `guard-${process.pid}.${(count += 1)}` });
const cat = { argv: ['cat'], cwd: '/', env: environment, stdin: 'pipe', guardMs: 0 } as const;

describe('a guarded process', () => {
  test('is written to, closed and read as any other, and its guard leaves with it', async () => {
    const owner = createOwner();
    const lines: string[] = [];
    const started = await owner.start({ ...cat, onStdoutLine: (line) => void lines.push(line) });
    expect(guardsOf(started.identity.pid)).toHaveLength(1);
    expect(await started.write('hello\n')).toBe(true);
    started.closeStdin();
    expect(await started.ended).toMatchObject({ reason: 'exited', code: 0, survivors: [] });
    expect(lines).toEqual(['hello']);
    expect(guardsOf(started.identity.pid)).toEqual([]);
    expect(await owner.close()).toEqual([]);
  });

  test('can be ended, and so can one that ended before its guard stood', async () => {
    const owner = createOwner();
    const started = await owner.start(cat);
    expect(await started.end()).toMatchObject({ reason: 'cancelled', signal: 'SIGTERM' });
    expect(guardsOf(started.identity.pid)).toEqual([]);
    const quick = await owner.start({ ...cat, argv: ['true'] });
    expect(await quick.ended).toMatchObject({ reason: 'exited', code: 0 });
    expect(guardsOf(quick.identity.pid)).toEqual([]);
    expect(await owner.close()).toEqual([]);
  });

  test('goes on when its guard is killed', async () => {
    const owner = createOwner();
    const started = await owner.start(cat);
    const [guard = 0] = guardsOf(started.identity.pid);
    process.kill(guard, 'SIGKILL');
    await until(() => guardsOf(started.identity.pid).length === 0, 'the guard to be gone');
    expect(await started.write('hello\n')).toBe(true);
    started.closeStdin();
    const ended = await started.ended;
    expect([ended.reason, ended.stdout.text]).toEqual(['exited', 'hello\n']);
    expect(await owner.close()).toEqual([]);
  });

  test.for([
    ['stopped', (guard: number): void => void process.kill(guard, 'SIGSTOP')],
    [
      'stopped again whenever it goes on',
      (guard: number): void => {
        const stopping: NodeJS.Timeout = setInterval(() => {
          try {
            process.kill(guard, 'SIGSTOP');
          } catch {
            clearInterval(stopping); // it is gone
          }
        }, 1);
      },
    ],
  ] as const)('ends when its guard is %s, and so does its owner', async ([, stop]) => {
    const owner = createOwner();
    const started = await owner.start(cat);
    const [guard = 0] = guardsOf(started.identity.pid);
    stop(guard);
    const ended = await Promise.race([
      started.end(),
      new Promise((resolve) => setTimeout(resolve, 10_000, 'waited in vain')),
    ]);
    const isGone = guardsOf(started.identity.pid).length === 0;
    if (!isGone) process.kill(guard, 'SIGKILL');
    expect(ended).toMatchObject({ reason: 'cancelled', survivors: [] });
    expect(isGone).toBe(true);
    expect(await owner.close()).toEqual([]);
  });
});
