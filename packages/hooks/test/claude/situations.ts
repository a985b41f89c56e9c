import type { ClaudeEvent } from '../../src/index.js';

/** How Claude Code is brought to fire an event, and what of a run shows whether a hook changed anything. */
export interface Situation {
  readonly event: ClaudeEvent;
  /** What the model answers, turn by turn; in place of `CWD` stands the working directory. */
  readonly turns: readonly unknown[];
  /** Said to it after the first prompt has its result. */
  readonly then?: readonly string[];
  /** Prompt instead of the usual one. */
  readonly prompt?: string;
  readonly flags?: readonly string[];
  /** Files of the working directory. */
  readonly files?: Readonly<Record<string, string>>;
  /** Files that are changed under it, while its first tool runs. */
  readonly change?: Readonly<Record<string, string>>;
  /** How long after a result its input stays open; some events come late, and to a process at its end never. */
  readonly restMs?: number;
  /** Needs the MCP server that asks. */
  readonly mcp?: true;
  /** Needs a SessionStart hook that names a file to watch. */
  readonly watch?: true;
}

const bash = (command: string): unknown => ({ tool: 'Bash', input: { command } });
const touch = bash('touch CWD/done.txt');
const agent = {
  tool: 'Agent',
  input: {
    description: 'work',
    prompt: 'Work. <<<SCRIPT ["sub-agent done"] SCRIPT>>>',
    subagent_type: 'general-purpose',
    run_in_background: false,
  },
};
const command = { '.claude/commands/hi.md': 'Say hi. <<<SCRIPT ["hi"] SCRIPT>>>' };
const asking = { turns: [{ tool: 'mcp__t__ask', input: {} }, 'asked'], mcp: true } as const;
const task = { tool: 'TaskCreate', input: { subject: 'one', description: 'the first' } };

export const situations: readonly Situation[] = [
  { event: 'PreToolUse', turns: [touch, 'end'] },
  { event: 'PostToolUse', turns: [touch, 'end'] },
  { event: 'PostToolUseFailure', turns: [bash('exit 3'), 'end'] },
  { event: 'PostToolBatch', turns: [touch, 'end'] },
  {
    event: 'PermissionRequest',
    turns: [touch, 'end'],
    flags: ['--permission-prompt-tool', 'stdio', '--disallowedTools', 'Read'],
  },
  { event: 'UserPromptSubmit', turns: ['end'] },
  { event: 'UserPromptExpansion', turns: [], prompt: '/hi bob', files: command },
  { event: 'SessionStart', turns: ['end'] },
  { event: 'SessionEnd', turns: ['end'] },
  { event: 'Setup', turns: ['end'], flags: ['--init'] },
  { event: 'Stop', turns: ['end', 'end again'] },
  {
    event: 'StopFailure',
    turns: [{ error: { status: 400, type: 'invalid_request_error', message: 'no' } }],
    restMs: 3000,
  },
  { event: 'SubagentStart', turns: [agent, 'end'] },
  { event: 'SubagentStop', turns: [agent, 'end'] },
  { event: 'PreCompact', turns: ['end'], then: ['/compact'] },
  { event: 'PostCompact', turns: ['end'], then: ['/compact'] },
  { event: 'Notification', ...asking },
  { event: 'TaskCreated', turns: [task, 'end'] },
  {
    event: 'TaskCompleted',
    turns: [task, { tool: 'TaskUpdate', input: { taskId: '1', status: 'completed' } }, 'end'],
  },
  { event: 'Elicitation', ...asking },
  { event: 'ElicitationResult', ...asking },
  {
    event: 'ConfigChange',
    turns: [bash('sleep 8'), touch, 'end'],
    files: { '.claude/settings.json': '{}' },
    change: { '.claude/settings.json': '{"permissions":{"deny":["Bash(touch *)"]}}' },
  },
  { event: 'InstructionsLoaded', turns: ['end'], files: { 'CLAUDE.md': 'Be kind.' } },
  { event: 'CwdChanged', turns: [bash('mkdir -p sub && cd sub && pwd'), 'end'] },
  {
    event: 'FileChanged',
    turns: [bash('sleep 2; echo A=2 > CWD/watched.env; sleep 3'), 'end'],
    files: { 'watched.env': 'A=1\n' },
    watch: true,
  },
  { event: 'MessageDisplay', turns: ['end'] },
];
