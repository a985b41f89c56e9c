import type { Handshake } from '../engine/engine.js';
import type { McpServer } from '../hub/mcp-server.js';
import { McpError } from '../mcp-error.js';
import { changedTransport, type Remains, type Wire } from '../transport/transport.js';
import { partKinds, type DefinitionPart } from '../safety/definition-part.js';
import type { DefinitionChange } from '../safety/definition-pin.js';
import type { DefinitionReport } from '../safety/guard.js';
import type { Host } from './host.js';
import { openSource, type Source, type SourceFlags } from './open-server.js';
import { errorFacts, exitCode } from './report.js';
import { behindGutter, oneLine } from './terminal-text.js';

interface Flags extends SourceFlags {
  readonly json?: boolean;
}

interface Count {
  readonly count: number;
  readonly ms: number;
}

/** What was found out about one server. Times in ms. */
interface Examination {
  readonly server: string;
  readonly ok: boolean;
  readonly startMs?: number;
  readonly closeMs?: number;
  readonly handshake?: Handshake;
  readonly tools?: Count;
  readonly resources?: Count;
  readonly templates?: Count;
  readonly prompts?: Count;
  /** What is not as it was pinned, or is suspicious. */
  readonly definitions?: DefinitionReport;
  readonly pingMs?: number;
  /** Lines on its stdout that are no messages. */
  readonly noise: number;
  readonly remains?: Remains;
  readonly error?: unknown;
}

/** `doctor [SERVER…]`: starts each server, asks it for everything it lists, ends it, and explains. 7 if one fails. */
export async function doctorVerb(
  host: Host,
  wanted: readonly string[],
  flags: Flags,
): Promise<number> {
  const source = await openSource(host, flags);
  const found: Examination[] = [];
  try {
    // One after the other: their times shall be theirs.
    for (const name of wanted.length > 0 ? wanted : source.names) {
      if (host.signal.aborted) break;
      const examination = await examine(source, name, host.signal);
      found.push(examination);
      if (!flags.json) for (const line of linesOf(examination, host.program)) host.line(line);
    }
  } finally {
    await source.close();
  }
  if (flags.json)
    host.json(
      found.map(({ error, ...facts }) =>
        error === undefined ? facts : { ...facts, error: errorFacts(error) },
      ),
    );
  if (host.signal.aborted) return exitCode.interrupted;
  return found.every(({ ok }) => ok) ? exitCode.ok : exitCode.environment;
}

const lists = ['tools', 'resources', 'templates', 'prompts'] as const;

/** What was told of all parts, each as it was told last. */
function merged(reports: readonly DefinitionReport[]): DefinitionReport | undefined {
  const latest = new Map<DefinitionPart, DefinitionReport>();
  for (const report of reports) {
    const { changes, findings, firstPinned = [] } = report;
    const part = changes[0]?.part ?? findings[0]?.part ?? firstPinned[0];
    if (part !== undefined) latest.set(part, report);
  }
  const all = [...latest.values()];
  if (all.length === 0) return undefined;
  return {
    changes: all.flatMap(({ changes }) => changes),
    findings: all.flatMap(({ findings }) => findings),
    firstPinned: all.flatMap(({ firstPinned = [] }) => firstPinned),
  };
}

/** What was there when it was pinned and is gone is no hindrance. */
const hinders = ({ kind }: DefinitionChange): boolean => kind !== 'removed';

async function timed<T>(work: Promise<T>): Promise<readonly [T, number]> {
  const beganMs = performance.now();
  const value = await work;
  return [value, Math.round(performance.now() - beganMs)];
}

async function examine(source: Source, name: string, signal: AbortSignal): Promise<Examination> {
  let noise = 0;
  let remains: Remains | undefined;
  const reports: DefinitionReport[] = [];
  const facts: { -readonly [Key in keyof Examination]?: Examination[Key] } = {};
  try {
    const { server, hub } = source.open(name, {
      wire: watchEnd((end) => (remains = end)),
      onEvent(_server, event) {
        if (event.type === 'noise') noise += 1;
        else if (event.type === 'definitions') reports.push(event);
      },
    });
    try {
      [facts.handshake, facts.startMs] = await timed(server.ready(signal));
      await count(server, facts, signal);
    } finally {
      [, facts.closeMs] = await timed(hub.close());
    }
    const definitions = merged(reports);
    const ok = definitions?.changes.some(hinders) !== true;
    const known = { ...(definitions && { definitions }), ...(remains && { remains }) };
    return { server: name, ok, noise, ...facts, ...known };
  } catch (error) {
    return { server: name, ok: false, noise, ...facts, error, ...(remains && { remains }) };
  }
}

async function count(
  server: McpServer,
  facts: { -readonly [Key in (typeof lists)[number] | 'pingMs']?: Examination[Key] },
  signal: AbortSignal,
): Promise<void> {
  for (const list of lists) {
    const listing = list === 'templates' ? 'resourceTemplates' : list;
    const [items, ms] = await timed<readonly unknown[]>(server[listing]({ signal }));
    facts[list] = { count: items.length, ms };
  }
  [, facts.pingMs] = await timed(server.ping({ signal }));
}

/** What is left of a server when it has ended: its stderr, too, though nothing went wrong. */
const watchEnd =
  (ended: (remains: Remains) => void): Wire =>
  (_server, open) =>
  async (events, signal) => {
    const transport = await open(events, signal);
    return changedTransport(transport, {
      async close() {
        const remains = await transport.close();
        ended(remains);
        return remains;
      },
    });
  };

function definitionLines({ server, definitions }: Examination, program: string): readonly string[] {
  const { changes = [], findings = [], firstPinned = [] } = definitions ?? {};
  const named = (part: DefinitionPart, name: string): string =>
    `${partKinds[part].noun} ${oneLine(name, 80)}`;
  return [
    ...changes.map(
      ({ part, name, kind }) =>
        `    ${named(part, name)}: ${kind.replaceAll('_', ' ')} since it was pinned`,
    ),
    ...findings.map(({ part, of, kind }) => `    ${named(part, of)}: suspicious (${kind})`),
    ...(firstPinned.length === 0
      ? []
      : [`    note: pinned now for the first time: ${firstPinned.join(', ')}`]),
    ...(changes.length === 0
      ? []
      : [`    look at it, and pin it if it is right: ${program} pin ${server}`]),
  ];
}

function linesOf(one: Examination, program: string): readonly string[] {
  const { server, ok, handshake, startMs, closeMs, pingMs, noise, error, remains } = one;
  const lines = [`${ok ? '✔' : '✖'} ${server}`];
  if (error !== undefined) {
    const { code, message } = error as { readonly code?: unknown; readonly message: string };
    lines.push(`    ${oneLine(message)} (${typeof code === 'string' ? code : 'ORCH_DEFECT'})`);
  }
  if (handshake !== undefined) {
    const { name, version } = handshake.serverInfo;
    lines.push(
      `    ${oneLine(`${name} ${version}`, 80)} · protocol ${oneLine(handshake.protocolVersion)} · ready in ${startMs ?? 0} ms · ended in ${closeMs ?? 0} ms`,
      `    can: ${
        Object.keys(handshake.capabilities)
          .map((key) => oneLine(key))
          .join(', ') || 'nothing'
      }`,
    );
    const counts = lists.flatMap((list) => {
      const counted = one[list];
      return counted === undefined ? [] : [`${counted.count} ${list} (${counted.ms} ms)`];
    });
    const ping = pingMs === undefined ? [] : [`ping ${pingMs} ms`];
    if (counts.length > 0) lines.push(`    ${[...counts, ...ping].join(' · ')}`);
  }
  lines.push(...definitionLines(one, program));
  if (noise > 0) lines.push(`    note: ${noise} lines on its stdout are no messages`);
  const details = McpError.isInstance(error) ? (error.details as Remains) : remains;
  const stderr = details?.stderr ?? '';
  if (!ok && details?.exitCode !== undefined) lines.push(`    exit code ${details.exitCode}`);
  if (!ok && details?.signal !== undefined) lines.push(`    ended by ${details.signal}`);
  if (stderr !== '') lines.push('    said on stderr:', ...behindGutter(stderr).slice(-10));
  return lines;
}
