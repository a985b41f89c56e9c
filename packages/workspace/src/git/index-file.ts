import { copyFileSync, statSync, utimesSync } from 'node:fs';

/** Copies an index so that files that changed right after it was written are not taken for unchanged. */
export function copyIndex(from: string, to: string): void {
  copyFileSync(from, to);
  const earlier = statSync(from).mtimeMs / 1000 - 0.01;
  utimesSync(to, earlier, earlier);
}
