import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createProcessOwner, type ProcessOwner } from '@orch/process';
import { onTestFinished } from 'vitest';
import {
  createHookEngine,
  loadHookTable,
  openApprovals,
  safePath,
  type ApprovalStore,
  type HookEngine,
  type HookLayer,
  type HookPolicy,
  type HookTable,
  type Outcome,
  type Tier,
} from '../src/index.js';

/** A project, a state directory beside it, and what runs hooks; all removed after the test. */
export interface Scene {
  readonly project: string;
  readonly state: string;
  readonly path: string;
  readonly owner: ProcessOwner;
  readonly approvals: ApprovalStore;
  /** Writes a file into the project; executable if it begins with `#!`. */
  write(name: string, text: string): string;
  load(
    hooks: unknown,
    more?: { tier?: Tier; policy?: HookPolicy; layers?: readonly HookLayer[] },
  ): Promise<HookTable>;
  engine(table: HookTable, more?: { environment?: Readonly<Record<string, string>> }): HookEngine;
  /** Loads hooks of the user, runs one event, and lets go of them. */
  dispatch(hooks: unknown, event: string, payload?: object): Promise<Outcome>;
}

export function setScene(): Scene {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'orch-hooks-')));
  const [project, state] = [path.join(root, 'project'), path.join(root, 'state')];
  mkdirSync(project);
  const owner = createProcessOwner({ marker: `hooks-test-${randomUUID()}` });
  const engines: HookEngine[] = [];
  onTestFinished(async () => {
    for (const engine of engines) await engine.close();
    await owner.close();
    rmSync(root, { recursive: true, force: true });
  });
  const search = safePath(`${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, [
    project,
  ]);
  const approvals = openApprovals({ directory: state, agentRoots: [project] });
  const scene: Scene = {
    ...{ project, state, path: search, owner, approvals },
    write(name, text) {
      const file = path.join(project, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
      if (text.startsWith('#!')) chmodSync(file, 0o755);
      return file;
    },
    load(hooks, { tier = 'user', policy, layers = [] } = {}) {
      return loadHookTable({
        layers: [{ tier, source: `${tier}.yaml`, hooks }, ...layers],
        place: { project, agentRoots: [project], path: search },
        approvals,
        ...(policy === undefined ? {} : { policy }),
      });
    },
    engine(table, { environment = {} } = {}) {
      const engine = createHookEngine({ table, owner, project, path: search, environment });
      engines.push(engine);
      return engine;
    },
    async dispatch(hooks, event, payload = bash) {
      return scene.engine(await scene.load(hooks)).dispatch(event, payload as typeof bash);
    },
  };
  return scene;
}

/** A call of the Bash tool. */
export const bash = { tool_name: 'Bash', tool_input: { command: 'ls' }, tool_use_id: 'toolu_001' };

/** Hooks of one event in one group. */
export const on = (event: string, ...hooks: readonly object[]): object => ({
  [event]: [{ hooks }],
});
export const onMatch = (event: string, matcher: string, ...hooks: readonly object[]): object => ({
  [event]: [{ matcher, hooks }],
});

/** A command hook that is a program text for node. */
export const node = (program: string, more: object = {}): object => ({
  type: 'command',
  argv: ['node', '-e', program],
  ...more,
});
/** A command hook that prints something. */
export const prints = (text: string, more: object = {}): object =>
  node(`process.stdout.write(${JSON.stringify(text)})`, more);
export const sh = (line: string, more: object = {}): object => ({
  type: 'command',
  argv: ['sh', '-c', line],
  ...more,
});
