import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const check = path.join(root, 'tooling', 'layers', 'check.mjs');

describe('the layers check', () => {
  let house: string;
  beforeEach(() => {
    house = mkdtempSync(path.join(tmpdir(), 'orch-house-'));
  });
  afterEach(() => rmSync(house, { recursive: true, force: true }));

  const room = (name: string, source: string, directory = 'packages') => {
    const at = path.join(house, directory, name);
    mkdirSync(path.join(at, 'src'), { recursive: true });
    mkdirSync(path.join(house, 'node_modules', '@orch'), { recursive: true });
    writeFileSync(
      path.join(at, 'package.json'),
      JSON.stringify({
        name: `@orch/${name}`,
        type: 'module',
        exports: { '.': { '@orch/source': './src/index.ts' } },
      }),
    );
    writeFileSync(path.join(at, 'src', 'index.ts'), source);
    symlinkSync(at, path.join(house, 'node_modules', '@orch', name));
  };
  const verdict = () =>
    spawnSync(process.execPath, [check, house], { encoding: 'utf8', cwd: root });

  it('lets through what the table allows', () => {
    room('process', 'export const a = 1;\n');
    room('gates', "import { a } from '@orch/process';\nexport const b = a;\n");
    expect(verdict()).toMatchObject({ status: 0, stdout: 'layers hold\n' });
  });

  it.each([
    [
      'a leaf that imports another leaf',
      'jsonl',
      "import { a } from '@orch/process';\nexport const b = a;\n",
      'layer-jsonl-src',
    ],
    [
      'a path into another package',
      'gates',
      "import { a } from '../../process/src/index.js';\nexport const b = a;\n",
      'own-face-gates',
    ],
    ['a package that is not in the table', 'surprise', 'export const b = 1;\n', 'is not in'],
    [
      'an import that leads nowhere',
      'gates',
      "import { a } from '@orch/nothing';\nexport const b = a;\n",
      'resolvable',
    ],
  ])('is red for %s', (_what, name, source, said) => {
    room('process', 'export const a = 1;\n');
    room(name, source);
    const { status, stdout } = verdict();
    expect(stdout).toContain(said);
    expect(status).toBe(1);
  });

  it('is red when the browser’s state reaches for Node', () => {
    room('coordinator', 'export const a = 1;\n');
    mkdirSync(path.join(house, 'packages', 'coordinator', 'src', 'state'));
    writeFileSync(
      path.join(house, 'packages', 'coordinator', 'src', 'state', 'index.ts'),
      "export { c } from '../deep.js';\n",
    );
    writeFileSync(
      path.join(house, 'packages', 'coordinator', 'src', 'deep.ts'),
      "import { readFileSync } from 'node:fs';\nexport const c = readFileSync;\n",
    );
    expect(verdict().stdout).toContain('no-node-in-browser');
  });
});

it('the README makes a command of a program that the build writes', () => {
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
  const [, program = 'none'] = /alias orch="node \$PWD\/(\S+)"/.exec(readme) ?? [];
  const { status, stdout } = spawnSync(process.execPath, [path.join(root, program), '--version'], {
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(stdout).toMatch(/^\d+\./);
});

describe('every package', () => {
  const packages = readdirSync(path.join(root, 'packages')).map((name) =>
    path.join(root, 'packages', name),
  );

  it.each(packages.map((directory) => [path.basename(directory), directory]))(
    '%s has a face, a README that starts with its name, and a manifest in the same shape',
    (name, directory) => {
      expect(readFileSync(path.join(directory, 'README.md'), 'utf8')).toMatch(
        new RegExp(`^# @orch/${name}\\n`),
      );
      expect(readFileSync(path.join(directory, 'src', 'index.ts'), 'utf8')).toContain('@module');
      const manifest = JSON.parse(
        readFileSync(path.join(directory, 'package.json'), 'utf8'),
      ) as Record<string, unknown>;
      expect(Object.keys(manifest).slice(0, 8)).toEqual([
        'name',
        'version',
        'description',
        'license',
        'type',
        'sideEffects',
        'engines',
        'files',
      ]);
      expect(manifest['license']).toBe('MIT');
    },
  );

  it('has no drawer: no file or folder named utils, helpers, common, shared, misc, manager, lib', () => {
    const all = ['packages', 'apps'].flatMap((group) =>
      readdirSync(path.join(root, group), { recursive: true, encoding: 'utf8' }),
    );
    const drawers = all.filter(
      (entry) =>
        !entry.includes('node_modules') &&
        /(^|[\\/])(utils?|helpers?|common|shared|misc|manager|lib)(\.\w+)?$/.test(entry),
    );
    expect(drawers).toEqual([]);
  });
});
