import { defineConfig } from 'tsup';
import { preset } from '../../tooling/tsup.js';

export default defineConfig(
  preset(
    { index: 'src/index.ts', sessions: 'src/sessions/index.ts', main: 'src/main.ts' },
    // Puts constants where they are used: a bundler makes variables of them, which hot loops would look up.
    { minifySyntax: true },
  ),
);
