import type { JsonObject } from '../json.js';

/** What a server says of itself to whoever uses it, by the lists that it gives; and its instructions. */
export type DefinitionPart = 'tools' | 'prompts' | 'resources' | 'templates' | 'instructions';

interface PartKind {
  /** One of them, in a sentence. */
  readonly noun: string;
  /** The field by which one is named. */
  readonly key: string;
  /** All that a model is told of it. */
  readonly fields: readonly string[];
}

const said = ['title', 'description'];

export const partKinds: Readonly<Record<DefinitionPart, PartKind>> = {
  tools: {
    noun: 'tool',
    key: 'name',
    fields: ['name', ...said, 'inputSchema', 'outputSchema', 'annotations'],
  },
  prompts: { noun: 'prompt', key: 'name', fields: ['name', ...said, 'arguments'] },
  // Not their sizes and the times of their changes, which are of what they hold.
  resources: { noun: 'resource', key: 'uri', fields: ['uri', 'name', ...said, 'mimeType'] },
  templates: {
    noun: 'template',
    key: 'uriTemplate',
    fields: ['uriTemplate', 'name', ...said, 'mimeType'],
  },
  instructions: { noun: 'text', key: 'name', fields: ['name', 'instructions'] },
};

export const parts = Object.keys(partKinds) as readonly DefinitionPart[];

export function nameOf(part: DefinitionPart, definition: JsonObject): string {
  const name = definition[partKinds[part].key];
  return typeof name === 'string' ? name : '';
}
