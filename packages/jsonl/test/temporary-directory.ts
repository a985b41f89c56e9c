import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A fresh directory for one test, removed when the test ends. Gives the path of a name in it. */
export function temporaryDirectory(): (name: string) => string {
  const directory = mkdtempSync(join(tmpdir(), 'jsonl-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return (name) => join(directory, name);
}
