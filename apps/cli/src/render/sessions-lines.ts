import type {
  FailedImport,
  ImportOutcome,
  ListedSession,
  ModelUsage,
  UsageReport,
} from '@orch/core/sessions';
import { cells, fit } from './cells.js';
import { oneLine } from './neutral.js';
import { counted } from './run-lines.js';
import type { Screen } from './screen.js';

/** A line for each session. */
export function sessionList(screen: Screen, sessions: readonly ListedSession[]): readonly string[] {
  const columns = screen.size().columns;
  const rows = sessions.map((session) => [
    session.name,
    oneLine((session.startedAt ?? session.modifiedAt).slice(0, 16).replace('T', ' ')),
    size(session.bytes),
    stateOf(session),
    screen.style('dim', oneLine(session.title ?? '')),
  ]);
  return table(rows, [false, false, true, false, false]).map((line) => fit(line, columns));
}

function stateOf(session: ListedSession): string {
  if (session.live) return 'running';
  if (session.newerFormat) return 'of a newer orch';
  if (session.unreadable !== undefined) return 'unreadable';
  const state =
    session.origin === 'imported' ? 'imported' : oneLine(session.outcome ?? 'interrupted');
  return session.rehearsal ? `${state} REHEARSAL` : state;
}

/** Tokens and cost by model, and what is not in the sum. */
export function usageLines(screen: Screen, report: UsageReport): readonly string[] {
  const { models, total, unpriced, sessions, rehearsals, unreadable = [] } = report;
  const lines: string[] = [];
  if (models.length > 0) {
    const head = [
      'model',
      'messages',
      'input',
      'output',
      'write 5m',
      'write 1h',
      'read',
      'cost',
      'by',
    ];
    const rows = models.map((model) => [
      oneLine(model.model),
      ...numbers(model),
      dollars(model.usd),
      model.basis,
    ]);
    const right = head.map((_, index) => index > 0 && index < 8);
    const sum = ['total', ...numbers(total), dollars(total.usd), ''];
    const [first = '', ...rest] = table([head, ...rows, sum], right);
    lines.push(
      screen.style('dim', first),
      ...rest.slice(0, -1),
      screen.style('bold', rest.at(-1) ?? ''),
    );
  }
  for (const { model, tokens, missing } of unpriced) {
    lines.push(
      `${screen.style('yellow', 'no price')} for ${grouped(tokens)} tokens of ${oneLine(model)} (${reasons[missing]}): they are not in the total. Give one with: --prices FILE`,
    );
  }
  for (const { name, code } of unreadable)
    lines.push(
      `${screen.style('yellow', 'not read')}: ${oneLine(name)} (${code}): what is missing of it is not in the total`,
    );
  if (rehearsals > 0)
    lines.push(screen.style('dim', `${counted(rehearsals, 'session')} of rehearsals not counted`));
  lines.push(
    models.length === 0
      ? `No tokens are recorded in ${counted(sessions, 'session')}.`
      : `${counted(sessions, 'session')} · ${unpriced.length + unreadable.length > 0 ? 'at least ' : ''}${dollars(total.usd)}, estimated by list prices where the agent did not say`,
  );
  return lines;
}

const reasons: Readonly<Record<UsageReport['unpriced'][number]['missing'], string>> = {
  model: 'the model is not in the list',
  speed: 'not for this speed',
  searches: 'searches have none',
  prompt_length: 'it depends on the length of each prompt',
  agent: 'the agent did not say what it cost',
};

const numbers = (counts: Omit<ModelUsage, 'model' | 'usd' | 'basis'>): readonly string[] =>
  [
    counts.messages,
    counts.inputTokens,
    counts.outputTokens,
    counts.cacheWrite5mTokens,
    counts.cacheWrite1hTokens,
    counts.cacheReadTokens,
  ].map(grouped);

/** What became of one transcript, with everything that was found wrong in it. */
export function importLines(
  screen: Screen,
  outcome: ImportOutcome | FailedImport,
): readonly string[] {
  if (outcome.kind === 'failed') {
    const { path, message, code } = outcome;
    return [
      `${screen.style('red', 'failed')}    ${oneLine(path)}`,
      `    ${oneLine(message)} (${code})`,
    ];
  }
  const { kind, id, files, source } = outcome;
  const agents = files.length - 1;
  const facts = [
    counted(source.linked, 'line'),
    agents > 0 ? counted(agents, 'sub-agent') : '',
    size(source.bytes),
  ].filter(Boolean);
  const color = kind === 'kept' ? 'yellow' : kind === 'unchanged' ? 'dim' : 'green';
  const lines = [
    `${screen.style(color, kind.padEnd(9))} ${id} ${screen.style('dim', facts.join(' · '))}`,
  ];
  if (kind === 'kept') lines.push(`    not imported: ${oneLine(outcome.reason)}`);
  for (const file of files) {
    const where = file.agent === undefined ? '' : `sub-agent ${oneLine(file.agent)}: `;
    for (const { kind: fault, line, byteStart, byteEnd } of file.faults.slice(0, 5))
      lines.push(
        `    ${screen.style('yellow', 'damage')}: ${where}line ${line}, bytes ${byteStart} to ${byteEnd}: ${fault}`,
      );
    if (file.faultCount > 5) lines.push(`    and ${file.faultCount - 5} more damaged places`);
    for (const link of file.brokenLinks.slice(0, 5))
      lines.push(
        `    ${screen.style('yellow', 'link')}: ${where}line ${link.line}: ${link.kind}${link.expected === undefined ? '' : ` ${oneLine(link.expected)}`}`,
      );
    if (file.brokenLinkCount > 5)
      lines.push(`    and ${file.brokenLinkCount - 5} more links that do not hold`);
  }
  return lines;
}

/** Sizes as people read them. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const unit = Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** unit).toFixed(1)} ${['B', 'kB', 'MB', 'GB'][unit] ?? ''}`;
}

const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ' ');

const dollars = (usd: number | null): string =>
  usd === null ? 'unknown' : `$${usd.toFixed(usd !== 0 && usd < 1 ? 4 : 2)}`;

function table(rows: readonly (readonly string[])[], right: readonly boolean[]): readonly string[] {
  const widths = right.map((_, column) => Math.max(...rows.map((row) => cells(row[column] ?? ''))));
  return rows.map((row) =>
    row
      .map((text, column) => {
        const space = ' '.repeat(Math.max(0, (widths[column] ?? 0) - cells(text)));
        return right[column] ? space + text : text + space;
      })
      .join('  ')
      .trimEnd(),
  );
}
