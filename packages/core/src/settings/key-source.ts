import { randomUUID } from 'node:crypto';
import { createKeyHelper, type KeyHelper, type Loaded } from '@orch/config';
import { createProcessOwner } from '@orch/process';
import { passedEnvironment } from '../parts/environment.js';
import type { OrchSettings } from './schema.js';

/** The key helper of the settings: a program of the user's own, surely ended. */
export function createKeySource(
  settings: Loaded<OrchSettings>,
  environment: Readonly<Record<string, string | undefined>>,
): KeyHelper {
  return createKeyHelper({
    settings,
    path: 'claude.keyHelper',
    async run(argv, signal) {
      const owner = createProcessOwner({ marker: `key-helper-${randomUUID()}` });
      try {
        const env = passedEnvironment(environment);
        const { code, stdout } = await owner.run({ argv, cwd: '/', env, signal });
        return { code, stdout: stdout.text };
      } finally {
        await owner.close();
      }
    },
  });
}
