import { isList, isObject, type Json, type JsonObject } from '../json.js';
import {
  either,
  entries,
  flag,
  lenient,
  list,
  listOfGood,
  map,
  nullable,
  number,
  object,
  oneOf,
  text,
  Wrong,
  type Check,
} from './check.js';
import { choices, flags, lenientChoices, nullableFlags, texts } from './known-keys.js';

const count = number((value) => Number.isInteger(value) && value >= 1, 'a whole number, 1 or more');
const share = number((value) => value >= 0 && value <= 1, 'a number from 0 to 1');
const anything: Check = (value) => value;

/** Variables are text; anything else is what the language makes a text of. */
function variable(value: Json): string {
  if (isObject(value)) return '[object Object]';
  return isList(value) ? value.map(variable).join(',') : String(value);
}

/** A rule that Claude Code cannot read is left out of its list. */
const rule =
  (denies: boolean): Check =>
  (value) => {
    const valid = typeof value === 'string' && isRule(value, denies);
    if (valid) return value;
    throw new Wrong('expected a permission rule');
  };

function isRule(value: string, denies: boolean): boolean {
  if (value.startsWith('mcp__')) return !value.includes('(') && (denies || value !== 'mcp__*');
  if (value === '*') return denies;
  if (value.includes('(') && (!value.endsWith(')') || value.includes('()'))) return false;
  if (/^WebFetch\((?!domain:)/.test(value)) return false;
  return value.trim() !== '' && !/^[a-z]/.test(value);
}

const command = {
  command: object(
    {
      type: oneOf('command'),
      command: text,
      args: list(text),
      timeout: number((value) => value > 0, 'a number of seconds'),
      shell: oneOf('bash', 'powershell'),
      if: text,
      async: flag,
      asyncRewake: flag,
      once: flag,
      statusMessage: text,
    },
    { required: ['command'], others: 'strip' },
  ),
  http: object({ type: oneOf('http'), url: text }, { required: ['url'] }),
  prompt: object({ type: oneOf('prompt'), prompt: text }, { required: ['prompt'] }),
  agent: object({ type: oneOf('agent'), prompt: text }, { required: ['prompt'] }),
  mcp_tool: object({ type: oneOf('mcp_tool') }),
} satisfies Readonly<Record<string, Check>>;

const hook: Check = either(...Object.values(command));

const hookGroups = (hookList: Check, groupList: (group: Check) => Check): Check =>
  groupList(object({ matcher: text, hooks: hookList }, { required: ['hooks'], others: 'strip' }));

/** A hook that guards is never left out in silence: a fault in one costs the whole file. */
const guardingGroups = hookGroups(list(hook), list);
const otherGroups = lenient(hookGroups(listOfGood(hook), listOfGood));
const guarding = new Set(['PreToolUse', 'PermissionRequest']);

/** Events of Claude Code; groups under other names go. */
const events = new Set(
  `PreToolUse PostToolUse PostToolUseFailure PostToolBatch PermissionRequest PermissionDenied UserPromptSubmit
  UserPromptExpansion SessionStart SessionEnd Setup Stop StopFailure SubagentStart SubagentStop PreCompact
  PostCompact Notification TaskCreated TaskCompleted TeammateIdle Elicitation ElicitationResult ConfigChange
  InstructionsLoaded CwdChanged FileChanged MessageDisplay WorktreeCreate WorktreeRemove PreModelSwitch
  PostModelSwitch DirectoryAdded`.split(/\s+/),
);

const hooks: Check = (value) => {
  if (isList(value) && value.length > 0) throw new Wrong('expected an object');
  if (!isObject(value)) return undefined;
  const kept = entries(value, (event, groups) => {
    if (guarding.has(event)) return guardingGroups(groups);
    return events.has(event) ? otherGroups(groups) : undefined;
  });
  return emptied(value, kept);
};

/** Nothing is left of something: then the key goes too. */
function emptied(value: Json, kept: JsonObject): JsonObject | undefined {
  const gone = Object.keys(value as object).length > 0 && Object.keys(kept).length === 0;
  return gone ? undefined : kept;
}

const permissionMode = oneOf(
  ...['acceptEdits', 'auto', 'bypassPermissions', 'default', 'dontAsk', 'plan'],
);

const permissions = object({
  allow: listOfGood(rule(false)),
  ask: listOfGood(rule(true)),
  deny: listOfGood(rule(true)),
  defaultMode: permissionMode,
  disableBypassPermissionsMode: oneOf('disable'),
  additionalDirectories: list(text),
});

const keys: Readonly<Record<string, Check>> = {
  ...each(flags, flag),
  ...each(nullableFlags, nullable(flag)),
  ...each(texts, text),
  ...Object.fromEntries(Object.entries(choices).map(([key, words]) => [key, oneOf(...words)])),
  ...Object.fromEntries(
    Object.entries(lenientChoices).map(([key, words]) => [key, lenient(oneOf(...words))]),
  ),
  ...each(
    'fallbackModel availableModels claudeMdExcludes allowedHttpHookUrls httpHookAllowedEnvVars companyAnnouncements pluginSuggestionMarketplaces'.split(
      ' ',
    ),
    list(text),
  ),
  ...each(['enabledMcpjsonServers', 'disabledMcpjsonServers'], textOrTexts),
  env: map(variable),
  permissions,
  hooks,
  cleanupPeriodDays: count,
  desktopSessionCleanupPeriodDays: count,
  feedbackSurveyRate: share,
  skillListingBudgetFraction: share,
  disableAutoMode: nullable(oneOf('disable')),
  disableDeepLinkRegistration: nullable(oneOf('disable')),
  modelOverrides: map(text),
  skillOverrides: map(oneOf('on', 'name-only', 'user-invocable-only', 'off')),
  enabledPlugins: map(either(flag, list(text))),
  statusLine: object(
    {
      type: oneOf('command'),
      command: text,
      padding: number(() => true, 'a number'),
      refreshInterval: number(() => true, 'a number'),
      hideVimModeIndicator: flag,
    },
    { required: ['type', 'command'], others: 'strip' },
  ),
  sandbox: object({ enabled: flag, network: object({ allowedDomains: list(text) }) }),
  attribution: either(object({ commit: text, pr: text }), (value) => {
    if (typeof value === 'boolean') return {};
    throw new Wrong('expected an object');
  }),
  worktree: object(
    {
      symlinkDirectories: list(text),
      sparsePaths: list(text),
      baseRef: oneOf('fresh', 'head'),
      bgIsolation: oneOf('worktree', 'none'),
      location: text,
    },
    { others: 'strip' },
  ),
  ultracode: lenient(flag),
  forceLoginGatewayUrl: lenient(text),
  sshHostCommands: anything,
};

function textOrTexts(value: Json): Json | undefined {
  return typeof value === 'string' && value !== '' ? [value] : list(text)(value);
}

function each(names: readonly string[], check: Check): Readonly<Record<string, Check>> {
  return Object.fromEntries(names.map((name) => [name, check]));
}

/** What stays of a value in a policy whose check it does not pass: as much as can, and never less strict. */
const policyKeys: Readonly<Record<string, Check>> = {
  permissions: (value) =>
    emptied(
      value,
      object({
        allow: lenient(listOfGood(rule(false))),
        ask: lenient(listOfGood(rule(true))),
        deny: lenient(listOfGood(rule(true))),
        defaultMode: either(permissionMode, () => 'default'),
        disableBypassPermissionsMode: lenient(oneOf('disable')),
        additionalDirectories: lenient(listOfGood(text)),
      })(value) as JsonObject,
    ),
  sandbox: object({
    enabled: either(flag, () => true),
    network: lenient(object({ allowedDomains: lenient(listOfGood(text)) })),
  }),
  enabledPlugins: map(lenient(either(flag, list(text)))),
  hooks: lenient((value) =>
    emptied(
      value,
      entries(value, (event, groups) => {
        if (guarding.has(event)) return lenient(guardingGroups)(groups);
        return events.has(event) ? otherGroups(groups) : undefined;
      }),
    ),
  ),
};

/** What Claude Code makes of one settings file: what is wrong in it may cost a part, a key, or all of it. */
export function admitClaudeSettings(
  value: JsonObject,
  tier: string,
): {
  readonly value: JsonObject | undefined;
  readonly findings: readonly { readonly path: readonly string[]; readonly message: string }[];
} {
  const findings: { readonly path: readonly string[]; readonly message: string }[] = [];
  const faults = new Set<string>();
  const admitted = entries(value, (key, inner) => {
    if (!Object.hasOwn(keys, key)) return inner;
    try {
      const made = keys[key]?.(inner);
      if (made === undefined || JSON.stringify(made) !== JSON.stringify(inner)) {
        findings.push({ path: [key], message: `Claude Code takes only a part of ${key}` });
      }
      return made;
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      if (tier === 'managed') {
        const message = `${key}: ${error.message}; Claude Code keeps what it can of a policy`;
        findings.push({ path: [key], message });
        return policyKeys[key]?.(inner);
      }
      faults.add(key);
      const message = `${key}: ${error.message}; Claude Code drops the whole file`;
      findings.push({ path: [key], message });
      return undefined;
    }
  });
  return { value: faults.size > 0 ? undefined : admitted, findings };
}
