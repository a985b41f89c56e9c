import type { JsonObject } from '../json.js';
import { scopeAllowRules, scopeDenyRules } from './permission.js';
import type { ClaudeTurnRequest } from './request.js';

/** Tools that need a person, leave the workspace, or act after the turn; there only when asked for by name. */
const unattendedTools = [
  'AskUserQuestion',
  'EnterPlanMode',
  'ExitPlanMode',
  'EnterWorktree',
  'ExitWorktree',
  'CronCreate',
  'ScheduleWakeup',
];

/** Transcripts are what a later turn continues from; by default they are deleted after 30 days. */
const keepTranscriptsDays = 3650;

/** Which of Claude Code's settings files count. */
export function settingSources(project: NonNullable<ClaudeTurnRequest['project']>): string {
  switch (project) {
    case 'memory':
      return 'user,project';
    case 'trusted':
      return 'user,project,local';
    case 'none':
      return 'user';
  }
}

/**
 * The settings of a turn, above every file but the machine's managed ones. Rules go here and not into
 * arguments of their own, because those are split at spaces and commas that a rule may contain.
 */
export function turnSettings(request: ClaudeTurnRequest): JsonObject {
  return {
    cleanupPeriodDays: keepTranscriptsDays,
    permissions: turnRules(request),
    ...(request.project === 'trusted'
      ? {}
      : { disableAllHooks: true, disableSkillShellExecution: true, apiKeyHelper: '' }),
  };
}

/**
 * Settings that make the rules of the request the only ones: without them the front matter of a skill
 * (`allowed-tools`) or of a sub-agent (`permissionMode: auto`) in the repository grants itself tools.
 */
export function turnPolicy(request: ClaudeTurnRequest): JsonObject {
  return {
    allowManagedPermissionRulesOnly: true,
    permissions: {
      ...turnRules(request),
      disableBypassPermissionsMode: 'disable',
      disableAutoMode: 'disable',
    },
  };
}

function turnRules(request: ClaudeTurnRequest): JsonObject {
  const asked = new Set([...(request.tools ?? []), ...(request.allow ?? [])]);
  const unwanted = unattendedTools.filter((tool) => !asked.has(tool));
  return {
    allow: scopeAllowRules(request.allow ?? [], request.addDirectories ?? []),
    deny: [...scopeDenyRules(request.deny ?? []), ...unwanted],
  };
}
