import { McpError } from '../mcp-error.js';
import { askAbout, whyUnapproved } from '../safety/approval-store.js';
import { partKinds } from '../safety/definition-part.js';
import { formatChange } from '../safety/definition-pin.js';
import type { DefinitionReview } from '../safety/guard.js';
import type { Host } from './host.js';
import { originOf, readKnownServers } from './known-servers.js';
import { approvalsOf, openSource } from './open-server.js';
import { exitCode } from './report.js';
import { oneLine } from './terminal-text.js';

interface Flags {
  readonly json?: boolean;
}

/** `approve [SERVER…]`: shows what each server of the project would run, and asks. Starts nothing. 1 if one is not approved. */
export async function approveVerb(
  host: Host,
  wanted: readonly string[],
  flags: Flags,
): Promise<number> {
  const { path, servers, explain } = readKnownServers(host);
  const store = approvalsOf(host);
  const rows: { server: string; approved: boolean; id?: string }[] = [];
  for (const name of wanted.length > 0 ? wanted : Object.keys(servers)) {
    explain(name);
    const spec = Object.hasOwn(servers, name) ? servers[name] : undefined;
    if (spec === undefined)
      throw new McpError('ORCH_MCP_SPEC', `${path} has no server ${JSON.stringify(name)}.`);
    const origin = originOf(spec);
    if (origin?.scope !== 'project') {
      if (wanted.length > 0) host.note(`${name} is your own: it needs no approval.`);
      continue;
    }
    const request = askAbout(name, origin);
    const { id, source, command, files } = request;
    let approved = whyUnapproved(name, origin, store) === undefined;
    if (!approved) {
      host.note(`${name}, of ${source}:\n    ${oneLine(command)}`);
      for (const file of files) host.note(`    file ${file.path}  ${file.sha256.slice(0, 12)}`);
      approved = await host.confirm(`May ${name} be started as it stands here?`);
      if (approved) store.approve(request);
    }
    rows.push({ server: name, approved, ...(approved && { id }) });
    if (!flags.json)
      host.line(
        `${approved ? '✔' : '✖'} ${name}${approved ? `  ${id.slice(0, 12)}` : '  not approved'}`,
      );
  }
  if (flags.json) host.json(rows);
  else if (rows.length === 0 && wanted.length === 0)
    host.line('No server of the project needs an approval.');
  return rows.every(({ approved }) => approved) ? exitCode.ok : exitCode.failed;
}

/** `revoke ID`: takes an approval back, by at least 8 digits of its id. */
export function revokeVerb(host: Host, id: string, flags: Flags): number {
  const approval = approvalsOf(host).revoke(id);
  if (approval === undefined)
    throw new McpError(
      'ORCH_MCP_SPEC',
      `There is not exactly one approval whose id begins with ${JSON.stringify(id)}, of 8 digits or more.`,
    );
  if (flags.json) host.json({ server: approval.server, id: approval.id, approved: false });
  else host.line(`${approval.server} of ${approval.project} is no longer approved.`);
  return exitCode.ok;
}

/** `pin SERVER`: asks it for all that it says of itself, shows what is not pinned so, and asks whether that is right. */
export async function pinVerb(
  host: Host,
  name: string,
  flags: Flags & { readonly config?: string },
): Promise<number> {
  // What was never pinned is looked at too, and not taken for good on the way.
  const source = await openSource(host, flags, 'block');
  try {
    const { server } = source.open(name);
    const review = await server.review({ signal: host.signal });
    const { changes, findings, firstPinned = [] } = review;
    for (const change of changes)
      for (const line of formatChange(change).split('\n')) host.note(`    ${oneLine(line, 2000)}`);
    for (const { part, of, kind } of findings)
      host.note(`    ${partKinds[part].noun} ${oneLine(of)}: ${kind}`);
    const isNew = changes.length > 0 || findings.length > 0;
    const pinned =
      !isNew || (await host.confirm(`Are these the right definitions of ${name}, from now on?`));
    if (pinned) server.pin(review);
    const counts = countsOf(review);
    if (flags.json) host.json({ server: name, pinned, ...counts, changes, findings, firstPinned });
    else
      host.line(
        `${pinned ? '✔' : '✖'} ${name}  ${describeCounts(counts)}${pinned ? ' pinned' : ', not pinned'}`,
      );
    return pinned ? exitCode.ok : exitCode.failed;
  } finally {
    await source.close();
  }
}

const countsOf = (review: DefinitionReview) => ({
  tools: review.tools.length,
  prompts: review.prompts.length,
  resources: review.resources.length,
  templates: review.templates.length,
  instructions: review.instructions === undefined ? 0 : 1,
});

/** `2 tools, 1 prompts`: of tools also that there are none. */
const describeCounts = (counts: ReturnType<typeof countsOf>): string =>
  Object.entries(counts)
    .filter(([part, count]) => part === 'tools' || count > 0)
    .map(([part, count]) => (part === 'instructions' ? part : `${count} ${part}`))
    .join(', ');
