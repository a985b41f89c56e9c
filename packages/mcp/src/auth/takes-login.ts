import type { ServerSpec } from '../hub/server-spec.js';
import type { HttpAuth } from '../transport/http-auth.js';

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

/** The server authorized by `auth`, if it is one that somebody can log in to; else as it is. */
export function withLogin(spec: ServerSpec, auth: HttpAuth): ServerSpec {
  return 'url' in spec && whyNoLogin(spec) === undefined ? { ...spec, auth } : spec;
}
