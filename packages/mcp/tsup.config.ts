import { defineConfig } from 'tsup';
import { preset } from '../../tooling/tsup.js';

export default defineConfig(
  preset({
    index: 'src/index.ts',
    config: 'src/config/index.ts',
    safety: 'src/safety/index.ts',
    auth: 'src/auth/index.ts',
    'client-engine': 'src/client-engine/index.ts',
  }),
);
