import type { HookLogLine, HookTable, Outcome, Proposal } from '@orch/core/hooks';
import { oneLine } from './neutral.js';
import type { Screen } from './screen.js';

/** A line for each hook that runs, then for each that does not. */
export function hookLines(
  screen: Screen,
  table: HookTable,
  unreadable: readonly string[],
): readonly string[] {
  const lines = [
    ...table.hooks.map(
      ({ id, event, matcher, allowedBy, spec, argv, source }) =>
        `${screen.style('green', '✔')} ${id}  ${event}${shown(matcher)}  ${spec.kind} ${oneLine(argv.join(' ') || ('url' in spec ? (spec.url ?? '') : ''))}  ${screen.style('dim', `${allowedBy}, ${source}`)}`,
    ),
    ...table.refused.flatMap(({ id, source, message, next }) => [
      `${screen.style('red', '✖')} ${id ?? '-'.repeat(12)}  ${oneLine(message)}  ${screen.style('dim', source)}`,
      ...(next === undefined ? [] : [`    next: ${next}`]),
    ]),
    ...unreadable.map(
      (file) =>
        `${screen.style('red', '✖')} the approval ${file} cannot be read; remove it and approve again`,
    ),
  ];
  return lines.length === 0
    ? ['No hooks here. They stand under hooks: in orch.settings.yaml.']
    : lines;
}

const shown = (matcher: string): string => (matcher === '' ? '' : ` ${JSON.stringify(matcher)}`);

/** Everything that a yes would pin. */
export function proposalLines(
  screen: Screen,
  { id, entry, project, pinned }: Proposal,
): readonly string[] {
  const { event, matcher, spec, where, source } = entry;
  return [
    `${screen.style('bold', id)}  ${where} of ${source}`,
    `  project    ${project}`,
    `  event      ${event}`,
    `  matcher    ${matcher === '' ? 'all' : JSON.stringify(matcher)}`,
    `  ${spec.kind.padEnd(10)} ${pinned.argv.some((part) => part !== '') ? pinned.argv.map((part) => JSON.stringify(part)).join(' ') : 'url' in spec ? spec.url : ''}`,
    ...(spec.env.length === 0 ? [] : [`  variables  ${spec.env.join(', ')}`]),
    `  time       ${spec.timeoutMs} ms`,
    ...pinned.files.map(({ source: file, sha256 }) => `  copied     ${file}  sha256 ${sha256}`),
    ...(pinned.files.length === 0
      ? []
      : ['  The copy runs, alone: what the file imports from beside it is not there.']),
  ].map((line) => screen.guard(line));
}

/** What every hook said, and what it comes to. */
export function outcomeLines(screen: Screen, outcome: Outcome): readonly string[] {
  const { blocked, decision = 'nothing', reason, results, refused, durationMs } = outcome;
  return [
    ...results.map(({ hook, where, answer, failure, durationMs: tookMs }) => {
      const said =
        failure === undefined
          ? (answer?.decision ?? 'nothing')
          : `${failure.kind}: ${oneLine(failure.message)}`;
      return `${screen.style(failure === undefined ? 'green' : 'red', failure === undefined ? '✔' : '✖')} ${hook}  ${where}  ${said}  ${tookMs.toFixed(1)} ms`;
    }),
    ...refused.map(({ message }) => `${screen.style('red', '✖')} did not run: ${oneLine(message)}`),
    `${outcome.event}: ${blocked ? screen.style('red', 'blocked') : 'not blocked'} (${decision}, ${durationMs.toFixed(1)} ms)`,
    ...(reason === undefined ? [] : [`  ${oneLine(reason)}`]),
  ];
}

/** A line for each event, and one below it for each hook that was not content. */
export function logLines(screen: Screen, lines: readonly HookLogLine[]): readonly string[] {
  return lines.flatMap(({ at, event, blocked, decision, durationMs, hooks, refused }) => [
    `${at}  ${event}  ${blocked ? screen.style('red', 'blocked') : decision}  ${durationMs} ms`,
    ...hooks
      .filter(({ message }) => message !== undefined)
      .map(({ where, said, message = '' }) => `    ${where}  ${said}: ${oneLine(message)}`),
    ...refused.map(({ message }) => `    did not run: ${oneLine(message)}`),
  ]);
}
