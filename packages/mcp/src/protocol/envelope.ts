import { isJsonObject, type Json, type JsonObject } from '../json.js';

const prefix = 'io.modelcontextprotocol/';
const versionKey = `${prefix}protocolVersion`;

/** What each request says of its sender, since 2026-07-28, in its `_meta`. */
export const envelopeOf = (
  protocolVersion: string,
  clientInfo: JsonObject,
  capabilities: JsonObject,
): JsonObject => ({
  [versionKey]: protocolVersion,
  [`${prefix}clientInfo`]: clientInfo,
  [`${prefix}clientCapabilities`]: capabilities,
});

export const logLevelKey = `${prefix}logLevel`;

/** Where the thing that a request is about is named. */
const nameFields: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

/**
 * The HTTP headers that say again what the message says, for those on the way who do not read it; none for messages
 * of the protocol with sessions.
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http
 */
export function headersOf(method: string, params: Json | undefined): Record<string, string> {
  const meta = isJsonObject(params) ? params['_meta'] : undefined;
  const version = isJsonObject(meta) ? meta[versionKey] : undefined;
  if (!isJsonObject(params) || typeof version !== 'string') return {};
  const headers: Record<string, string> = {
    'mcp-protocol-version': version,
    'mcp-method': method,
  };
  const field = nameFields[method];
  const name = field === undefined ? undefined : params[field];
  if (typeof name === 'string') headers['mcp-name'] = headerValue(name);
  return headers;
}

/** Text as a header can carry it: what is no plain ASCII goes as base64. */
export function headerValue(text: string): string {
  const isPlain =
    /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/.test(text);
  return isPlain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}
