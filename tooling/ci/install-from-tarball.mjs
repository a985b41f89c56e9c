// Packs every published package, checks its shape, installs each one alone from its tarball into an
// empty folder, imports every entry there, counts what came with it where that is promised, and runs the
// examples of its README: what a stranger gets from the registry. `install-from-tarball.mjs NAME…`: only these.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkExamples } from './readme-examples.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const bin = (name) => path.join(root, 'node_modules', '.bin', name);
const run = (program, argv, cwd) =>
  execFileSync(program, argv, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, npm_config_loglevel: 'error' },
  });

/** An installation brings at most so many packages more than the engine that it is made around. */
const installs = { '@orch/mcp': { engine: '@modelcontextprotocol/sdk', more: 10 } };
const install = (folder, files) => {
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...files], folder);
};
const countIn = (folder) => {
  const lock = readFileSync(path.join(folder, 'node_modules/.package-lock.json'), 'utf8');
  return Object.keys(JSON.parse(lock).packages).length;
};
/** What came with it, in words, if that is promised. */
function countInstalled(name, folder) {
  if (installs[name] === undefined) return '';
  const { engine, more } = installs[name];
  const manifest = path.join(folder, 'node_modules', engine, 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
  const alone = `${folder}-engine`;
  install(alone, [`${engine}@${version}`]);
  const [found, least] = [countIn(folder), countIn(alone)];
  const words = `${found} packages, ${engine} ${version} alone ${least}`;
  if (found > least + more) throw new Error(`${words}: at most ${more} more are promised`);
  return `, ${words}`;
}

const packages = ['packages', 'apps']
  .flatMap((group) =>
    readdirSync(path.join(root, group)).map((name) => path.join(root, group, name)),
  )
  .map((directory) => ({
    directory,
    manifest: JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8')),
  }))
  .filter(({ manifest }) => manifest.private !== true);
const work = mkdtempSync(path.join(tmpdir(), 'orch-install-'));
const failures = [];

const tarballs = new Map();
for (const { directory, manifest } of packages) {
  const { filename } = JSON.parse(
    run(bin('pnpm'), ['pack', '--json', '--pack-destination', work], directory),
  );
  tarballs.set(manifest.name, path.resolve(work, filename));
}
const ours = (manifest, seen = new Set()) => {
  for (const name of Object.keys(manifest.dependencies ?? {}).filter((dependency) =>
    tarballs.has(dependency),
  )) {
    if (seen.has(name)) continue;
    seen.add(name);
    ours(packages.find((candidate) => candidate.manifest.name === name).manifest, seen);
  }
  return seen;
};

const wanted = process.argv.slice(2);
for (const { manifest } of packages) {
  if (wanted.length > 0 && !wanted.includes(manifest.name)) continue;
  try {
    run(bin('publint'), ['run', '--strict', tarballs.get(manifest.name)], root);
    const folder = path.join(work, manifest.name.replace('/', '-'));
    // Only what it declares: its own tarball, and those of ours that it depends on.
    install(
      folder,
      [manifest.name, ...ours(manifest)].map((name) => tarballs.get(name)),
    );
    for (const entry of Object.keys(manifest.exports ?? {}).filter(
      (key) => !key.endsWith('.json'),
    )) {
      const specifier = path.posix.join(manifest.name, entry);
      run(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `const face = await import('${specifier}'); if (Object.keys(face).length === 0) process.exit(3);`,
        ],
        folder,
      );
    }
    for (const program of Object.keys(manifest.publishConfig?.bin ?? {})) {
      run(path.join(folder, 'node_modules', '.bin', program), ['--help'], folder);
    }
    const examples = checkExamples(folder, manifest.name, root);
    const installed = countInstalled(manifest.name, folder);
    console.log(`✔ ${manifest.name}${examples === 0 ? '' : ` (${examples} examples)`}${installed}`);
  } catch (error) {
    failures.push(manifest.name);
    console.log(`✖ ${manifest.name}\n${error.message}\n${error.stdout ?? ''}${error.stderr ?? ''}`);
  }
}
rmSync(work, { recursive: true, force: true });
process.exitCode = failures.length === 0 ? 0 : 1;
