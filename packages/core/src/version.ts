import { createRequire } from 'node:module';

/** Version of this package, recorded with every run. */
export const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
