import * as http from 'node:http';
import * as https from 'node:https';
import { isJsonObject, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { isLocalName, literalHost, zoneOf } from '../network/address-zone.js';
import { checkedLookup } from '../network/checked-lookup.js';
import { headOf, readBody } from '../transport/http-answer.js';

/** Names that mean this machine or its network, and inner addresses. What another name means, only looking it up tells. */
export function isInnerHost(url: URL): boolean {
  const address = literalHost(url);
  if (address !== undefined) return zoneOf(address) !== 'public';
  const name = url.hostname.replace(/\.$/, '');
  return isLocalName(url) || /\.(?:local|internal)$/.test(name);
}

export interface GetOptions {
  /** Inner addresses, and `http:`, are what the user meant. */
  readonly inner: boolean;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** Gives addresses of no inner network: whoever asks for `localhost` is refused with the code `EINNER`. */
export const outerLookup = checkedLookup((address) => {
  if (zoneOf(address) !== 'public')
    throw Object.assign(new Error(`${address} is an address of an inner network`), {
      code: 'EINNER',
    });
});

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

async function read(
  url: URL,
  options: GetOptions,
  signal: AbortSignal,
  refuse: (why: string, details?: Readonly<Record<string, unknown>>) => McpError,
): Promise<string> {
  const { get } = url.protocol === 'https:' ? https : http;
  const headers = { accept: 'application/json', 'accept-encoding': 'identity' };
  const lookup = options.inner ? {} : { lookup: outerLookup };
  const response = await headOf(get(url, { agent: false, headers, signal, ...lookup }));
  const { statusCode: status = 0 } = response;
  if (status !== 200) {
    response.destroy();
    const moved = status >= 300 && status < 400;
    throw refuse(`answered with status ${status}${moved ? '; redirects are not followed' : ''}.`, {
      status,
    });
  }
  const body = await readBody(response, options.maxBytes);
  if (body === undefined) throw refuse(`answered with more than ${options.maxBytes} bytes.`);
  return body;
}
