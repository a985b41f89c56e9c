import { expect, it } from 'vitest';
import { exitCodeOf } from '../src/exit-codes.js';

it.each([
  ['ORCH_PLAN_INVALID', 2],
  ['ORCH_PLAN_UNKNOWN_KEY', 2],
  ['ORCH_REHEARSAL_SCRIPT', 2],
  ['ORCH_RUN_NOT_FOUND', 2],
  ['ORCH_USAGE_ARGUMENTS', 2],
  ['ORCH_SESSION_NOT_FOUND', 2],
  ['ORCH_TRANSCRIPTS_NOT_FOUND', 2],
  ['ORCH_JSONL_TRANSCRIPT_INVALID', 2],
  ['ORCH_JSONL_PRICES_INVALID', 2],
  ['ORCH_JSONL_SESSION_HELD', 8],
  ['ORCH_CONFIG_INVALID', 2],
  ['ORCH_CONFIG_PATH', 2],
  ['ORCH_CONFIG_HELPER', 7],
  ['ORCH_JSONL_READ_FAILED', 7],
  ['commander.unknownOption', 2],
  ['ORCH_REPOSITORY_NOT_FOUND', 7],
  ['ORCH_AGENT_MISSING', 7],
  ['ORCH_CREDENTIALS_MISSING', 7],
  ['ORCH_SERVER_CONFIG', 7],
  ['ORCH_SERVER_FAILED', 7],
  ['ORCH_SERVER_UNAPPROVED', 3],
  ['ORCH_SERVER_CHANGED', 3],
  ['ORCH_SERVER_LOGIN', 3],
  ['ORCH_JOURNAL_BROKEN', 7],
  ['ENOSPC', 7],
  ['ORCH_RUN_OWNED', 8],
  ['ORCH_RUN_TAKEN_OVER', 8],
])('%s exits with %i', (code, exit) => {
  expect(exitCodeOf(code)).toBe(exit);
});
