import type { IncomingHttpHeaders } from 'node:http';
import { asText, isJsonObject, type Json, type JsonObject } from '../json.js';
import { metaKey } from './protocol-versions.js';
import { metaOf } from './reply.js';
import { RpcError, rpcCode } from './service.js';

/** Where the name stands that the header repeats. */
const nameField: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

const refuse = (what: string): never => {
  throw new RpcError(rpcCode.headers, `Header mismatch: ${what}.`);
};

/** The header's value; undefined when it says base64 and is none. */
function decoded(value: string): string | undefined {
  const wrapped = /^=\?base64\?(.*)\?=$/.exec(value);
  if (wrapped === null) return value;
  const text = wrapped[1] ?? '';
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes.toString() : undefined;
}

/**
 * What stands in headers for those on the way must be what stands in the body, or somebody is misled. Throws
 * `RpcError`. Source: 2026-07-28, basic/transports/streamable-http, Server Validation.
 */
export function checkMirroredHeaders(
  headers: IncomingHttpHeaders,
  method: string,
  params: JsonObject,
): void {
  const version = headers['mcp-protocol-version'];
  const inBody = metaOf(params)[metaKey.version];
  if (version !== inBody) refuse('MCP-Protocol-Version is not the version of the body');
  if (headers['mcp-method'] !== method) refuse('Mcp-Method is not the method of the body');
  const field = nameField[method];
  if (field === undefined) return;
  const name = headers['mcp-name'];
  if (typeof name !== 'string' || decoded(name) !== params[field])
    refuse(`Mcp-Name is not params.${field} of the body`);
}

/** The same for arguments that the tool's schema marks with `x-mcp-header`. Throws `RpcError`. */
export function checkMirroredArguments(
  headers: IncomingHttpHeaders,
  schema: Json | undefined,
  args: Json | undefined,
): void {
  if (!isJsonObject(schema)) return;
  const properties = schema['properties'];
  if (!isJsonObject(properties)) return;
  for (const [key, property] of Object.entries(properties)) {
    if (!isJsonObject(property)) continue;
    const value = isJsonObject(args) ? args[key] : undefined;
    const header = property['x-mcp-header'];
    if (typeof header === 'string') checkArgument(headers, header, value);
    checkMirroredArguments(headers, property, value);
  }
}

function checkArgument(
  headers: IncomingHttpHeaders,
  header: string,
  value: Json | undefined,
): void {
  const given = headers[`mcp-param-${header.toLowerCase()}`];
  if (value === undefined || value === null) {
    if (given !== undefined) refuse(`Mcp-Param-${header} has no value in the body`);
    return;
  }
  const text = typeof given === 'string' ? decoded(given) : undefined;
  const isSame =
    typeof value === 'number'
      ? text !== undefined && Number(text) === value
      : text === asText(value);
  if (!isSame) refuse(`Mcp-Param-${header} is not the value of the body`);
}
