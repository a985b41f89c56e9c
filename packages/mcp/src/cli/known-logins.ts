import { join } from 'node:path';
import type { Logins } from '../auth/index.js';
import type { ServerSpec } from '../hub/server-spec.js';
import { stateDirectory } from '../safety/private-file.js';
import type { HttpAuth } from '../transport/http-auth.js';
import type { Host } from './host.js';

/** The user's logins: tokens in a file of their own (0600), outside of what a project could hold. */
export async function loginsOf(host: Host): Promise<Logins> {
  const { openLogins } = await import('../auth/index.js');
  return openLogins(join(stateDirectory(host.environment), 'mcp', 'tokens.json'));
}

/** Why nobody can log in to a server; undefined if somebody can. */
export function whyNoLogin(spec: ServerSpec): string | undefined {
  if (!('url' in spec)) return 'is a program, which has no login here';
  const headers = Object.keys(spec.headers ?? {});
  if (headers.some((name) => name.toLowerCase() === 'authorization'))
    return 'is given headers.authorization; take that out of its definition first';
  return spec.headersHelper === undefined
    ? undefined
    : 'is given its headers by headersHelper; take that out of its definition first';
}

/** Authorizes by what the user has logged in with, and says how to where that is wanted. */
export async function storedLogin(host: Host): Promise<HttpAuth> {
  return (await loginsOf(host)).stored(({ name }, scopes) => {
    const more = scopes.map((scope) => ` --scope ${scope}`).join('');
    return `Log in: ${host.program} login ${name}${more}`;
  });
}
