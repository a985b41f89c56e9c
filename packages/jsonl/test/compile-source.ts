import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll } from 'vitest';

const source = join(import.meta.dirname, '../src');

/** Translates the sources one by one, types removed, so that plain `node` can import them. */
function compileSource(directory: string): void {
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const path = join(entry.parentPath, entry.name);
    const target = join(directory, relative(source, path).replace(/\.ts$/, '.js'));
    const { outputText } = ts.transpileModule(readFileSync(path, 'utf8'), {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        verbatimModuleSyntax: true,
      },
    });
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
}

/**
 * For the programs in `testdata`, which run in processes of their own: where this package is, once
 * compiled. Optional packages are found there only `withPeers`.
 */
export function useCompiledSource(
  options: { readonly withPeers?: boolean } = {},
): (entry: 'index.js' | 'main.js' | 'sessions/index.js') => string {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'jsonl-compiled-'));
    compileSource(directory);
    if (options.withPeers !== true) return;
    symlinkSync(join(import.meta.dirname, '../node_modules'), join(directory, 'node_modules'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return (entry) => join(directory, entry);
}
