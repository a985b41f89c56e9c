import { realpathSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isJsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { canonicalJson, sha256 } from './canonical-json.js';
import { isInside, readPrivate, stateDirectory, writePrivate } from './private-file.js';
import { shown } from './scan.js';

/** A file of the project that a server is given by name: whoever changes it changes what runs. */
export interface ApprovedFile {
  readonly path: string;
  readonly sha256: string;
}

/** What a person is asked about a server of a project; approving it approves exactly this. */
export interface ApprovalRequest {
  /** 64 hexadecimal digits; the same for the same definition of the same server of the same project. */
  readonly id: string;
  /** Absolute and resolved. */
  readonly project: string;
  readonly server: string;
  /** The file that defines it. */
  readonly source: string;
  /** What runs or is asked, on one line, before variables are filled in, and the names of what it is given. */
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

/** What of a server's definition decides what runs, as it is written: a variable is not filled in. */
export interface WrittenServer {
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly type?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly headersHelper?: string | readonly string[];
  /** Its resources are not pinned. */
  readonly dataResources?: boolean;
}

/**
 * Asks about a server of a project. Its id covers all of `written`: what it runs, where it connects to, and which
 * variables and headers it is given, from which variables of the user. Any change is another request.
 */
function requestApproval(
  project: string,
  server: string,
  source: string,
  written: WrittenServer,
): ApprovalRequest {
  const place = resolved(resolve(project));
  const { command, args = [], env = {}, cwd, type, url, headers = {}, headersHelper } = written;
  const { dataResources } = written;
  const definition = { command, args, env, cwd, type, url, headers, headersHelper, dataResources };
  const helper = typeof headersHelper === 'string' ? [headersHelper] : (headersHelper ?? []);
  const words = command === undefined ? [] : [command, ...args];
  return {
    id: sha256(canonicalJson({ project: place, server, definition })),
    project: place,
    server,
    source,
    command: shown(
      `${describeCommand(words, cwd, env, url, headers, helper)}${dataResources === true ? ', its resources not pinned' : ''}`,
      4000,
    ),
    files: filesOf(place, cwd, [...words, ...helper]),
  };
}

function describeCommand(
  words: readonly string[],
  cwd: string | undefined,
  env: Readonly<Record<string, string>>,
  url: string | undefined,
  headers: Readonly<Record<string, string>>,
  helper: readonly string[],
): string {
  const parts = [url ?? words.map(quoted).join(' ')];
  if (cwd !== undefined) parts.push(`in ${quoted(cwd)}`);
  const names = (given: object): string => Object.keys(given).sort().join(', ');
  if (Object.keys(env).length > 0) parts.push(`with the variables ${names(env)}`);
  if (Object.keys(headers).length > 0) parts.push(`with the headers ${names(headers)}`);
  if (helper.length > 0)
    parts.push(`with the headers that this prints: ${helper.map(quoted).join(' ')}`);
  return parts.join(' ');
}

const quoted = (word: string): string =>
  /^[\w@%+=:,./~${}-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

const mostBytes = 16 * 1024 * 1024;

/** Files of the project that the command names: also as the end of `--config=file`. */
function filesOf(
  project: string,
  cwd: string | undefined,
  words: readonly string[],
): ApprovedFile[] {
  const base = resolve(project, cwd ?? '.');
  const found = new Map<string, string>();
  for (const word of words)
    for (const name of new Set([word, word.slice(word.indexOf('=') + 1)])) {
      const path = name === '' ? undefined : fileIn(project, resolve(base, name));
      if (path !== undefined) found.set(path, sha256(readFileSync(path)));
    }
  return [...found].map(([path, hash]) => ({ path, sha256: hash }));
}

function fileIn(project: string, path: string): string | undefined {
  try {
    const stats = statSync(path);
    const isOurs = isInside(path, project) || isInside(realpathSync(path), project);
    return stats.isFile() && stats.size <= mostBytes && isOurs ? path : undefined;
  } catch {
    return undefined;
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

/** Asks about a server as its files are now. */
export const askAbout = (server: string, origin: ServerOrigin): ApprovalRequest =>
  requestApproval(origin.project, server, origin.source, origin.written);

/** Why a server must not be started; undefined if it may. Asked before each start. Throws `ORCH_MCP_STATE`. */
export function whyUnapproved(
  server: string,
  origin: ServerOrigin | undefined,
  approvals: ApprovalStore | undefined,
): McpError | undefined {
  if (origin === undefined || origin.scope !== 'project') return undefined;
  const request = askAbout(server, origin);
  const approval = approvals?.find(request.id);
  const changed = approval && changedFile(request.files, approval.files);
  if (approval !== undefined && changed === undefined) return undefined;
  const why =
    changed === undefined
      ? 'nobody has approved it'
      : `${changed} is not what it was when it was approved`;
  const { id, source, command } = request;
  return new McpError(
    'ORCH_MCP_UNAPPROVED',
    `The server ${server} comes from ${source}, and ${why}, so nothing was started. It is: ${command}. If that is right: orch-mcp approve ${server}`,
    { details: { server, source, id, command, ...(changed !== undefined && { changed }) } },
  );
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
