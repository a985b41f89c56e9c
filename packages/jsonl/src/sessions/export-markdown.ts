import type { Pricing } from './price-table.js';
import { recordText } from './record-text.js';
import type { SessionFacts } from './session-facts.js';
import type { SessionRecord } from './session-record.js';
import { asFields, asText } from './token-counts.js';
import { createUsageLedger, type UsageTotals } from './usage-ledger.js';

// A map, because a record may be of the kind "constructor".
const headings = new Map(
  Object.entries({
    attempt: 'Task',
    'message.user': 'User',
    text: 'Agent',
    thinking: 'Agent thinks',
    'tool.called': 'Tool call',
    'tool.call': 'Tool call',
    'tool.returned': 'Tool result',
    'tool.result': 'Tool result',
    denied: 'Refused',
    denial: 'Refused',
    retrying: 'Asks again',
    output: 'Output',
    compaction: 'Compaction',
    end: 'End',
  }),
);

/**
 * A session as Markdown. What others wrote stands in fenced blocks that are longer than any fence in
 * it, so that it is text wherever it is shown: no markup, no images, no links, no HTML.
 */
export async function* markdownOf(
  facts: SessionFacts,
  records: () => AsyncIterable<SessionRecord>,
  pricing: Pricing,
): AsyncGenerator<string, void, undefined> {
  // The numbers stand at the end, so that one pass over the file is enough.
  yield `# Session ${facts.id}\n\n`;
  if (facts.startedAt !== undefined)
    yield `From ${moment(facts.startedAt)} to ${moment(facts.lastAt ?? '?')} (UTC).\n`;
  const ledger = createUsageLedger(pricing);
  for await (const record of records()) {
    ledger.add(record);
    yield section(record);
  }
  yield totals(ledger.totals());
}

function section(record: SessionRecord): string {
  const data = asFields(record.data) ?? {};
  const isNotice = record.kind === 'notice';
  if (isNotice && data['level'] === 'debug') return '';
  const text = recordText(record);
  if (text.trim() === '') return '';
  const heading = isNotice
    ? `Notice (${inline(asText(data['level']) ?? 'info')})`
    : (headings.get(record.kind) ?? `Record ${inline(record.kind)}`);
  const agent = asText(data['agent']);
  const who =
    record.kind !== 'attempt' && agent !== undefined ? ` · sub-agent ${inline(agent)}` : '';
  const failed = data['failed'] === true ? ' · failed' : '';
  return `\n## ${heading}${who}${failed} · ${moment(record.at.slice(0, 19))}\n\n${fenced(text)}`;
}

/** A fence that nothing in the text can close. */
function fenced(text: string): string {
  const shown = visible(text);
  let longest = 2;
  for (const [run] of shown.matchAll(/`+/g)) longest = Math.max(longest, run.length);
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${shown}${shown.endsWith('\n') ? '' : '\n'}${fence}\n`;
}

/** Words of others outside a fence: letters, digits and a few signs that mean nothing. */
const inline = (text: string): string => text.replaceAll(/[^\p{L}\p{N} ._-]/gu, '').slice(0, 80);

/** What of a time is one; a file of somebody else may have anything in its place. */
const moment = (at: string): string => at.replaceAll(/[^\dTZ:.-]/g, '');

/** What acts on a terminal, or turns the direction of reading, is written out. */
function visible(text: string): string {
  return text
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[^\P{Cc}\n\t]|\p{Cf}|[\u2028\u2029]/gu, (character) =>
      [...Array(character.length).keys()]
        .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
        .join(''),
    );
}

function totals({ models, total, unpriced }: UsageTotals): string {
  if (models.length === 0) return '';
  const lines = models.map(
    (model) =>
      `| ${inline(model.model)} | ${model.messages} | ${model.inputTokens} | ${model.outputTokens} | ${model.cacheWrite5mTokens} | ${model.cacheWrite1hTokens} | ${model.cacheReadTokens} | ${model.usd === null ? 'unknown' : `$${model.usd.toFixed(4)}`} |\n`,
  );
  const known = unpriced.length > 0 ? 'At least ' : '';
  return `
## Tokens

| model | messages | input | output | cache write 5m | cache write 1h | cache read | cost |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${lines.join('')}
${known}$${total.usd.toFixed(4)} by list prices or as the agent reported it.
`;
}
