import { defineConfig } from 'tsup';
import { preset } from '../../tooling/tsup.js';

export default defineConfig(
  preset(
    { index: 'src/index.ts', sessions: 'src/sessions/index.ts', main: 'src/main.ts' },
    { minifySyntax: true },
  ),
);
