import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import typescript from 'typescript';
import { expect, it } from 'vitest';
import * as jsonl from '../src/index.js';
import * as sessions from '../src/sessions/index.js';
import { useCompiledSource } from './compile-source.js';
import { temporaryDirectory } from './temporary-directory.js';

const compiled = useCompiledSource();

it('the public face is these names and no others', () => {
  expect(Object.keys(jsonl).sort()).toEqual([
    'JsonlError',
    'chainStart',
    'follow',
    'isHarmless',
    'nodeFileSystem',
    'openIndex',
    'openWriter',
    'read',
    'readAll',
    'readBackwards',
    'readSync',
    'readTail',
    'repair',
    'verify',
    'verifyChain',
  ]);
  expect(Object.keys(sessions).sort()).toEqual([
    'createPricing',
    'createUsageLedger',
    'findTranscripts',
    'openSession',
    'openSessionStore',
    'readPriceTable',
    'readSession',
    'redactValues',
    'sessionEnd',
  ]);
});

/** The types are checked, and the packed package tried, by `npm test -- install`. */
function withoutTypes(code: string): string {
  const { ESNext: latest } = typescript.ScriptTarget;
  const options = { target: latest, module: typescript.ModuleKind.ESNext };
  return typescript.transpileModule(code, { compilerOptions: options }).outputText;
}

it('the examples in the README run and print what they say', async () => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  const examples = [...readme.matchAll(/```(js|ts)\n([^]*?)```/g)].map(([, language, code = '']) =>
    language === 'ts' ? withoutTypes(code) : code,
  );
  const address = (name: string): string =>
    JSON.stringify(pathToFileURL(compiled(name === '' ? 'index.js' : 'sessions/index.js')).href);
  let checked = 0;
  for (const example of examples) {
    const at = temporaryDirectory();
    const code = example.replace(/'@orch\/jsonl(\/sessions)?'/g, (_all, name?: string) =>
      address(name ?? ''),
    );
    writeFileSync(at('example.mjs'), code);
    const { stdout } = await promisify(execFile)(process.execPath, ['example.mjs'], {
      cwd: at('.'),
    });
    const promised = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(
      ([, text]) => text,
    );
    expect(promised.length).toBeGreaterThan(0);
    expect(stdout.trim().split('\n')).toEqual(promised);
    checked += promised.length;
  }
  expect(checked).toBeGreaterThanOrEqual(7);
});

it('an error is known by its brand, whichever copy of the package threw it', async () => {
  const copy = (await import(compiled('index.js'))) as typeof jsonl;
  const error: unknown = await copy
    .readAll('/nowhere/at/all.jsonl')
    .catch((reason: unknown) => reason);
  expect(error).not.toBeInstanceOf(jsonl.JsonlError);
  expect(jsonl.JsonlError.isInstance(error) && error.code).toBe('ORCH_JSONL_NOT_FOUND');
  expect(jsonl.JsonlError.isInstance(new Error('no'))).toBe(false);
});
