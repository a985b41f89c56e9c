import { isJsonObject, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import type { RequestOptions } from '../protocol/peer.js';
import type { DefinitionPart } from '../safety/definition-part.js';
import type { Requests } from '../session/session.js';

/** What a tool says of itself. These are the server's words, and bind nobody. */
export interface ToolAnnotations {
  readonly title?: string;
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

/** A tool, with every field that its server gave it. */
export interface Tool extends JsonObject {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  /** JSON Schema of the arguments. */
  readonly inputSchema: JsonObject;
  /** JSON Schema of `structured`. */
  readonly outputSchema?: JsonObject;
  readonly annotations?: ToolAnnotations & JsonObject;
}

export interface Resource extends JsonObject {
  readonly uri: string;
  readonly name: string;
  readonly mimeType?: string;
}

export interface ResourceTemplate extends JsonObject {
  readonly uriTemplate: string;
  readonly name: string;
}

export interface Prompt extends JsonObject {
  readonly name: string;
  readonly description?: string;
  readonly arguments?: readonly JsonObject[];
}

/** A list that is kept until the server says that it has changed. */
export interface ListKind {
  readonly method: string;
  /** Where the items stand in the result. */
  readonly items: string;
  /** The field by which an item is named. */
  readonly key: string;
  /** The capability that a server with such a list declares. */
  readonly capability: string;
  /** As what it is judged and pinned. */
  readonly part: DefinitionPart;
}

export const toolList: ListKind = {
  method: 'tools/list',
  items: 'tools',
  key: 'name',
  capability: 'tools',
  part: 'tools',
};
export const resourceList: ListKind = {
  method: 'resources/list',
  items: 'resources',
  key: 'uri',
  capability: 'resources',
  part: 'resources',
};
export const templateList: ListKind = {
  method: 'resources/templates/list',
  items: 'resourceTemplates',
  key: 'uriTemplate',
  capability: 'resources',
  part: 'templates',
};
export const promptList: ListKind = {
  method: 'prompts/list',
  items: 'prompts',
  key: 'name',
  capability: 'prompts',
  part: 'prompts',
};

/** All that are judged and pinned. */
export const listKinds = [toolList, promptList, resourceList, templateList] as const;

/** A list, and for how long it may be kept if the server does not say that it has changed. */
export interface KeptList {
  readonly items: readonly JsonObject[];
  readonly ttlMs: number;
}

const pagesMost = 1000;

/** All pages of a list. Rejects with `ORCH_MCP_RESULT` if they do not end, or hold what is no item. */
export async function listAll(
  session: Requests,
  server: string,
  kind: ListKind,
  options: RequestOptions,
): Promise<KeptList> {
  const items = new Map<string, JsonObject>();
  const cursors = new Set<string>();
  const refuse = (what: string): never => {
    throw new McpError('ORCH_MCP_RESULT', `${server} ${what}. This is a defect of the server.`);
  };
  let cursor: string | undefined;
  let ttlMs = Infinity;
  do {
    const page = await session.request(
      kind.method,
      cursor === undefined ? {} : { cursor },
      options,
    );
    const list = page[kind.items];
    if (typeof page['ttlMs'] === 'number') ttlMs = Math.min(ttlMs, Math.max(0, page['ttlMs']));
    if (!Array.isArray(list))
      return refuse(`answered ${kind.method} without a list of ${kind.items}`);
    for (const item of list as unknown[]) {
      const name = isJsonObject(item) ? item[kind.key] : undefined;
      if (!isJsonObject(item) || typeof name !== 'string')
        return refuse(`lists one of its ${kind.items} without a ${kind.key}`);
      if (items.has(name))
        return refuse(`lists ${JSON.stringify(name)} twice in its ${kind.items}`);
      items.set(name, item);
    }
    cursor = typeof page['nextCursor'] === 'string' ? page['nextCursor'] : undefined;
    if (cursor !== undefined && (cursors.has(cursor) || cursors.size >= pagesMost))
      return refuse(`gives pages of ${kind.method} that never end`);
    if (cursor !== undefined) cursors.add(cursor);
  } while (cursor !== undefined);
  return { items: [...items.values()], ttlMs };
}
