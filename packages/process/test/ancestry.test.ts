import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { ancestry } from '../src/index.js';
import { bundle } from './bundle.js';

const program = await bundle('ancestry.ts');
const name = 'ORCH_TEST_ANCESTRY';

/** Runs the program by a shell that has the variable; gives which of them were seen to have it. */
function seenBy(script: string): { readonly shell: number; readonly seen: readonly number[] } {
  const { pid, stdout, stderr } = spawnSync(
    'sh',
    ['-c', script, 'sh', process.execPath, program, name],
    { env: { PATH: process.env['PATH'], [name]: 'a=b' }, encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  return { shell: pid, seen: JSON.parse(stdout) as readonly number[] };
}

test('begins with this process, as it is now, and its parent', () => {
  const [own, parent] = ancestry({ [name]: 'now' });
  expect(own).toEqual({ pid: process.pid, environment: { [name]: 'now' } });
  expect(parent?.pid).toBe(process.ppid);
});

test.each([
  ['by env', `env -u ${name} "$@"; true`],
  ['with the whole environment', 'env -i "$@"; true'],
  ['in a session of its own', `setsid --wait env -u ${name} "$@"; true`],
])('shows a variable of an ancestor that was taken away below it: %s', (_how, script) => {
  const { shell, seen } = seenBy(script);
  expect(seen).toEqual([shell]);
});

test('shows it below however many processes', () => {
  const nested = `nest() { if [ "$1" -gt 0 ]; then (nest $(($1 - 1)); true); else env -i "$program" "$file" ${name}; fi; }`;
  const { shell, seen } = seenBy(`program=$1; file=$2; ${nested}; nest 150; true`);
  expect(seen).toContain(shell);
});

test('shows what the process itself has; control: what nobody has is not seen', () => {
  expect(seenBy('"$@"; true').seen).toHaveLength(2);
  expect(seenBy(`exec env -u ${name} "$@"`).seen).toEqual([]);
});
