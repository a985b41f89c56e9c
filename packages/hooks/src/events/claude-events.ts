/**
 * The lifecycle events of Claude Code: 30 of 2.1.197, and three that 2.1.330 added.
 *
 * `subject`: the payload's field that matchers are tested against; without one, every hook of the event runs.
 * `block`: what a block does there; `none`: the event only tells, and a block is shown and changes nothing.
 * `fields`: what `hookSpecificOutput` may carry for it.
 */
export interface EventFacts {
  readonly subject?: string;
  readonly block: Block;
  readonly fields: readonly string[];
  /** Plain text on stdout is context for the model. */
  readonly textIsContext?: true;
}

/**
 * - `refuse`: what was about to happen does not happen.
 * - `continue`: what was about to stop goes on, with the reason.
 * - `feedback`: it has happened already; the model is told the reason.
 * - `none`: nothing can be stopped.
 */
export type Block = 'refuse' | 'continue' | 'feedback' | 'none';

const context = ['additionalContext'];

const table = {
  PreToolUse: {
    subject: 'tool_name',
    block: 'refuse',
    fields: ['permissionDecision', 'permissionDecisionReason', 'updatedInput', ...context],
  },
  PostToolUse: {
    subject: 'tool_name',
    block: 'feedback',
    fields: [...context, 'updatedToolOutput', 'updatedMCPToolOutput'],
  },
  PostToolUseFailure: { subject: 'tool_name', block: 'feedback', fields: context },
  PostToolBatch: { block: 'refuse', fields: context },
  PermissionRequest: { subject: 'tool_name', block: 'refuse', fields: ['decision'] },
  PermissionDenied: { subject: 'tool_name', block: 'none', fields: ['retry'] },
  UserPromptSubmit: {
    block: 'refuse',
    fields: [...context, 'sessionTitle', 'suppressOriginalPrompt'],
    textIsContext: true,
  },
  UserPromptExpansion: {
    subject: 'command_name',
    block: 'refuse',
    fields: context,
    textIsContext: true,
  },
  SessionStart: {
    subject: 'source',
    block: 'none',
    fields: [...context, 'initialUserMessage', 'sessionTitle', 'watchPaths', 'reloadSkills'],
    textIsContext: true,
  },
  SessionEnd: { subject: 'reason', block: 'none', fields: [] },
  Setup: { subject: 'trigger', block: 'none', fields: context },
  Stop: { block: 'continue', fields: context },
  StopFailure: { subject: 'error', block: 'none', fields: [] },
  SubagentStart: { subject: 'agent_type', block: 'none', fields: context },
  SubagentStop: { subject: 'agent_type', block: 'continue', fields: context },
  PreCompact: { subject: 'trigger', block: 'refuse', fields: [] },
  PostCompact: { subject: 'trigger', block: 'none', fields: [] },
  Notification: { subject: 'notification_type', block: 'none', fields: context },
  TaskCreated: { block: 'refuse', fields: [] },
  TaskCompleted: { block: 'refuse', fields: [] },
  TeammateIdle: { block: 'continue', fields: [] },
  Elicitation: { subject: 'mcp_server_name', block: 'refuse', fields: ['action', 'content'] },
  ElicitationResult: { subject: 'mcp_server_name', block: 'refuse', fields: ['action', 'content'] },
  ConfigChange: { subject: 'source', block: 'refuse', fields: [] },
  InstructionsLoaded: { subject: 'load_reason', block: 'none', fields: [] },
  CwdChanged: { block: 'none', fields: ['watchPaths'] },
  FileChanged: { subject: 'file_path', block: 'none', fields: ['watchPaths'] },
  MessageDisplay: { block: 'none', fields: ['displayContent'] },
  WorktreeCreate: { block: 'refuse', fields: ['worktreePath'] },
  WorktreeRemove: { block: 'none', fields: [] },
  PreModelSwitch: { subject: 'to_model', block: 'refuse', fields: [] },
  PostModelSwitch: { subject: 'to_model', block: 'none', fields: [] },
  DirectoryAdded: { subject: 'source', block: 'none', fields: [] },
} as const satisfies Readonly<Record<string, EventFacts>>;

/** The name of an event of Claude Code. */
export type ClaudeEvent = keyof typeof table;

export const claudeEvents: Readonly<Record<ClaudeEvent, EventFacts>> = table;
