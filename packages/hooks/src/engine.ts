import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ProcessOwner } from '@orch/process';
import { eventFacts } from './events/event.js';
import { HooksError } from './hooks-error.js';
import { isJsonObject, own, type JsonObject } from './json.js';
import { createHookIndex, type HookIndex } from './matcher/hook-index.js';
import { runCommand } from './run/command.js';
import { expandAllowed, hookEnvironment } from './run/environment.js';
import { createFunctionThread, type FunctionThread } from './run/function.js';
import { postPayload } from './run/http.js';
import { sendNotice } from './run/notice.js';
import { combine, type Outcome } from './run/outcome.js';
import { failed, type Delivery, type HookResult, type Ran } from './run/result.js';
import { createWarmProcess, type WarmProcess } from './run/warm.js';
import type { HookTable, RunnableHook } from './trust/load-table.js';

export interface EngineOptions {
  /** Of `loadHookTable`, or of `readTableFile`. */
  readonly table: Pick<HookTable, 'hooks' | 'refused'>;
  /** Starts what hooks start, and answers for their end. */
  readonly owner: ProcessOwner;
  /** The main worktree, for `CLAUDE_PROJECT_DIR`. */
  readonly project: string;
  /** Where the variables come from that hooks are allowed to see. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A `PATH` without places that agents can write; see `safePath`. */
  readonly path: string;
  /** Told of each event for which a hook ran or was refused, before `dispatch` resolves. */
  onOutcome?(outcome: Outcome): void;
}

export interface HookEngine {
  /**
   * Runs every matching hook of an event in parallel, identical ones once, and combines what they say.
   * What a hook does wrong is part of the outcome. Rejects with `ORCH_HOOKS_EVENT`, `_PAYLOAD` or `_CLOSED`.
   */
  dispatch(
    event: string,
    payload: JsonObject,
    options?: {
      readonly signal?: AbortSignal;
      /** No hook may take longer than this, whatever it asks for. */
      readonly deadlineMs?: number;
    },
  ): Promise<Outcome>;
  /** Ends warm programs and threads; the owner stays open. */
  close(): Promise<void>;
}

/** Longest time for which warm programs and threads are shared: as long as the engine. */
export function createHookEngine(options: EngineOptions): HookEngine {
  const { table, owner, project, environment, path } = options;
  const index: HookIndex = createHookIndex(table);
  const warm = new Map<string, WarmProcess>();
  const threads = new Map<string, FunctionThread>();
  const quiet = new Map<string, Outcome>();
  let closed = false;

  async function run(hook: RunnableHook, delivery: Delivery): Promise<Ran> {
    const changed = await findTampered(hook);
    if (changed !== undefined)
      return failed('tampered', `${changed} is not what was approved. Approve the hook again.`);
    const { spec } = hook;
    switch (spec.kind) {
      case 'command':
      case 'shell':
        return runCommand(owner, hook.argv, delivery);
      case 'warm':
        return kept(warm, JSON.stringify([hook.argv, spec.env]), () =>
          createWarmProcess(owner, hook.argv),
        ).ask(delivery);
      case 'function':
        return kept(threads, JSON.stringify([hook.argv, spec.env]), () =>
          createFunctionThread(hook.argv[0] ?? ''),
        ).ask(delivery);
      case 'http': {
        const headers = Object.entries(spec.headers).map(([name, text]): [string, string] => [
          name,
          expandAllowed(text, spec.env, environment),
        ]);
        return postPayload({ url: spec.url, headers: Object.fromEntries(headers) }, delivery);
      }
      case 'notice':
        return sendNotice(owner, spec, delivery);
    }
  }

  async function measured(hook: RunnableHook, delivery: Delivery): Promise<HookResult> {
    const startedMs = performance.now();
    const ran = await run(hook, delivery).catch((error: unknown) =>
      failed(
        'crash',
        `it could not be run: ${error instanceof Error ? error.message : String(error)}`,
      ),
    );
    const { tier, source, where, id, spec } = hook;
    const durationMs = performance.now() - startedMs;
    return { hook: id, tier, source, where, kind: spec.kind, ...ran, durationMs };
  }

  return {
    async dispatch(event, payload, { signal, deadlineMs = Infinity } = {}) {
      if (closed)
        throw new HooksError('ORCH_HOOKS_CLOSED', `${event} ran no hooks: the engine is closed.`);
      const facts = eventFacts(event);
      requirePayload(event, payload);
      const found = index.find(event, facts, payload);
      if (found.hooks.length === 0 && found.refused.length === 0) {
        const known = quiet.get(event) ?? combine(event, facts, [], [], 0);
        quiet.set(event, known);
        return known;
      }
      const startedMs = performance.now();
      const text = JSON.stringify({ ...payload, hook_event_name: event });
      const results = await Promise.all(
        found.hooks.map((hook) =>
          measured(hook, {
            event,
            facts,
            payload: text,
            timeoutMs: Math.max(1, Math.min(hook.spec.timeoutMs, deadlineMs)),
            env: hookEnvironment({
              outer: environment,
              path,
              allowed: hook.spec.env,
              project,
              event,
            }),
            ...(signal === undefined ? {} : { signal }),
          }),
        ),
      );
      const outcome = combine(event, facts, results, found.refused, performance.now() - startedMs);
      options.onOutcome?.(outcome);
      return outcome;
    },
    async close() {
      closed = true;
      await Promise.all([...warm.values(), ...threads.values()].map((one) => one.close()));
    },
  };
}

function requirePayload(event: string, payload: unknown): void {
  const named = isJsonObject(payload) ? (own(payload, 'hook_event_name') ?? event) : undefined;
  if (named === event) return;
  throw new HooksError(
    'ORCH_HOOKS_PAYLOAD',
    named === undefined
      ? `The payload of ${event} must be a JSON object.`
      : `The payload of ${event} says that it is one of ${JSON.stringify(named).slice(0, 80)}.`,
    { details: { event } },
  );
}

function kept<T>(all: Map<string, T>, id: string, make: () => T): T {
  const found = all.get(id) ?? make();
  all.set(id, found);
  return found;
}

/** A copy whose bytes are not those that were approved, or that is gone. */
async function findTampered(hook: RunnableHook): Promise<string | undefined> {
  for (const { copy, sha256 } of hook.files) {
    const content = await readFile(copy).catch(() => undefined);
    if (content === undefined || createHash('sha256').update(content).digest('hex') !== sha256)
      return copy;
  }
  return undefined;
}
