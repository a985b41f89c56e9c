import type { SessionRecord } from './session-record.js';
import { asFields, asText } from './token-counts.js';

/** What a record says, in words: what is searched and exported. Empty for records that say nothing. */
export function recordText(record: SessionRecord): string {
  const data = asFields(record.data) ?? {};
  const text = (name: string): string => readable(data[name]);
  switch (record.kind) {
    case 'attempt':
      return text('prompt') || text('argv');
    case 'tool.called':
    case 'tool.call':
      return `${text('name')} ${text('input')}`;
    case 'denied':
    case 'denial':
      return `${text('tool')} ${text('input')}\n${text('reason')}`;
    case 'retrying':
      return text('reason');
    case 'end':
      return [text('outcome'), text('error'), text('summary')].filter(Boolean).join('\n');
    case 'usage':
    case 'session.started':
    case 'import':
    case 'import.done':
      return '';
    default:
      return text('text') || (typeof record.data === 'string' ? record.data : '');
  }
}

function readable(value: unknown): string {
  if (value === undefined || value === null) return '';
  try {
    return asText(value) ?? JSON.stringify(value, undefined, 2);
  } catch {
    // Reading takes any depth, writing does not; all else that was said is worth having.
    return '(too large or nested too deeply to be shown)';
  }
}

/** The first thing that somebody asked for, on one line, or undefined when this record is no question. */
export function questionOf(record: SessionRecord): string | undefined {
  if (record.kind !== 'attempt' && record.kind !== 'message.user') return undefined;
  if (asFields(record.data)?.['synthetic'] === true) return undefined;
  const line = recordText(record).replace(/\s+/gu, ' ').trim();
  return line === '' ? undefined : line.slice(0, 200);
}
