import { asFields, asText, isNothing, readApiUsage } from './token-counts.js';

/** A record of a session, before it has its number. */
export interface DerivedRecord {
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * What a line of a Claude Code transcript tells, in the words of our sessions: at least one record
 * for every line, so that nothing is lost. What is not known is a `notice` that names its type.
 */
export function readTranscriptLine(line: Fields): readonly DerivedRecord[] {
  const records = derive(line);
  const type = asText(line['type']) ?? 'a line without a type';
  const subtype = asText(line['subtype']);
  if (records.length === 0)
    return [notice('debug', subtype === undefined ? type : `${type}/${subtype}`)];
  if (line['isSidechain'] !== true) return records;
  return records.map(({ kind, data }) => ({ kind, data: { ...data, sidechain: true } }));
}

function derive(line: Fields): readonly DerivedRecord[] {
  switch (line['type']) {
    case 'user':
      return readUser(line);
    case 'assistant':
      return readAssistant(line);
    case 'system':
      return readSystem(line);
    case 'summary': {
      const text = asText(line['summary']);
      return text === undefined ? [] : [notice('info', `Summary: ${text}`)];
    }
    default:
      return [];
  }
}

function readUser(line: Fields): readonly DerivedRecord[] {
  const content = asFields(line['message'])?.['content'];
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  if (!Array.isArray(blocks)) return [];
  // Claude Code speaks in the user's name as well: reminders, and the summary after a compaction.
  const isOwn = line['isMeta'] === true || line['isCompactSummary'] === true;
  return blocks.flatMap((value: unknown): DerivedRecord[] => {
    const block = asFields(value) ?? {};
    const text = asText(block['text']);
    if (block['type'] === 'text' && text !== undefined)
      return [{ kind: 'message.user', data: { text, ...(isOwn ? { synthetic: true } : {}) } }];
    if (block['type'] === 'tool_result') {
      const id = asText(block['tool_use_id']) ?? '';
      const failed = block['is_error'] === true;
      return [{ kind: 'tool.returned', data: { id, failed, text: textOf(block['content']) } }];
    }
    return [notice('info', `The user sent: ${asText(block['type']) ?? 'something'}`)];
  });
}

function readAssistant(line: Fields): readonly DerivedRecord[] {
  const message = asFields(line['message']) ?? {};
  const content: unknown = message['content'];
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [];
  if (message['model'] === '<synthetic>' || line['isApiErrorMessage'] === true) {
    const level = line['isApiErrorMessage'] === true ? 'error' : 'info';
    return [notice(level, textOf(content))];
  }
  const records = blocks.flatMap((value): DerivedRecord[] => {
    const block = asFields(value) ?? {};
    const said = (name: string): Readonly<Record<string, string>> => ({
      text: asText(block[name]) ?? '',
    });
    switch (block['type']) {
      case 'text':
        return [{ kind: 'text', data: said('text') }];
      case 'thinking':
        return [{ kind: 'thinking', data: said('thinking') }];
      case 'tool_use':
      case 'server_tool_use': {
        const { id, name, input } = block;
        return [{ kind: 'tool.called', data: { id, name, input: input ?? null } }];
      }
      default:
        return [notice('debug', `The agent sent: ${asText(block['type']) ?? 'something'}`)];
    }
  });
  return [...records, ...readUsage(message, line)];
}

function readUsage(message: Fields, line: Fields): readonly DerivedRecord[] {
  const usage = asFields(message['usage']);
  const messageId = asText(message['id']);
  if (!usage || messageId === undefined) return [];
  const counts = readApiUsage(usage);
  if (isNothing(counts)) return [];
  const speed = asText(usage['speed']);
  return [
    {
      kind: 'usage',
      data: {
        messageId,
        model: asText(message['model']) ?? 'unknown',
        ...(line['requestId'] === undefined ? {} : { requestId: line['requestId'] }),
        ...counts,
        cacheWriteTokens: counts.cacheWrite5mTokens + counts.cacheWrite1hTokens,
        ...(speed === undefined || speed === 'standard' ? {} : { speed }),
      },
    },
  ];
}

function readSystem(line: Fields): readonly DerivedRecord[] {
  if (line['subtype'] === 'compact_boundary') {
    const { trigger, preTokens, postTokens } = asFields(line['compactMetadata']) ?? {};
    const text = asText(line['content']) ?? 'Conversation compacted';
    return [{ kind: 'compaction', data: { text, trigger, preTokens, postTokens } }];
  }
  const text = asText(line['content']);
  const level = line['level'] === 'error' || line['level'] === 'warning' ? line['level'] : 'info';
  return text === undefined ? [] : [notice(level, text)];
}

/** The text of a tool's result or of a message: its text blocks, one after the other. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((value: unknown) => {
      const block = asFields(value) ?? {};
      return asText(block['text']) ?? `[${asText(block['type']) ?? 'something'}]`;
    })
    .join('\n');
}

function notice(level: 'debug' | 'info' | 'warning' | 'error', text: string): DerivedRecord {
  return { kind: 'notice', data: { level, text } };
}
