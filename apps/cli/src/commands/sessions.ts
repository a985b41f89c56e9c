import { createWriteStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import {
  openRepositorySessions,
  readPriceTable,
  type RepositorySessions,
} from '@orch/core/sessions';
import { exitCode } from '../exit-codes.js';
import { oneLine } from '../render/neutral.js';
import type { Screen } from '../render/screen.js';
import { sessionLines } from '../render/session-lines.js';
import { sessionList, usageLines } from '../render/sessions-lines.js';
import { UsageError } from '../usage-error.js';

export const openSessions = (): Promise<RepositorySessions> =>
  openRepositorySessions({ directory: process.cwd(), environment: process.env });

const empty =
  'No sessions here. Runs record theirs; conversations of Claude Code come in with: orch sessions import';

/** `orch sessions list`: a line for each session, or each place where a text was said. */
export async function sessionsListCommand(
  screen: Screen,
  flags: {
    readonly json?: boolean;
    readonly run?: string;
    readonly imported?: boolean;
    readonly search?: string;
  },
): Promise<number> {
  const sessions = await openSessions();
  if (flags.search !== undefined)
    return search(screen, sessions, flags.search, flags.json ?? false);
  const found = await sessions.list({
    ...(flags.run === undefined ? {} : { run: flags.run }),
    imported: flags.imported ?? false,
  });
  if (flags.json) screen.json(found);
  else if (found.length === 0) screen.line(empty);
  else for (const line of sessionList(screen, found)) screen.line(line);
  return exitCode.ok;
}

async function search(
  screen: Screen,
  sessions: RepositorySessions,
  text: string,
  json: boolean,
): Promise<number> {
  let hits = 0;
  for await (const hit of sessions.search(text)) {
    hits += 1;
    if (json) screen.json(hit);
    else
      screen.line(
        `${hit.name} ${screen.style('dim', `#${hit.seq} ${hit.kind}`)} ${oneLine(hit.excerpt)}`,
      );
    if (!(await screen.taken())) return exitCode.ok;
  }
  if (hits === 0 && !json) screen.line(`Nobody said "${oneLine(text)}" in the sessions here.`);
  return exitCode.ok;
}

/** `orch sessions show SESSION`: what was said and done, one line after the other. */
export async function sessionsShowCommand(
  screen: Screen,
  wanted: string,
  flags: { readonly json?: boolean },
): Promise<number> {
  const sessions = await openSessions();
  for await (const record of sessions.records(await sessions.find(wanted))) {
    if (flags.json) screen.json(record);
    else for (const line of sessionLines(screen, record)) screen.line(line);
    if (!(await screen.taken())) break;
  }
  return exitCode.ok;
}

/** `orch sessions stats [SESSION]`: tokens and cost by model. */
export async function sessionsStatsCommand(
  screen: Screen,
  wanted: string | undefined,
  flags: { readonly json?: boolean; readonly run?: string; readonly prices?: string },
): Promise<number> {
  if (wanted !== undefined && flags.run !== undefined)
    throw new UsageError('Name a session or a run (--run), not both');
  const prices = flags.prices === undefined ? {} : { prices: await readPriceTable(flags.prices) };
  const sessions = await openSessions();
  const report = await sessions.stats({
    ...(wanted === undefined ? {} : { session: await sessions.find(wanted) }),
    ...(flags.run === undefined ? {} : { run: flags.run }),
    ...prices,
  });
  if (flags.json) screen.json(report);
  else if (report.sessions + report.rehearsals === 0) screen.line(empty);
  else for (const line of usageLines(screen, report)) screen.line(line);
  return exitCode.ok;
}

/** `orch sessions export SESSION`: as Markdown, on stdout or into a new file. */
export async function sessionsExportCommand(
  screen: Screen,
  wanted: string,
  flags: { readonly output?: string; readonly prices?: string; readonly json?: boolean },
): Promise<number> {
  const prices = flags.prices === undefined ? undefined : await readPriceTable(flags.prices);
  const sessions = await openSessions();
  const session = await sessions.find(wanted);
  const pieces = sessions.exportMarkdown(session, prices);
  if (flags.output !== undefined) {
    await writeNewFile(flags.output, pieces);
    if (flags.json) screen.json({ ok: true, session: session.name, output: flags.output });
    else screen.line(`${session.name} is in ${flags.output}`);
    return exitCode.ok;
  }
  let markdown = '';
  for await (const piece of pieces) {
    if (flags.json) markdown += piece;
    else if (piece !== '') screen.line(piece.replace(/\n$/, ''));
    if (!(await screen.taken())) return exitCode.ok;
  }
  if (flags.json) screen.json({ session: session.name, markdown });
  return exitCode.ok;
}

/** Never over a file that is there; of a failure nothing stays. */
async function writeNewFile(path: string, pieces: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(pieces, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new UsageError(`${path} is there already. Name a new file`);
    await unlink(path).catch(() => undefined);
    throw error;
  }
}
