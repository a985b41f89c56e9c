import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
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

it('the example in the README runs and prints what it says', async () => {
  const at = temporaryDirectory();
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  const [, example = ''] = /```js\n([^]*?)```/.exec(readme) ?? [];
  const address = pathToFileURL(compiled('index.js')).href;
  writeFileSync(at('example.mjs'), example.replace("'@orch/jsonl'", JSON.stringify(address)));
  const { stdout } = await promisify(execFile)(process.execPath, ['example.mjs'], { cwd: at('.') });
  const promised = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, text]) => text);
  expect(promised).toHaveLength(3);
  expect(stdout.trim().split('\n')).toEqual(promised);
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
