import { realpathSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isJsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { filesOf, type ApprovedFile } from './approved-files.js';
import { canonicalJson, sha256 } from './canonical-json.js';
import { isInside, readPrivate, stateDirectory, writePrivate } from './private-file.js';
import { describeForLog, describeForPerson, type WrittenServer } from './written-server.js';

/** What a person is asked about a server of a project; approving it approves exactly this. */
export interface ApprovalRequest {
  /** 64 hexadecimal digits; the same for the same definition of the same server of the same project. */
  readonly id: string;
  /** Absolute and resolved. */
  readonly project: string;
  readonly server: string;
  /** The file that defines it. */
  readonly source: string;
  /** What runs or is asked, and what it is given, on one line, before variables are filled in. */
  readonly command: string;
  /** As they are now. */
  readonly files: readonly ApprovedFile[];
}

/** A person's yes. */
export interface Approval extends ApprovalRequest {
  readonly version: 1;
  /** UTC. */
  readonly approvedAt: string;
}

/** A user's approvals, each in a file of its own (0600). All methods throw `ORCH_MCP_STATE`. */
export interface ApprovalStore {
  approve(request: ApprovalRequest): Approval;
  /** Takes an approval back, by its id or at least 8 digits of its beginning. Undefined: there is not exactly one. */
  revoke(id: string): Approval | undefined;
  find(id: string): Approval | undefined;
  /** All that can be read, and the files that cannot. */
  list(): { readonly approvals: readonly Approval[]; readonly unreadable: readonly string[] };
}

/**
 * Opens the store below `directory`; default: `mcp/approvals` in the user's state directory. Throws `ORCH_MCP_STATE`
 * when it lies in one of `agentRoots`, the project and the workspaces, where what is to be approved could approve
 * itself.
 */
export function openApprovals(
  options: { readonly directory?: string; readonly agentRoots?: readonly string[] } = {},
): ApprovalStore {
  const { directory = join(stateDirectory(), 'mcp', 'approvals'), agentRoots = [] } = options;
  const real = resolved(resolve(directory));
  const root = agentRoots.find((one) => isInside(real, resolved(resolve(one))));
  if (root !== undefined)
    throw new McpError(
      'ORCH_MCP_STATE',
      `Approvals cannot be kept in ${directory}: it lies in ${root}, where agents write. Choose a state directory outside.`,
      { details: { path: directory } },
    );
  const fileOf = (id: string): string => join(directory, `${id}.json`);

  function read(file: string): Approval | undefined {
    const text = readPrivate(file);
    if (text === undefined) return undefined;
    const approval = readApproval(text);
    if (approval !== undefined && fileOf(approval.id) === file) return approval;
    throw new McpError(
      'ORCH_MCP_STATE',
      `${file} holds no approval. Remove it, and approve the server again.`,
      { details: { path: file } },
    );
  }

  function list(): ReturnType<ApprovalStore['list']> {
    let names: string[] = [];
    try {
      names = readdirSync(directory)
        .filter((name) => name.endsWith('.json'))
        .sort();
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT')
        throw new McpError('ORCH_MCP_STATE', `${directory} cannot be read.`, { cause });
    }
    const approvals: Approval[] = [];
    const unreadable: string[] = [];
    for (const name of names) {
      try {
        const approval = read(join(directory, name));
        if (approval !== undefined) approvals.push(approval);
      } catch {
        unreadable.push(join(directory, name));
      }
    }
    return { approvals, unreadable };
  }

  return {
    approve(request) {
      const approval: Approval = { version: 1, ...request, approvedAt: new Date().toISOString() };
      writePrivate(fileOf(request.id), `${JSON.stringify(approval, null, 2)}\n`, 'replace');
      return approval;
    },
    revoke(id) {
      if (!/^[0-9a-f]{8,64}$/.test(id)) return undefined;
      const [approval, ...more] = list().approvals.filter((one) => one.id.startsWith(id));
      if (approval === undefined || more.length > 0) return undefined;
      rmSync(fileOf(approval.id));
      return approval;
    },
    find: (id) => (/^[0-9a-f]{64}$/.test(id) ? read(fileOf(id)) : undefined),
    list,
  };
}

function readApproval(text: string): Approval | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value) || value['version'] !== 1) return undefined;
  const { files } = value;
  const isWhole =
    ['id', 'project', 'server', 'source', 'command', 'approvedAt'].every(
      (key) => typeof value[key] === 'string',
    ) &&
    Array.isArray(files) &&
    files.every(
      (file: unknown) =>
        isJsonObject(file) &&
        typeof file['path'] === 'string' &&
        typeof file['sha256'] === 'string',
    );
  return isWhole ? (value as unknown as Approval) : undefined;
}

/** As much of the path as exists, resolved. */
function resolved(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    const parent = resolve(directory, '..');
    return parent === directory
      ? directory
      : join(resolved(parent), directory.slice(parent.length));
  }
}

/** Where a server's definition was read; with it, the hub knows whose word it is. */
export interface ServerOrigin {
  /** `project`: the repository says so, and a person has to approve it. */
  readonly scope: 'local' | 'project' | 'user';
  /** The file that defines it. */
  readonly source: string;
  readonly project: string;
  readonly written: WrittenServer;
}

/** The same for the same definition of the same server of the same project: any change in `written` is another. */
function idOf(server: string, project: string, written: WrittenServer): string {
  const { command, args = [], env = {}, cwd, type, url, headers = {}, headersHelper } = written;
  const { dataResources } = written;
  const definition = { command, args, env, cwd, type, url, headers, headersHelper, dataResources };
  return sha256(canonicalJson({ project, server, definition }));
}

/**
 * Asks about a server as its files are now. Its id covers all of its definition: what it runs, where it connects to, and
 * which variables and headers it is given, from which variables of the user. Throws `ORCH_MCP_UNAPPROVED` for a file that
 * cannot be part of an approval.
 */
export function askAbout(server: string, origin: ServerOrigin): ApprovalRequest {
  const { source, written } = origin;
  const project = resolved(resolve(origin.project));
  return {
    id: idOf(server, project, written),
    project,
    server,
    source,
    command: describeForPerson(written),
    files: filesOf(project, written),
  };
}

/** Why a server must not be started; undefined if it may. Asked before each start. Throws `ORCH_MCP_STATE`. */
export function whyUnapproved(
  server: string,
  origin: ServerOrigin | undefined,
  approvals: ApprovalStore | undefined,
): McpError | undefined {
  if (origin === undefined || origin.scope !== 'project') return undefined;
  const { source, written } = origin;
  const project = resolved(resolve(origin.project));
  const id = idOf(server, project, written);
  const refuse = (why: string, changed?: string): McpError => {
    const command = describeForLog(written);
    return new McpError(
      'ORCH_MCP_UNAPPROVED',
      `The server ${server} comes from ${source}, and ${why}, so nothing was started. It is: ${command}. If that is right: orch-mcp approve ${server}`,
      { details: { server, source, id, command, ...(changed !== undefined && { changed }) } },
    );
  };
  const approval = approvals?.find(id);
  // Files are read only where somebody has approved them: they may be large.
  if (approval === undefined) return refuse('nobody has approved it');
  let changed: string | undefined;
  try {
    changed = changedFile(filesOf(project, written), approval.files);
  } catch (error) {
    if (!McpError.isInstance(error)) throw error;
    const { path, why } = error.details;
    return refuse(`${String(path)} ${String(why)}`, String(path));
  }
  if (changed === undefined) return undefined;
  return refuse(`${changed} is not what it was when it was approved`, changed);
}

function changedFile(
  now: readonly ApprovedFile[],
  approved: readonly ApprovedFile[],
): string | undefined {
  const hashes = new Map(approved.map((file) => [file.path, file.sha256]));
  for (const { path, sha256: hash } of now) {
    if (hashes.get(path) !== hash) return path;
    hashes.delete(path);
  }
  return [...hashes.keys()][0];
}
