import type { Json } from './json.js';

/** What agents ask besides answers: probes, lists of models, counts of tokens. */
export function answerSideRequest(
  method: string,
  path: string,
  body: string,
): { status: number; value: Json } {
  if (path.endsWith('/count_tokens'))
    return { status: 200, value: { input_tokens: estimateTokens(body) } };
  if (path.endsWith(':countTokens'))
    return { status: 200, value: { totalTokens: estimateTokens(body) } };
  if (method === 'GET' && path.endsWith('/models')) return { status: 200, value: modelList() };
  const [, id] = /\/models\/([^/:]+)$/.exec(path) ?? [];
  if (method === 'GET' && id !== undefined) return { status: 200, value: modelEntry(id) };
  if (method === 'HEAD' || (method === 'GET' && path === '/')) return { status: 200, value: {} };
  const message = `scripted-model: ${method} ${path} is no model endpoint: expected .../messages, .../chat/completions, .../responses or .../models/MODEL:generateContent`;
  return {
    status: 404,
    value: { type: 'error', error: { type: 'not_found_error', code: 404, message } },
  };
}

// A rule of thumb; nothing that is scripted depends on it.
function estimateTokens(body: string): number {
  return Math.ceil(body.length / 4);
}

// One entry that every dialect finds its fields in.
function modelEntry(id: string) {
  return {
    id,
    name: `models/${id}`,
    type: 'model',
    object: 'model',
    display_name: id,
    displayName: id,
    created: 0,
    created_at: '1970-01-01T00:00:00Z',
    owned_by: 'scripted-model',
    supportedGenerationMethods: ['generateContent', 'countTokens'],
    inputTokenLimit: 200_000,
    outputTokenLimit: 64_000,
  };
}

function modelList(): Json {
  const models = [modelEntry('scripted')];
  return {
    object: 'list',
    data: models,
    models,
    has_more: false,
    first_id: 'scripted',
    last_id: 'scripted',
  };
}
