/** What `orch` exits with. Scripts may rely on it. */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  needsPerson: 3,
  budget: 4,
  conflict: 5,
  provider: 6,
  environment: 7,
  owned: 8,
  interrupted: 130,
} as const;

const usage = new RegExp(
  [
    '^ORCH_(?:PLAN|REHEARSAL|USAGE)_',
    '^ORCH_CONFIG_(?:INVALID|PATH)$',
    '^ORCH_RUN_(?:NOT_FOUND|INPUT)$',
    '^ORCH_(?:SESSION|TRANSCRIPTS|HOOK|APPROVAL)_NOT_FOUND$',
    '^ORCH_HOOKS_(?:EVENT|PAYLOAD|UNPINNABLE)$',
    '^ORCH_JSONL_(?:TRANSCRIPT|PRICES)_INVALID$',
    '^commander\\.',
  ].join('|'),
);
const needsPerson = /^ORCH_(?:APPROVAL_(?:PERSON|MISSING)|SERVER_(?:UNAPPROVED|CHANGED|LOGIN))$/;
const owned = /^ORCH_RUN_(?:OWNED|TAKEN_OVER)$|^ORCH_JSONL_SESSION_HELD$/;

/** The exit code for an error code; what is not known has to do with the machine or its files. */
export function exitCodeOf(code: string): number {
  if (usage.test(code)) return exitCode.usage;
  if (needsPerson.test(code)) return exitCode.needsPerson;
  if (owned.test(code)) return exitCode.owned;
  return exitCode.environment;
}
