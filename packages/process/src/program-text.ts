import childProcess from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { runInThisContext } from 'node:vm';
import { createEnding } from './ending.js';
import { ProcessError } from './process-error.js';
import { createProcessTable } from './process-table.js';
import { createTreeFinder } from './tree.js';

/** Our own functions, inside another process. */
export interface Parts {
  readonly createProcessTable: typeof createProcessTable;
  readonly createTreeFinder: typeof createTreeFinder;
  readonly createEnding: typeof createEnding;
}

/** Node's modules, inside another process. */
export interface Modules {
  readonly fs: typeof import('node:fs');
  readonly childProcess: typeof import('node:child_process');
  readonly net: typeof import('node:net');
}

/**
 * What runs in a process of its own. Self-contained (no import, no outer name): only its text travels.
 * With `check` it builds everything and does nothing.
 */
export type Program = (modules: Modules, parts: Parts, check: boolean) => void;

const texts = new Map<Program, string>();

/**
 * A program for `node -e`, made of the very functions that the owner uses. It travels as text, so it works
 * from source, from `dist` and from inside any other bundle. Throws `ORCH_PROCESS_START` where a bundler
 * has broken it.
 */
export function programText(name: string, program: Program): string {
  const known = texts.get(program);
  if (known !== undefined) return known;
  // Bundlers that keep names wrap functions in a call of __name.
  const text = `((modules, check) => {
const __name = (value) => value;
(${program.toString()})(modules, {
  createProcessTable: ${createProcessTable.toString()},
  createTreeFinder: ${createTreeFinder.toString()},
  createEnding: ${createEnding.toString()},
}, check);
})`;
  try {
    const checked = runInThisContext(text) as (modules: Modules, check: boolean) => void;
    checked({ fs, childProcess, net }, true);
  } catch (cause) {
    throw new ProcessError(
      'ORCH_PROCESS_START',
      `The ${name} of this owner would not run (${String(cause)}), so nothing was started. A bundler rewrote this package; keep it external.`,
      { cause },
    );
  }
  const modules = ['fs', 'child_process', 'net'].map((module) => `require('node:${module}')`);
  const whole = `'use strict';
const [fs, childProcess, net] = [${modules.join(', ')}];
${text}({ fs, childProcess, net }, false);
`;
  texts.set(program, whole);
  return whole;
}
