import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import * as http from 'node:http';
import * as https from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { isJsonObject, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';

/** Addresses that no public service has: this machine, private networks, link-local with cloud metadata, and the like. */
const inner = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  inner.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  inner.addSubnet(network, bits, 'ipv6');

/** Whether an address (not a name) is one of this machine or of an inner network. IPv4 inside IPv6 counts as IPv4. */
export function isInnerAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && inner.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** The host of an address as `isIP` knows it: without the brackets of IPv6. */
const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

/** Names that mean this machine or its network, and inner addresses. What another name means, only looking it up tells. */
export function isInnerHost(url: URL): boolean {
  const host = hostOf(url).toLowerCase().replace(/\.$/, '');
  return isInnerAddress(host) || /^localhost$|\.(?:localhost|local|internal)$/.test(host);
}

export interface GetOptions {
  /** Inner addresses, and `http:`, are what the user meant. */
  readonly inner: boolean;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** Looks a name up, and gives the address that was checked: what is connected to cannot be another one. */
export const outerLookup: LookupFunction = (host, options, done) => {
  systemLookup(host, { ...options, all: true }, (error, addresses?: LookupAddress[]) => {
    const outer = addresses?.filter(({ address }) => !isInnerAddress(address)) ?? [];
    const [first] = outer;
    if (error !== null) done(error, '');
    else if (first === undefined)
      done(
        Object.assign(new Error(`${host} is an address of an inner network`), { code: 'EINNER' }),
        '',
      );
    else if (options.all === true) done(null, outer);
    else done(null, first.address, first.family);
  });
};

/**
 * Gets a JSON object. Redirects are not followed, and the answer is read no further than `maxBytes`. Rejects with
 * `ORCH_MCP_REGISTRY`, or `ORCH_MCP_CANCELLED`.
 */
export async function getJson(url: URL, options: GetOptions): Promise<JsonObject> {
  const refuse = (why: string, details: Readonly<Record<string, unknown>> = {}, cause?: unknown) =>
    new McpError('ORCH_MCP_REGISTRY', `${url.origin} ${why}`, {
      details: { url: `${url.origin}${url.pathname}`, ...details },
      cause,
    });
  if (!options.inner && isInnerHost(url))
    throw refuse('is an address of an inner network. Allow it, if it is the registry you mean.');
  if (url.protocol !== 'https:' && !(options.inner && url.protocol === 'http:'))
    throw refuse('is not asked: a registry is asked over https:.');
  const late = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? late : AbortSignal.any([late, options.signal]);
  try {
    const body = await read(url, options, signal, refuse);
    const value: unknown = JSON.parse(body);
    if (isJsonObject(value)) return value;
    throw refuse('answered something else than a JSON object. Is it a registry?');
  } catch (cause) {
    if (McpError.isInstance(cause)) throw cause;
    if (options.signal?.aborted === true)
      throw new McpError('ORCH_MCP_CANCELLED', `${url.origin}: cancelled by its caller.`, {
        cause,
      });
    if (late.aborted) throw refuse(`did not answer in ${options.timeoutMs} ms.`, {}, cause);
    if (cause instanceof SyntaxError)
      throw refuse('answered something else than JSON. Is it a registry?', {}, cause);
    const why = cause instanceof Error ? cause.message : String(cause);
    throw refuse(`could not be asked: ${why}.`, {}, cause);
  }
}

function read(
  url: URL,
  options: GetOptions,
  signal: AbortSignal,
  refuse: (why: string, details?: Readonly<Record<string, unknown>>) => McpError,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).get(
      url,
      {
        agent: false,
        headers: { accept: 'application/json', 'accept-encoding': 'identity' },
        signal,
        ...(!options.inner && { lookup: outerLookup }),
      },
      (response) => {
        const { statusCode = 0 } = response;
        if (statusCode !== 200) {
          request.destroy();
          const moved = statusCode >= 300 && statusCode < 400;
          reject(
            refuse(
              `answered with status ${statusCode}${moved ? '; redirects are not followed' : ''}.`,
              { status: statusCode },
            ),
          );
          return;
        }
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          chunks.push(chunk);
          if (bytes <= options.maxBytes) return;
          request.destroy();
          reject(refuse(`answered with more than ${options.maxBytes} bytes.`));
        });
        response.on('error', reject);
        response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
      },
    );
    request.on('error', reject);
  });
}
