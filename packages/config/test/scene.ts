import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface Scene {
  readonly root: string;
  path(name: string): string;
  /** Writes a file and returns its path. */
  write(name: string, content: string | Buffer): string;
}

/** A directory of its own, removed after the test. */
export function setScene(): Scene {
  const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'orch-config-')));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  const path = (name: string): string => join(root, name);
  return {
    root,
    path,
    write(name, content) {
      const file = path(name);
      fs.mkdirSync(dirname(file), { recursive: true });
      fs.writeFileSync(file, content);
      return file;
    },
  };
}
