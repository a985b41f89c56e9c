import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { identify, isAlive } from '../src/index.js';
import { bundle } from './bundle.js';
import { environment } from './witness.js';

const program = await bundle('leftovers.ts');
const nobody = 65534;

test.skipIf(process.getuid?.() !== 0)(
  'what may not be ended is reported by name; control: with the right to end it, it is gone',
  async ({ onTestFinished }) => {
    chmodSync(dirname(program), 0o755);
    // Node may stand where only its owner reaches it.
    const node = join(dirname(program), 'node');
    copyFileSync(process.execPath, node);
    const victim = spawn('sleep', ['1000'], { stdio: 'ignore' });
    onTestFinished(() => void victim.kill('SIGKILL'));
    await once(victim, 'spawn');
    const identity = identify(victim.pid ?? 0);
    if (identity === undefined) throw new Error('The victim did not start.');
    const endAs = async (user: { uid?: number }) => {
      const options = JSON.stringify({ marker: 'nobody', identities: [identity], graceMs: 100 });
      const run = promisify(execFile)(node, [program, options], {
        env: environment,
        cwd: '/',
        ...user,
      });
      return JSON.parse((await run).stdout) as unknown;
    };
    expect(await endAs({ uid: nobody })).toEqual({
      ended: 0,
      survivors: [{ ...identity, name: 'sleep', state: 'S' }],
    });
    expect(isAlive(identity)).toBe(true);
    expect(await endAs({})).toEqual({ ended: 1, survivors: [] });
    expect(isAlive(identity)).toBe(false);
  },
);
