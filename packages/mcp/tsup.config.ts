import { defineConfig } from 'tsup';
import { preset } from '../../tooling/tsup.js';

export default defineConfig(
  preset({
    index: 'src/index.ts',
    recording: 'src/recording/index.ts',
    registry: 'src/registry/index.ts',
    cli: 'src/cli/index.ts',
    'tool-server': 'src/tool-server/index.ts',
    main: 'src/main.ts',
    auth: 'src/auth/index.ts',
    'client-engine': 'src/client-engine/index.ts',
  }),
);
