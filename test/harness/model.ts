import { createScriptedModel, type LoggedRequest, type ScriptedModel } from '@orch/scripted-model';

/** A model on loopback that outlives the orch it answers, and keeps the log that witnesses read. */
export interface TestModel {
  readonly url: string;
  /** What a person with an API key has in the environment; the key is not one. */
  readonly env: Readonly<Record<string, string>>;
  readonly requests: readonly LoggedRequest[];
  close(): Promise<void>;
}

export async function startModel(
  options: Parameters<typeof createScriptedModel>[0] = {},
): Promise<TestModel> {
  const model: ScriptedModel = createScriptedModel(options);
  const { url } = await model.listen();
  return {
    url,
    env: { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'test-key-that-opens-nothing' },
    requests: model.requests,
    close: () => model.close(),
  };
}

/** A prompt with the model's answers in it. Tool paths are relative to the workspace: `{{match:...}}` finds it. */
export const scripted = (turns: readonly unknown[], text = 'Do the task.'): string =>
  `${text} <<<SCRIPT ${JSON.stringify(turns)} SCRIPT>>>`;

/** Claude Code names its directory in its system prompt; a script needs absolute paths. */
export const here = '{{match:Primary working directory: (\\S+)}}';
