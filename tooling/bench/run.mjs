// `pnpm bench [package…] [--filter text]`: every bench/*.bench.ts of a package or an app against what was built,
// one process a file. Rows go to its bench/results.json; the last lines are the targets.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'tsup';

const root = path.resolve(import.meta.dirname, '../..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { filter: { type: 'string', default: '' } },
});
const directories = new Map(
  ['packages', 'apps'].flatMap((folder) =>
    readdirSync(path.join(root, folder)).map((name) => [name, path.join(root, folder, name)]),
  ),
);
const packages = [...directories.keys()].filter((name) =>
  existsSync(path.join(directories.get(name), 'bench')),
);
const unknown = positionals.filter((name) => !packages.includes(name));
if (unknown.length > 0) {
  console.error(`No benches for ${unknown.join(', ')}. There are: ${packages.join(', ')}`);
  process.exit(2);
}

const all = [];
let broken = 0;
for (const name of packages.filter(
  (one) => positionals.length === 0 || positionals.includes(one),
)) {
  const directory = directories.get(name);
  const files = readdirSync(path.join(directory, 'bench'))
    .filter((file) => file.endsWith('.bench.ts') && file.includes(values.filter))
    .sort();
  if (files.length === 0) continue;
  buildPackage(name);
  const built = path.join(directory, 'bench', '.build');
  await build({
    config: false,
    entry: Object.fromEntries(files.map((file) => [file, path.join(directory, 'bench', file)])),
    outDir: built,
    format: ['esm'],
    target: 'node20',
    clean: true,
    silent: true,
    skipNodeModulesBundle: true,
  });

  const scratch = mkdtempSync(path.join(tmpdir(), 'orch-bench-'));
  const rowsFile = path.join(scratch, 'rows.jsonl');
  writeFileSync(rowsFile, '');
  for (const file of files) {
    console.log(`\n── ${name}: ${file} · Node ${process.versions.node}`);
    const program = path.join(built, `${file}.js`);
    const { status } = spawnSync(process.execPath, ['--expose-gc', program], {
      cwd: directory,
      stdio: 'inherit',
      env: { ...process.env, ORCH_BENCH_ROWS: rowsFile },
    });
    if (status !== 0) broken += 1;
  }
  const lines = readFileSync(rowsFile, 'utf8').split('\n').filter(Boolean);
  const rows = lines.map((line) => JSON.parse(line));
  all.push(...rows);
  // A filtered run is a look, not the record.
  if (values.filter === '') {
    const results = path.join(directory, 'bench', 'results.json');
    writeFileSync(results, `${JSON.stringify(rows, undefined, 2)}\n`);
  }
  rmSync(scratch, { recursive: true });
}

console.log('');
for (const { suite, case: name, ratio, target, peer, limit, held, better } of all) {
  if (!target) continue;
  const sign = better === 'higher' ? '>=' : '<=';
  console.log(
    `${held ? 'held  ' : 'MISSED'} ${suite} · ${name} · ${ratio.toFixed(2)} ${sign} ${target.ratio} of ${(peer ?? limit).name}`,
  );
}
if (broken > 0) console.log(`${broken} bench files failed to run`);
process.exitCode = broken > 0 || all.some((row) => row.held === false) ? 1 : 0;

function buildPackage(name) {
  const bin = path.join(root, 'node_modules', '.bin');
  const argv = ['run', 'build', `--filter=@orch/${name}`, '--output-logs=errors-only'];
  const { status } = spawnSync(path.join(bin, 'turbo'), argv, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    // turbo looks for its package manager on the path, also when this program was not started by one.
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, TURBO_TELEMETRY_DISABLED: '1' },
  });
  if (status !== 0) process.exit(1);
}
