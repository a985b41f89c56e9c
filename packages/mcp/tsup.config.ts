import { defineConfig } from 'tsup';
import { preset } from '../../tooling/tsup.js';

export default defineConfig(
  preset({ index: 'src/index.ts', 'client-engine': 'src/client-engine/index.ts' }),
);
