import type { Asked } from '../answers/answers.js';
import type { Handshake } from '../engine/engine.js';
import type { Json, JsonObject } from '../json.js';
import type { McpError, McpErrorCode } from '../mcp-error.js';
import type { RequestOptions } from '../protocol/peer.js';
import type { DefinitionReport, DefinitionReview } from '../safety/guard.js';
import type { Prompt, Resource, ResourceTemplate, Tool } from './definitions.js';
import type { ServerState } from './supervisor.js';
import type { ToolResult } from './tool-result.js';

/** What a server does between calls. */
export type ServerEvent =
  | { readonly type: 'state'; readonly state: ServerState; readonly error?: McpError }
  /** A list was changed by the server; what was kept of it is dropped. */
  | { readonly type: 'changed'; readonly list: 'tools' | 'resources' | 'prompts' }
  /** A resource that was subscribed to has changed. */
  | { readonly type: 'updated'; readonly uri: string }
  | {
      readonly type: 'log';
      readonly level: string;
      readonly logger?: string;
      readonly data: Json;
    }
  /** What it says of its tools, prompts or resources has changed, or is suspicious. */
  | ({ readonly type: 'definitions' } & DefinitionReport)
  /** It asked something of its client. */
  | ({ readonly type: 'asked' } & Asked)
  /** What a person was to do at an address is done. */
  | { readonly type: 'elicited'; readonly id: string }
  /** It wrote something that is no message where messages are expected. */
  | { readonly type: 'noise'; readonly text: string };

/** One call of a tool that has ended. */
export interface CallReport {
  readonly tool: string;
  /** From the call to its end, on the monotonic clock. */
  readonly ms: number;
  /** `ok`, `tool_error` where the tool says that it failed, or the code of the error. */
  readonly outcome: 'ok' | 'tool_error' | McpErrorCode;
}

export interface CallOptions extends RequestOptions {
  /**
   * The call may be made twice. Then it is made again, once, when the server ended or forgot its session before it
   * answered. Default: what the tool says of itself, if its list was read.
   */
  readonly idempotent?: boolean;
}

export interface ListOptions extends RequestOptions {
  /** Asks the server, whatever is kept. */
  readonly refresh?: boolean;
}

export type LogLevel =
  'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency';

/** What is completed, and for which server's prompt or template. */
export type CompletionOf = { readonly prompt: string } | { readonly template: string };

export interface Completion {
  readonly values: readonly string[];
  readonly total?: number;
  readonly hasMore: boolean;
}

/**
 * One server. It is started for the first who asks, kept, and started anew after it broke. Every method rejects with
 * an `McpError`, and refuses with `ORCH_MCP_REFUSED` what the filters do not allow, listed or not.
 */
export interface McpServer {
  readonly name: string;
  readonly state: ServerState;
  /** Starts it, if it does not run; resolves with what it said of itself. */
  ready(signal?: AbortSignal): Promise<Handshake>;
  tools(options?: ListOptions): Promise<readonly Tool[]>;
  call(tool: string, args?: JsonObject, options?: CallOptions): Promise<ToolResult>;
  resources(options?: ListOptions): Promise<readonly Resource[]>;
  resourceTemplates(options?: ListOptions): Promise<readonly ResourceTemplate[]>;
  /** Resolves with the `contents`. */
  readResource(uri: string, options?: RequestOptions): Promise<readonly JsonObject[]>;
  /** Its changes come as `updated`, also after the server was started anew. */
  subscribe(uri: string, options?: RequestOptions): Promise<void>;
  unsubscribe(uri: string, options?: RequestOptions): Promise<void>;
  prompts(options?: ListOptions): Promise<readonly Prompt[]>;
  /** Resolves with the `messages` and `description`. */
  prompt(
    name: string,
    args?: Readonly<Record<string, string>>,
    options?: RequestOptions,
  ): Promise<JsonObject>;
  complete(
    of: CompletionOf,
    argument: { readonly name: string; readonly value: string },
    options?: RequestOptions,
  ): Promise<Completion>;
  /** Its messages come as `log`, also after the server was started anew. */
  setLogLevel(level: LogLevel, options?: RequestOptions): Promise<void>;
  ping(options?: RequestOptions): Promise<void>;
  /** Asks it for all its lists, and resolves with what a person has to look at before pinning them. */
  review(options?: RequestOptions): Promise<DefinitionReview>;
  /** The definitions of a review are the right ones from now on: exactly those that were looked at. */
  pin(review: DefinitionReview): void;
  /** Ends it; resolves when nothing of it is left. */
  close(): Promise<void>;
}
