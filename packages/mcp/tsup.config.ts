import { defineConfig } from 'tsup';
import { preset } from '../../tooling/tsup.js';

export default defineConfig(
  preset({
    index: 'src/index.ts',
    config: 'src/config/index.ts',
    safety: 'src/safety/index.ts',
    recording: 'src/recording/index.ts',
    registry: 'src/registry/index.ts',
    cli: 'src/cli/index.ts',
    'tool-server': 'src/tool-server/index.ts',
    main: 'src/main.ts',
    auth: 'src/auth/index.ts',
    'client-engine': 'src/client-engine/index.ts',
    gateway: 'src/gateway/index.ts',
    memory: 'src/memory/index.ts',
    'bridge-main': 'src/gateway/main.ts',
    'memory-main': 'src/memory/main.ts',
  }),
);
