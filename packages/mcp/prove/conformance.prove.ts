import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('../conformance/run.mjs', import.meta.url));

test.for(['sdk-0.1', 'sdk-0.2', 'client-0.2', 'client-2026-07-28'])(
  'the whole suite of %s, with no failure that is not expected',
  (run) => {
    const { status } = spawnSync(process.execPath, [program, run], { stdio: 'inherit' });
    expect(status).toBe(0);
  },
);

/** Of the default engine, the first scenario passes, and the second does not. */
const scenarios = 'tools_call|request-metadata';
const reason = 'for a reason';

test.for([
  {
    what: 'holds when what is on the list fails, and nothing else',
    expected: { 'request-metadata': reason },
    status: 0,
    says: '2 passed, 0 failed',
  },
  {
    what: 'does not hold when a scenario fails that is not on the list',
    expected: {},
    status: 1,
    says: '1 passed, 1 failed',
  },
  {
    what: 'does not hold when a scenario on the list passes',
    expected: { tools_call: reason, 'request-metadata': reason },
    status: 1,
    says: 'take it off',
  },
])('a run $what', ({ expected, status, says }) => {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-expected-'));
  const file = join(directory, 'expected.json');
  writeFileSync(file, JSON.stringify({ 'sdk-0.2': expected }));
  const argv = [program, 'sdk-0.2', '--only', scenarios, '--expected', file];
  const run = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  rmSync(directory, { recursive: true });
  expect(run.stdout).toContain(says);
  expect(run.status).toBe(status);
});
