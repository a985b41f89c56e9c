import { behindGutter, neutral, oneLine } from './neutral.js';
import type { Screen } from './screen.js';

/** A record of a session as lines: the time once, and what follows behind a gutter. */
export function sessionLines(
  screen: Screen,
  entry: { readonly kind: string; readonly at: string; readonly data: unknown },
): readonly string[] {
  const text = describe(entry.kind, fields(entry.data));
  if (text.trim() === '') return [];
  const [first = '', ...more] = behindGutter(text, '');
  return [
    `${screen.style('dim', entry.at.slice(11, 19))} ${first}`,
    ...more.map((line) => `${screen.style('dim', '       │')} ${line}`),
  ];
}

type Fields = (name: string) => string;

function fields(data: unknown): Fields {
  const record = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>;
  return (name) => {
    const value = record[name];
    if (value === undefined) return '';
    return neutral(typeof value === 'string' ? value : JSON.stringify(value));
  };
}

function describe(kind: string, field: Fields): string {
  const error = field('error');
  switch (kind) {
    case 'attempt': {
      const stamp = field('stamp') === '' ? '' : ` ${field('stamp')}`;
      return `attempt ${field('attempt')} of ${oneLine(field('task'))} (${field('agent')})${stamp}\n${field('prompt') || field('argv')}`;
    }
    case 'message.user':
      return field('synthetic') === 'true' ? '' : `? ${field('text')}`;
    case 'compaction':
      return `(${field('text')})`;
    case 'text':
      return field('text');
    case 'output':
      return `${field('part') === 'end' ? '…' : ''}${field('text')}${field('part') === 'start' ? '…' : ''}`;
    case 'thinking':
      return `(thinks) ${field('text')}`;
    case 'tool.called':
      return `→ ${field('name')} ${field('input')}`;
    case 'tool.returned':
      return `← ${field('text')}`;
    case 'denied':
      return `✖ refused: ${field('tool')} ${field('input')} (${field('reason')})`;
    case 'notice':
      return field('level') === 'debug' ? '' : `(${field('text')})`;
    case 'retrying':
      return `(asks again: ${field('reason')})`;
    case 'end':
      return `■ ${field('outcome')}${error === '' ? '' : `: ${error}`}`;
    default:
      return '';
  }
}
