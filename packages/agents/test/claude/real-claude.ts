import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProcessOwner, type ProcessOwner } from '@orch/process';
import { onTestFinished } from 'vitest';
import { createScriptedModel, type ScriptedModel } from '@orch/scripted-model';
import type { AgentDriver, AgentEvent, ClaudeTurnRequest, TurnEnded } from '../../src/index.js';
import { createClaudeDriver } from '../../src/index.js';

const repository = join(import.meta.dirname, '..', '..', '..', '..');

/** The real program. Tests fail without it: they are about it. */
export function realClaude(): string {
  const path =
    process.env['ORCH_TEST_CLAUDE'] ??
    join(repository, '.peers', 'claude-code', 'node_modules', '.bin', 'claude');
  if (!fs.existsSync(path)) {
    throw new Error(
      `The real Claude Code is needed for this test and is not at ${path}. ` +
        'Install it there (npm install --prefix .peers/claude-code @anthropic-ai/claude-code), or set ORCH_TEST_CLAUDE.',
    );
  }
  return path;
}

export const testKey = 'sk-test-0123456789-abcdefghij';

export interface Scene {
  readonly root: string;
  readonly workspace: string;
  readonly configDirectory: string;
  readonly owner: ProcessOwner;
  readonly model: ScriptedModel;
  readonly driver: AgentDriver<ClaudeTurnRequest>;
  /** A request whose prompt is `text`, answered by `turns`. */
  ask(turns: readonly unknown[], more?: Partial<ClaudeTurnRequest>): ClaudeTurnRequest;
}

/** A workspace, a model and a driver of the real program, removed after the test. */
export async function setScene(): Promise<Scene> {
  const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'orch-agents-')));
  const workspace = join(root, 'workspace');
  fs.mkdirSync(workspace);
  const model = createScriptedModel({ record: 'full' });
  const { url } = await model.listen();
  const owner = createProcessOwner({ marker: `agents-test-${randomUUID()}` });
  onTestFinished(async () => {
    await owner.close();
    await model.close();
    fs.rmSync(root, { recursive: true, force: true });
  });
  const configDirectory = join(root, 'claude');
  return {
    ...{ root, workspace, configDirectory, owner, model },
    driver: createClaudeDriver({ executable: realClaude() }),
    ask: (turns, more) => ({
      cwd: workspace,
      env: { PATH: process.env['PATH'] ?? '' },
      configDirectory,
      prompt: `Do the task. ${script(turns)}`,
      credentials: { ANTHROPIC_API_KEY: testKey, ANTHROPIC_BASE_URL: url },
      limits: { wallMs: 60_000 },
      ...more,
    }),
  };
}

/** What the scripted model answers when it reads this in a prompt. */
export function script(turns: readonly unknown[]): string {
  return `<<<SCRIPT ${JSON.stringify(turns)} SCRIPT>>>`;
}

export interface Told {
  readonly events: readonly AgentEvent[];
  readonly end: TurnEnded;
}

/** Runs a turn to its end; `onEvent` sees each event as it comes. */
export async function runTurn(
  scene: Scene,
  request: ClaudeTurnRequest,
  onEvent: (event: AgentEvent, cancel: () => void) => void = () => undefined,
): Promise<Told> {
  const turn = await scene.driver.start(request, { owner: scene.owner });
  const events: AgentEvent[] = [];
  for await (const event of turn.events) {
    events.push(event);
    onEvent(event, () => turn.cancel());
  }
  const end = events.at(-1);
  const ends = events.filter((event) => event.kind === 'end');
  if (end?.kind !== 'end' || ends.length !== 1)
    throw new Error('A turn must end with one end event.');
  return { events, end };
}
