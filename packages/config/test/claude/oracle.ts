import { createClaudeSettings } from '../../src/claude/index.js';
import { isObject, type Json, type JsonObject } from '../../src/json.js';
import { askClaude, setStage, type Layers } from './real-claude.js';

/** What we say, and what the real Claude Code says about the same files. */
export async function compareWithClaude(root: string, layers: Layers) {
  const stage = setStage(root, layers);
  const { flag } = stage;
  const loaded = await createClaudeSettings({
    ...stage.places,
    ...(flag === undefined ? {} : { flag }),
  }).load();
  const answer = await askClaude(stage, 'get_settings');
  if (answer === 'refused to start') return { ours: loaded.value ?? answer, theirs: answer };
  return { ours: explain(loaded.value, layers), theirs: answer['effective'] };
}

/** The one known difference that these layers can show: `availableModels` of a policy replaces. */
function explain(settings: JsonObject | undefined, layers: Layers): Json | undefined {
  const policies = [
    layers.managed,
    ...Object.entries(layers.dropIns ?? {})
      .filter(([name]) => /^[^.].*\.json$/.test(name))
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([, policy]) => policy),
  ];
  const models = policies.flatMap((policy) => {
    const list = isObject(policy) ? policy['availableModels'] : undefined;
    return Array.isArray(list) ? (list as Json[]) : [];
  });
  if (settings === undefined || models.length === 0) return settings;
  return { ...settings, availableModels: [...new Set(models)] };
}
