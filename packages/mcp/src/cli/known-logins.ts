import { join } from 'node:path';
import type { Logins } from '../auth/index.js';
import { stateDirectory } from '../safety/private-file.js';
import type { HttpAuth } from '../transport/http-auth.js';
import type { Host } from './host.js';

/** The user's logins: tokens in a file of their own (0600), outside of what a project could hold. */
export async function loginsOf(host: Host): Promise<Logins> {
  const { openLogins } = await import('../auth/index.js');
  return openLogins(join(stateDirectory(host.environment), 'mcp', 'tokens.json'));
}

/** Authorizes by what the user has logged in with, and says how to where that is wanted. */
export async function storedLogin(host: Host): Promise<HttpAuth> {
  return (await loginsOf(host)).stored(({ name }, scopes) => {
    const more = scopes.map((scope) => ` --scope ${scope}`).join('');
    return `Log in: ${host.program} login ${name}${more}`;
  });
}
