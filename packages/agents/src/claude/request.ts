import { isAbsolute, relative } from 'node:path';
import { AgentsError, refuseRequest } from '../agents-error.js';
import type { TurnRequest } from '../driver.js';
import type { JsonObject } from '../json.js';

/** One turn of Claude Code. */
export interface ClaudeTurnRequest extends TurnRequest {
  /** What to do. Goes by stdin, never by an argument. */
  readonly prompt: string;
  /**
   * Continue an earlier conversation: `prompt` is its next message. Where its transcript is gone, a new
   * conversation starts with `original`, and a notice says so. `owed` is a message that the conversation must
   * have heard, once: where it has not, it is said instead of `prompt`, or after `original`.
   */
  readonly continues?: {
    readonly session: string;
    readonly original: string;
    readonly owed?: string;
  };
  /** Id for a new conversation, a UUID. Default: a new one. */
  readonly session?: string;
  /**
   * Claude Code's own directory (transcripts, state): absolute, outside `cwd`, the same for every turn of
   * a conversation. Created with mode 0700.
   */
  readonly configDirectory: string;
  /**
   * What of the repository's `.claude` counts. `memory` (default): CLAUDE.md, skills and sub-agents are
   * read, nothing of it acts; requires that `.claude/settings.json` is not there, or `settingsHidden`.
   * `none`: nothing. `trusted`: all of it, with its hooks, MCP servers and environment.
   */
  readonly project?: 'memory' | 'trusted' | 'none';
  /** The caller hides `.claude/settings.json` from the agent, as a sandbox does with a mount. */
  readonly settingsHidden?: boolean;
  /**
   * Permission rules, such as `Edit` or `Bash(npm test)`. What none of them covers is refused, except what
   * Claude Code never asks for (reading inside `cwd`, harmless commands such as `ls`). `Edit` and `Write`
   * mean the same: all tools that change files, in `cwd` and `addDirectories`.
   */
  readonly allow?: readonly string[];
  /** Rules that forbid; they beat `allow`. */
  readonly deny?: readonly string[];
  /** Built-in tools that exist at all. Default: all that need no person. */
  readonly tools?: readonly string[];
  /** File with MCP servers (`{"mcpServers": {...}}`). The first turn waits for them, for 30 s at most. */
  readonly mcpConfigFile?: string;
  /** Further directories that the agent may work in; absolute. */
  readonly addDirectories?: readonly string[];
  readonly model?: string;
  /** Such as `low`, `medium`, `high`; the version decides which exist. */
  readonly effort?: string;
  /** Text at the end of the system prompt. */
  readonly systemPrompt?: string;
  /** JSON Schema of the value to answer with; it arrives as `output`. */
  readonly outputSchema?: JsonObject;
  readonly maxTurns?: number;
  /** Checked after each message of the model: it can be overshot by one. */
  readonly maxUsd?: number;
  /** How often a failed request to the model is repeated. Default: Claude Code's own, 10 (about 3 minutes). */
  readonly maxRetries?: number;
  /**
   * Environment variables that carry credentials, such as ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN,
   * CLAUDE_CODE_OAUTH_TOKEN, ANTHROPIC_BASE_URL. Their values never appear in an event (but addresses may).
   * Only these: variables of `env` whose names begin with ANTHROPIC_ or CLAUDE are dropped.
   */
  readonly credentials?: Readonly<Record<string, string>>;
  /** A `.credentials.json` of a login, to be linked into the configuration directory. */
  readonly credentialsFile?: string;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Checks a request once. Throws `ORCH_AGENTS_REQUEST`. */
export function checkRequest(request: ClaudeTurnRequest): void {
  if (!isAbsolute(request.cwd)) refuseRequest('cwd', 'an absolute path', request.cwd);
  requireText('prompt', request.prompt);
  if (request.continues !== undefined) {
    requireUuid('continues.session', request.continues.session);
    requireText('continues.original', request.continues.original);
  }
  requireUuid('session', request.session);
  if (!isAbsolute(request.configDirectory)) {
    refuseRequest('configDirectory', 'an absolute path', request.configDirectory);
  }
  const inside = relative(request.cwd, request.configDirectory);
  if (inside === '' || (!inside.startsWith('..') && !isAbsolute(inside))) {
    refuseRequest('configDirectory', 'outside cwd, where the agent works', request.configDirectory);
  }
  for (const directory of request.addDirectories ?? []) {
    if (!isAbsolute(directory)) refuseRequest('addDirectories', 'absolute paths', directory);
  }
  for (const rule of [...(request.allow ?? []), ...(request.deny ?? [])]) {
    if (rule.trim() === '') refuseRequest('allow and deny', 'rules that are not empty', rule);
  }
  for (const tool of request.tools ?? []) {
    if (!/^[\w-]+$/.test(tool)) refuseRequest('tools', 'names of tools, without rules', tool);
  }
  requireCount('maxTurns', request.maxTurns, 1);
  requireCount('maxRetries', request.maxRetries, 0);
  if (request.maxUsd !== undefined && !(request.maxUsd > 0)) {
    refuseRequest('maxUsd', 'more than 0', request.maxUsd);
  }
}

function requireText(field: string, value: string): void {
  if (value.trim() === '') refuseRequest(field, 'text that is not empty', value);
}

function requireUuid(field: string, value: string | undefined): void {
  if (value !== undefined && !uuid.test(value)) refuseRequest(field, 'a UUID', value);
}

function requireCount(field: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
  refuseRequest(field, `a whole number, ${least} or more`, value);
}

/** Refuses a start in which the repository's settings would be obeyed. */
export function settingsVisible(path: string): AgentsError {
  return new AgentsError(
    'ORCH_AGENTS_SETTINGS_VISIBLE',
    `${path} would be obeyed: its environment and helpers can redirect credentials and run code. ` +
      "Remove it from the workspace, hide it (settingsHidden), or choose project: 'none' or 'trusted'.",
    { details: { path } },
  );
}
