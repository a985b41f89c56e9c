import { isJsonObject, type Json, type JsonObject } from '../json.js';

const separator = '__';
const scheme = 'mcp://';

/** How what several services have is told apart, and led back. */
export interface Names {
  tool(service: string, name: string): string;
  /** The service, and what it is called there; undefined for what is no such name. */
  splitTool(name: string): readonly [service: string, name: string] | undefined;
  uri(service: string, uri: string): string;
  splitUri(uri: string): readonly [service: string, uri: string] | undefined;
}

/** `server__tool`, and `mcp://server/` before an address, which stays a valid address, or template of one. */
export const qualified: Names = {
  tool: (service, name) => `${service}${separator}${name}`,
  splitTool(name) {
    const at = name.indexOf(separator);
    return at > 0 ? [name.slice(0, at), name.slice(at + separator.length)] : undefined;
  },
  uri: (service, uri) => `${scheme}${service}/${uri}`,
  splitUri(uri) {
    if (!uri.startsWith(scheme)) return undefined;
    const at = uri.indexOf('/', scheme.length);
    return at < 0 ? undefined : [uri.slice(scheme.length, at), uri.slice(at + 1)];
  },
};

/** Names as they are; for one service alone. */
export const plain = (only: string): Names => ({
  tool: (_service, name) => name,
  splitTool: (name) => [only, name],
  uri: (_service, uri) => uri,
  splitUri: (uri) => [only, uri],
});

/**
 * The same content, its links to resources by the names that hold here. Where a list of contents stands: `content` of
 * a tool's result, `contents` of what was read, `messages` of a prompt.
 */
export function renameLinks(result: JsonObject, rename: (uri: string) => string): JsonObject {
  const { content, contents, messages } = result;
  return {
    ...result,
    ...(Array.isArray(content) && { content: content.map((one: Json) => renamed(one, rename)) }),
    ...(Array.isArray(contents) && { contents: contents.map((one: Json) => withUri(one, rename)) }),
    ...(Array.isArray(messages) && {
      messages: messages.map((one: Json) =>
        isJsonObject(one) ? { ...one, content: renamed(one['content'] ?? null, rename) } : one,
      ),
    }),
  };
}

function renamed(content: Json, rename: (uri: string) => string): Json {
  if (!isJsonObject(content)) return content;
  if (content['type'] === 'resource_link') return withUri(content, rename);
  const { resource } = content;
  if (content['type'] !== 'resource' || resource === undefined) return content;
  return { ...content, resource: withUri(resource, rename) };
}

function withUri(value: Json, rename: (uri: string) => string): Json {
  const uri = isJsonObject(value) ? value['uri'] : undefined;
  return isJsonObject(value) && typeof uri === 'string' ? { ...value, uri: rename(uri) } : value;
}
