import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { spilledOf, type SpilledResult } from '../spill/spill.js';

/** What a tool answered. */
export class ToolResult {
  /** Text, images, sounds and resources, as the server gave them. */
  readonly content: readonly JsonObject[];
  /** By the tool's own output schema, if it has one; not checked against it. */
  readonly structured: JsonObject | undefined;
  /** The tool says that it failed; `text` says why. */
  readonly isError: boolean;
  /** The result as it came. */
  readonly raw: JsonObject;
  /**
   * Where the result is, if it was too large for memory and the server has a `spill`. Then `content` is one
   * `resource_link` to that file, and there is no `structured`.
   */
  readonly spilled: SpilledResult | undefined;

  constructor(
    content: readonly JsonObject[],
    structured: JsonObject | undefined,
    isError: boolean,
    raw: JsonObject,
  ) {
    this.content = content;
    this.structured = structured;
    this.isError = isError;
    this.raw = raw;
    this.spilled = spilledOf(raw);
  }

  /** The texts of the content, a line break between them. */
  get text(): string {
    return this.content
      .filter(({ type, text }) => type === 'text' && typeof text === 'string')
      .map(({ text }) => text as string)
      .join('\n');
  }
}

/** Throws `ORCH_MCP_RESULT`. */
export function readToolResult(server: string, tool: string, result: JsonObject): ToolResult {
  const structured = result['structuredContent'];
  const content: Json | undefined =
    result['content'] ?? (isJsonObject(structured) ? [] : undefined);
  const isList = Array.isArray(content);
  if (
    !isList ||
    !(content as readonly unknown[]).every(
      (one) => isJsonObject(one) && typeof one['type'] === 'string',
    )
  ) {
    throw new McpError(
      'ORCH_MCP_RESULT',
      `${server} answered the tool ${tool} with something that is no result of a tool: its content must be a list of objects with a type. This is a defect of the server.`,
    );
  }
  return new ToolResult(
    content as readonly JsonObject[],
    isJsonObject(structured) ? structured : undefined,
    result['isError'] === true,
    result,
  );
}
