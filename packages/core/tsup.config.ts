import { defineConfig } from 'tsup';
import { preset } from '../../tooling/tsup.js';

export default defineConfig(
  preset({
    index: 'src/index.ts',
    plan: 'src/plan/index.ts',
    status: 'src/status/index.ts',
    settings: 'src/settings/index.ts',
    sessions: 'src/sessions/index.ts',
    doctor: 'src/doctor/index.ts',
    hooks: 'src/hooks/index.ts',
    approvals: 'src/approvals/index.ts',
    mcp: 'src/mcp/index.ts',
    'mcp-server': 'src/mcp-server/index.ts',
    hook: 'src/hook/index.ts',
    'hook-decide': 'src/hook/decide.ts',
  }),
);
