import * as http from 'node:http';
import * as https from 'node:https';
import { excerpt } from '../json.js';
import { McpError } from '../mcp-error.js';
import { isLocalName, literalHost, zoneOf, type Zone } from '../network/address-zone.js';
import { checkedLookup } from '../network/checked-lookup.js';
import { headOf, readBody } from '../transport/http-answer.js';
import { oauthError } from './oauth-error.js';

export interface GuardOptions {
  /** Where the server itself is, as far as it was reached: others may be there too. */
  readonly serverZone: Zone;
  /** Hosts (`name` or `name:port`) that may be in any zone but `never`. */
  readonly trustedHosts: readonly string[];
}

export interface GuardedRequest {
  /** What is asked for, for messages. */
  readonly what: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

export interface GuardedAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

const longestMs = 15_000;
const maxBytes = 512 * 1024;
const redirectsMost = 3;

/**
 * Requests to addresses that a server told us of. Each is checked before it is asked: `https:` (plain only on
 * loopback), and in no network that the server itself is not in. The address that was checked is the one that is
 * connected to, so a name cannot mean another a moment later. Redirects are checked like the first address.
 */
export class Guard {
  readonly #options: GuardOptions;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** What can be said of an address before its name is resolved. Throws `insecure` or `address`. */
  check(address: string, what: string): URL {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol))
      throw oauthError('insecure', `${what} is no https: address: ${excerpt(address)}`);
    if (url.username !== '' || url.password !== '')
      throw oauthError(
        'metadata',
        `${what} has a name and password in its address, which it must not.`,
      );
    const literal = literalHost(url);
    const zone = isLocalName(url)
      ? 'loopback'
      : literal === undefined
        ? undefined
        : zoneOf(literal);
    if (url.protocol === 'http:' && zone !== 'loopback')
      throw oauthError(
        'insecure',
        `${what} is at ${excerpt(url.origin)}, without TLS, so it was not asked: only https: is, but for loopback. Its authorization server is set up wrongly, or somebody is in between.`,
      );
    if (zone !== undefined) this.#require(zone, url, what);
    return url;
  }

  async request(address: string, request: GuardedRequest): Promise<GuardedAnswer> {
    const { what } = request;
    let url = this.check(address, what);
    for (let redirects = 0; ; redirects += 1) {
      const answer = await this.#once(url, request);
      if (answer.status < 300 || answer.status > 399) return answer;
      const { location } = answer.headers;
      // What is posted is meant for one address only.
      if (request.method === 'POST' || location === undefined || redirects === redirectsMost)
        throw oauthError(
          'unreachable',
          `${what} answered ${answer.status} and points to ${excerpt(location ?? 'nowhere')}, which was not followed.`,
        );
      const next = URL.canParse(location, url.href) ? new URL(location, url).href : location;
      url = this.check(next, `What ${what} points to`);
    }
  }

  #require(zone: Zone, url: URL, what: string): void {
    const { serverZone, trustedHosts } = this.#options;
    if (zone === 'public') return;
    const trusted = trustedHosts.includes(url.hostname) || trustedHosts.includes(url.host);
    if (zone !== 'never' && (zone === serverZone || trusted)) return;
    throw oauthError(
      'address',
      `${what} is at ${excerpt(url.host)}, an address that is ${zone === 'never' ? 'never asked' : `${zone}, where the server itself is not`}, so nothing was sent there.${zone === 'never' ? '' : ' If that is right, put the host in trustedHosts.'}`,
      { details: { zone } },
    );
  }

  #checkResolved(address: string, url: URL, what: string): void {
    const zone = zoneOf(address);
    if (url.protocol === 'http:' && zone !== 'loopback')
      throw oauthError(
        'insecure',
        `${what} is at ${excerpt(url.host)}, without TLS and not on loopback.`,
      );
    this.#require(zone, url, what);
  }

  async #once(url: URL, request: GuardedRequest): Promise<GuardedAnswer> {
    const { what, method = 'GET', body, signal } = request;
    const cancel = new AbortController();
    const timer = setTimeout(() => cancel.abort(), longestMs);
    const stop = (): void => cancel.abort();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      if (signal?.aborted === true) stop();
      const { request: open } = url.protocol === 'https:' ? https : http;
      const sent = open(url, {
        method,
        agent: false,
        signal: cancel.signal,
        lookup: checkedLookup((address) => this.#checkResolved(address, url, what)),
        headers: {
          accept: 'application/json',
          ...request.headers,
          ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
        },
      });
      sent.end(body);
      const response = await headOf(sent);
      const text = await readBody(response, maxBytes);
      if (text === undefined)
        throw oauthError('unreachable', `${what} answered more than ${maxBytes} bytes.`);
      return { status: response.statusCode ?? 0, headers: response.headers, body: text };
    } catch (cause) {
      if (McpError.isInstance(cause)) throw cause;
      if (signal?.aborted === true)
        throw new McpError('ORCH_MCP_CANCELLED', `Asking ${what} was given up.`, { cause });
      const why = cancel.signal.aborted
        ? `no whole answer in ${longestMs} ms`
        : excerpt(cause instanceof Error ? cause.message : String(cause));
      throw oauthError(
        'unreachable',
        `${what} at ${excerpt(url.host)} could not be asked: ${why}`,
        {
          cause,
        },
      );
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  }
}
