import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { subjectLimit } from '../../src/matcher/matcher.js';
import { findSlowPart } from '../../src/matcher/slow-part.js';
import { pattern } from './arbitrary-hooks.js';

const program = `
const { parentPort } = require('node:worker_threads');
parentPort.on('message', ({ source, subjects }) => {
  const pattern = new RegExp(source);
  let longest = 0;
  for (const subject of subjects) {
    const startedAt = performance.now();
    pattern.test(subject);
    longest = Math.max(longest, performance.now() - startedAt);
  }
  parentPort.postMessage(longest);
});`;

/** Texts of the longest length that a matcher is given, of the kind that makes expressions go back. */
const subjects = ['a', 'b', '_', 'ab', 'aab', 'mcp__', 'mcp__a', '1', '.'].flatMap((piece) => {
  const long = piece.repeat(subjectLimit).slice(0, subjectLimit - 1);
  return [`${long}!`, `${long}b`, long];
});

/** Longest time of one match in milliseconds; Infinity if it had to be stopped after `patienceMs`. */
export async function longestMatchMs(source: string, patienceMs = 3000): Promise<number> {
  const worker = new Worker(program, { eval: true });
  try {
    return await new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => resolve(Infinity), patienceMs);
      worker.once('message', (ms: number) => {
        clearTimeout(timer);
        resolve(ms);
      });
      worker.once('error', reject);
      worker.postMessage({ source, subjects });
    });
  } finally {
    await worker.terminate();
  }
}

/**
 * Looks for expressions that are let through and then take too long. Resolves with those that it found.
 * `judge`: what lets them through; one that says yes to all is the negative control.
 */
export async function findLetThrough(options: {
  readonly patterns: number;
  readonly seed: number;
  readonly judge?: (source: string) => Promise<boolean>;
  /** Of many tries the shortest: a busy machine is slow once, a slow expression always. */
  readonly limitMs: number;
}): Promise<readonly string[]> {
  const {
    patterns,
    seed,
    limitMs,
    judge = async (source: string) => (await findSlowPart(source)) === null,
  } = options;
  const found: string[] = [];
  const sources: readonly string[] = fc.sample(pattern, { numRuns: patterns, seed });
  for (const source of sources) {
    try {
      new RegExp(source);
    } catch {
      continue;
    }
    if (!(await judge(source))) continue;
    let least = Infinity;
    for (let tries = 0; tries < 3 && least > limitMs; tries += 1)
      least = Math.min(least, await longestMatchMs(source));
    if (least > limitMs) found.push(source);
  }
  return found;
}
