// `pnpm prove [room…]`: the promises at full length (packages/X/prove/*.prove.ts, test/prove/*.prove.ts as `e2e`),
// one line each at the end.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const wanted = process.argv.slice(2);
const placeOf = (name) => (name === 'e2e' ? 'test' : `packages/${name}`);
const rooms = [...readdirSync(path.join(root, 'packages')), 'e2e'].filter((name) =>
  existsSync(path.join(root, placeOf(name), 'prove')),
);
const unknown = wanted.filter((name) => !rooms.includes(name));
if (unknown.length > 0) {
  console.error(`No proofs for ${unknown.join(', ')}. There are: ${rooms.join(', ')}`);
  process.exit(2);
}

const scratch = mkdtempSync(path.join(tmpdir(), 'orch-prove-'));
const promises = [];
let broken = 0;
for (const name of wanted.length > 0 ? wanted : rooms) {
  const report = path.join(scratch, `${name}.json`);
  const argv = ['run', '--config', 'tooling/prove/vitest.config.ts', `${placeOf(name)}/prove/`];
  const { status } = spawnSync(
    path.join(root, 'node_modules', '.bin', 'vitest'),
    [...argv, '--reporter=verbose', '--reporter=json', `--outputFile.json=${report}`],
    { cwd: root, stdio: 'inherit' },
  );
  const found = readPromises(name, report);
  if (status !== 0 && found.every(({ held }) => held)) broken += 1;
  promises.push(...found);
  const results = path.join(root, placeOf(name), 'prove', 'results.json');
  writeFileSync(results, `${JSON.stringify(found, undefined, 2)}\n`);
}
rmSync(scratch, { recursive: true, force: true });

console.log('');
for (const { suite, promise, held, seconds } of promises) {
  console.log(`${held ? 'held  ' : 'MISSED'} ${suite} · ${promise} · ${seconds.toFixed(1)} s`);
}
if (broken > 0) console.log(`${broken} rooms failed outside of their proofs`);
process.exitCode = broken > 0 || promises.some(({ held }) => !held) ? 1 : 0;

function readPromises(suite, report) {
  let results;
  try {
    results = JSON.parse(readFileSync(report, 'utf8')).testResults;
  } catch {
    return [];
  }
  return results.flatMap(({ assertionResults }) =>
    assertionResults.map(({ fullName, status, duration }) => ({
      suite,
      promise: fullName,
      held: status === 'passed',
      seconds: (duration ?? 0) / 1000,
    })),
  );
}
