import type { Options } from 'tsup';

/** How every package is built: ESM only, one declaration file per entry, `node:` imports kept as written. */
export function preset(entry: Record<string, string>, more: Options = {}): Options {
  return {
    entry,
    format: ['esm'],
    target: 'node20',
    platform: 'node',
    dts: true,
    sourcemap: true,
    clean: true,
    treeshake: true,
    removeNodeProtocol: false,
    ...more,
  };
}
