import path from 'node:path';
import type { AgentRequest, Json, JsonObject } from '@orch/coordinator';
import type { Turn } from '@orch/scripted-model';

/**
 * What the model does for a task that no script speaks of: the least that its declaration asks for. A
 * task with an effect writes one file inside `writes`; a declared output gets a value that fits.
 */
export function improvise(
  request: AgentRequest,
  writes: readonly string[],
  effect: 'diff' | 'none',
): readonly Turn[] {
  const turns: Turn[] = [];
  if (effect === 'diff') {
    turns.push({
      tool: 'Write',
      input: {
        file_path: path.join(request.workspace, placeFor(request.task, writes)),
        content: `REHEARSAL: ${request.label} would have worked here.\n`,
      },
    });
  }
  if (request.output?.kind === 'schema')
    turns.push({ tool: 'StructuredOutput', input: sample(request.output.schema) as JsonObject });
  turns.push({
    text: `REHEARSAL: ${request.label} did what its declaration asks for, and nothing real.`,
  });
  return turns;
}

/** A path that the first glob of `writes` covers. */
function placeFor(task: string, writes: readonly string[]): string {
  const glob = writes[0];
  if (glob === undefined) return `rehearsal-${task}.md`;
  if (!/[*?[]/.test(glob)) return glob.endsWith('/') ? `${glob}rehearsal-${task}.md` : glob;
  const parts = glob
    .split('/')
    .map((part) =>
      part === '**' ? '' : part.replaceAll(/\*+|\?|\[[^\]]*\]/g, `rehearsal-${task}`),
    );
  const file = parts.filter(Boolean).join('/');
  return glob.endsWith('**') ? `${file === '' ? '' : `${file}/`}rehearsal-${task}.md` : file;
}

/** A small value that fits a schema. */
export function sample(schema: JsonObject): Json {
  const options = schema['enum'];
  if (Array.isArray(options)) return (options[0] as Json | undefined) ?? null;
  if (schema['const'] !== undefined) return schema['const'];
  const type = Array.isArray(schema['type'])
    ? (schema['type'] as readonly Json[])[0]
    : schema['type'];
  switch (type) {
    case 'object': {
      const properties = (schema['properties'] ?? {}) as JsonObject;
      return Object.fromEntries(
        Object.entries(properties).map(([name, value]) => [name, sample(value as JsonObject)]),
      );
    }
    case 'array':
      return schema['items'] === undefined ? [] : [sample(schema['items'] as JsonObject)];
    case 'integer':
    case 'number':
      return typeof schema['minimum'] === 'number' ? schema['minimum'] : 1;
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return 'REHEARSAL';
  }
}
