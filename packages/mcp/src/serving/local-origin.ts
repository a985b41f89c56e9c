import type { IncomingHttpHeaders } from 'node:http';

const hostOf = (authority: string): string | undefined =>
  URL.canParse(`http://${authority}`) ? new URL(`http://${authority}`).hostname : undefined;

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Why a request may come from a web page that a name was rebound for, or undefined if it cannot: a browser sends the
 * name of the page as `Host` and its origin as `Origin`. `hosts`: further names, as lower-case host names.
 */
export function foreignOrigin(
  headers: IncomingHttpHeaders,
  hosts: ReadonlySet<string>,
): string | undefined {
  const isOurs = (host: string | undefined): boolean =>
    host !== undefined && (loopback.has(host) || hosts.has(host));
  const { host = '', origin } = headers;
  if (!isOurs(hostOf(host))) return 'its Host is not this server';
  if (origin === undefined) return undefined;
  const from = URL.canParse(origin) ? new URL(origin) : undefined;
  const isWeb = from?.protocol === 'http:' || from?.protocol === 'https:';
  return isWeb && isOurs(from.hostname) ? undefined : 'its Origin is another site';
}
