import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createScriptedModel } from '../src/index.js';
import type { LoggedRequest, ScriptedModel, ScriptedModelOptions } from '../src/index.js';

/** A fresh directory, removed when the test ends. */
export function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'orch-scripted-model-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** A listening model that ends with the test, and a way to wait for its requests. */
export interface RunningModel {
  readonly model: ScriptedModel;
  readonly url: string;
  /** Resolves when a request arrived that fits; looks at earlier ones too. */
  readonly received: (fits: (request: LoggedRequest) => boolean) => Promise<LoggedRequest>;
}

export async function startModel(options: ScriptedModelOptions = {}): Promise<RunningModel> {
  const waiting = new Set<() => void>();
  const model = createScriptedModel({
    ...options,
    onRequest(request) {
      options.onRequest?.(request);
      for (const look of waiting) look();
    },
  });
  const { url } = await model.listen();
  onTestFinished(() => model.close());
  return {
    model,
    url,
    received: (fits) =>
      new Promise((resolve) => {
        const look = () => {
          const found = model.requests.find(fits);
          if (!found) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}
