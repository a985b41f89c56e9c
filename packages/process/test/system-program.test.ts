import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { sleepOfGuard } from '../src/guard.js';
import { createHeld } from '../src/level.js';
import { throughShim } from '../src/shim.js';
import { findProgram } from '../src/system-program.js';
import { bundle } from './bundle.js';
import { environment, temporaryDirectory } from './witness.js';

const elsewhere = await bundle('elsewhere.ts');
const spec = {
  argv: ['true'],
  cwd: '/',
  env: environment,
  stdin: 'closed',
  branch: '',
} as const;
const times = { graceMs: 0, drainMs: 0 };
const record = { directory: '/nowhere', leaseMs: undefined };
const enter = ['unshare', '--pid', '--fork'] as const;

describe('a program of the system', () => {
  test('is found wherever it is, and only where it can be run', ({ onTestFinished }) => {
    const [empty, other] = [temporaryDirectory(onTestFinished), temporaryDirectory(onTestFinished)];
    const among = [empty, other];
    expect(findProgram('sleep', among)).toBeUndefined();
    mkdirSync(join(empty, 'sleep'));
    writeFileSync(join(other, 'sleep'), '#!/bin/sh\n', { mode: 0o600 });
    expect(findProgram('sleep', among)).toBeUndefined();
    chmodSync(join(other, 'sleep'), 0o700);
    expect(findProgram('sleep', among)).toBe(join(other, 'sleep'));
    symlinkSync('/bin/sh', join(empty, 'sync'));
    expect(findProgram('sync', among)).toBe(join(empty, 'sync'));
  });

  test.for<[string, string, (among: readonly string[]) => unknown]>([
    ['a record', 'sync', (among) => throughShim(spec, record, among)],
    ['record.leaseMs', 'sleep', (among) => throughShim(spec, { ...record, leaseMs: 1000 }, among)],
    ['guardMs', 'sleep', sleepOfGuard],
    [
      'a PID namespace',
      'sleep',
      (among) => createHeld({ level: 'pid namespace', enter }, 'm', among).wrap(spec, '', times),
    ],
  ])('is missed by %s before anything is started: %s', ([who, program, start]) => {
    let error: unknown;
    try {
      start(['/no/such/place']);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'ORCH_PROCESS_PLATFORM', details: { program } });
    expect(String(error)).toContain(`no program ${program} here, which ${who} needs`);
    expect(String(error)).toContain('/no/such/place');
    // The control: here they are.
    expect(() => start(['/usr/bin', '/bin'])).not.toThrow();
  });

  test.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
    'that is nowhere but in PATH serves a lease, a guard and a record',
    async ({ onTestFinished }) => {
      const directory = temporaryDirectory(onTestFinished);
      const script = ['hide() { [ ! -e "$1" ] || mount --bind /dev/null "$1"; }'];
      for (const name of ['sleep', 'sync', 'rm']) {
        copyFileSync(`/bin/${name}`, join(directory, name));
        script.push(`hide /bin/${name}`);
      }
      script.push('exec "$@"');
      const { stdout } = await promisify(execFile)(
        'unshare',
        [
          ...['--mount', 'sh', '-c', script.join('\n'), 'sh'],
          ...[process.execPath, elsewhere, join(directory, 'record')],
        ],
        { env: { PATH: `${directory}:${environment.PATH}` } },
      );
      expect(JSON.parse(stdout)).toEqual({ reason: 'exited', code: 3, record: 'ended' });
    },
  );
});
