import { copyFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createHookEngine, loadHookTable, type JsonObject, type Outcome } from '../../src/index.js';
import { setScene } from '../scene.js';
import { play, probe, type Behaviour, type Seen } from './play.js';
import type { Situation } from './situations.js';

/** What a hook with one behaviour comes to on one event, in Claude Code and here. */
export interface Cell {
  readonly event: string;
  readonly hook: Behaviour;
  /** What differs from a run whose hook allows; `goes on` if nothing does. */
  readonly claude: string;
  /** `goes on`, or `blocked`; with the failure that was told, if there was one. */
  readonly ours: string;
  readonly relation: string;
}

export const tableFile = path.join(import.meta.dirname, 'differential.json');
export const readTable = (): readonly Cell[] =>
  JSON.parse(readFileSync(tableFile, 'utf8')) as readonly Cell[];

/** Plays a situation in Claude Code. `baseline`: the same with a hook that allows. */
export async function observeClaude(
  situation: Situation,
  hook: Behaviour,
  baseline: Seen | undefined,
): Promise<{ seen: Seen; said: string }> {
  const seen = await play(situation, hook);
  if (seen.fired === 0) throw new Error(`Claude Code did not fire ${situation.event}.`);
  return { seen, said: baseline === undefined ? 'goes on' : difference(baseline, seen) };
}

function difference(allowed: Seen, seen: Seen): string {
  const parts = [
    allowed.done && !seen.done ? 'the tool does not run' : undefined,
    !allowed.done && seen.done ? 'the new settings do not count' : undefined,
    seen.asked === allowed.asked
      ? undefined
      : `the model is asked ${seen.asked}x, not ${allowed.asked}x`,
    seen.told && !allowed.told ? 'the model is told' : undefined,
    seen.toolErrors > allowed.toolErrors ? 'the tool fails' : undefined,
    seen.answered === allowed.answered
      ? undefined
      : `the server gets ${seen.answered ?? 'nothing'}`,
    seen.compacted === allowed.compacted ? undefined : 'nothing is compacted',
    seen.result === allowed.result ? undefined : `it ends as ${seen.result}`,
    seen.code === allowed.code ? undefined : `exit code ${String(seen.code)}`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? 'goes on' : parts.join(', ');
}

/** The same program as a hook of ours, on the payload that Claude Code was recorded to send. */
export async function dispatchOurs(event: string, hook: Behaviour): Promise<Outcome> {
  const scene = setScene();
  const copy = `${scene.state}-probe.mjs`;
  copyFileSync(probe, copy);
  const argv = ['node', copy, event, hook, `${scene.state}-log`];
  const hooks = {
    [event]: [{ hooks: [{ type: 'command', argv, timeoutMs: hook === 'timeout' ? 400 : 60_000 }] }],
  };
  const place = { project: scene.project, agentRoots: [], path: scene.path };
  const table = await loadHookTable({
    layers: [{ tier: 'user', source: 'user.yaml', hooks }],
    place,
  });
  const engine = createHookEngine({ table, owner: scene.owner, ...place, environment: {} });
  const outcome = await engine.dispatch(event, recordedPayload(event));
  await engine.close();
  return outcome;
}

/** What came of it, in words for the table. */
export async function observeOurs(event: string, hook: Behaviour): Promise<string> {
  const outcome = await dispatchOurs(event, hook);
  const failure = outcome.results[0]?.failure?.kind;
  const told =
    failure === undefined
      ? outcome.reason === undefined
        ? ''
        : ': the reason is told'
      : `: ${failure}`;
  return `${outcome.blocked ? 'blocked' : 'goes on'}${told}`;
}

/** Of the recorded payloads of an event, the first. */
export function recordedPayload(event: string): JsonObject {
  const names: Readonly<Record<string, string>> = {
    ConfigChange: 'ConfigChange-project_settings',
    InstructionsLoaded: 'InstructionsLoaded-session_start',
    PostCompact: 'PostCompact-manual',
    PreCompact: 'PreCompact-manual',
    PostToolUse: 'PostToolUse-Bash',
    PreToolUse: 'PreToolUse-Bash',
    SessionStart: 'SessionStart-startup',
    Setup: 'Setup-init',
  };
  const file = path.join(
    import.meta.dirname,
    '../testdata/payloads',
    `${names[event] ?? event}.json`,
  );
  return (JSON.parse(readFileSync(file, 'utf8')) as { stdin: JsonObject }).stdin;
}

/** How the two behave to each other, in words for the table. */
export function relate(hook: Behaviour, claude: string, ours: string): string {
  // What cannot be parsed is text for the model where Claude Code takes text; that stops nothing.
  const isText = hook === 'garbage' && claude === 'the model is told';
  const [theyBlock, weBlock] = [claude !== 'goes on' && !isText, ours.startsWith('blocked')];
  if (theyBlock === weBlock)
    return isText
      ? 'the same: nothing is stopped; here garbage is no text for the model'
      : 'the same';
  if (theyBlock) return 'weaker';
  return hook === 'block'
    ? 'stricter: Claude Code leaves the decision to the person'
    : 'stricter: Claude Code fails open, we fail closed';
}
