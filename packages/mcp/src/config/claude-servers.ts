import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Node } from 'jsonc-parser';
import type { ServerSpec } from '../hub/server-spec.js';
import type { ServerOrigin } from '../safety/approval-store.js';
import { entriesOf, readDocument, type JsonDocument } from './document.js';
import { readServer } from './mcp-server.js';
import { configError, type ConfigProblem } from './problem.js';

type Scope = ServerOrigin['scope'];

export interface ClaudeServersOptions {
  /** The directory with `.mcp.json`, whose servers are of the scope `project`. */
  readonly project: string;
  /** Default: `.claude.json` in `$CLAUDE_CONFIG_DIR`, else in the home directory. `null`: none is read. */
  readonly userFile?: string | null;
  /** Where variables are looked up. Default: `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** What becomes of mistakes. Default `throw`; `leave_out`: the server is, and `problems` says why. */
  readonly mistakes?: 'throw' | 'leave_out';
}

export interface ClaudeServers {
  /** What `createMcpHub` takes. Those of the project have to be approved there. */
  readonly servers: Readonly<Record<string, ServerSpec>>;
  /** By file, line and column. */
  readonly problems: readonly ConfigProblem[];
  /** Definitions that do not count, because a stronger scope has the same name. */
  readonly overridden: readonly {
    readonly server: string;
    readonly scope: Scope;
    readonly by: Scope;
  }[];
}

/**
 * Reads the servers that Claude Code knows in a project: local (`projects[path].mcpServers` of `~/.claude.json`)
 * before project (`.mcp.json`) before user (`mcpServers` of `~/.claude.json`). Starts nothing. Throws
 * `ORCH_MCP_CONFIG` with all mistakes of all files.
 */
export function readClaudeServers(options: ClaudeServersOptions): ClaudeServers {
  const { environment = process.env, mistakes = 'throw' } = options;
  const project = resolve(options.project);
  const home = environment['CLAUDE_CONFIG_DIR'] ?? environment['HOME'] ?? homedir();
  const { userFile = join(home, '.claude.json') } = options;
  const problems: ConfigProblem[] = [];
  const servers = new Map<
    string,
    { readonly scope: Scope; readonly spec: ServerSpec | undefined }
  >();
  const overridden: { server: string; scope: Scope; by: Scope }[] = [];

  function take(
    document: JsonDocument,
    node: Node | undefined,
    scope: Scope,
    source: string,
  ): void {
    if (node === undefined) return;
    if (node.type !== 'object') {
      document.problem('error', node, 'mcpServers must be an object of servers.');
      return;
    }
    for (const [name, { key, value }] of entriesOf(document, node)) {
      const stronger = servers.get(name);
      const around = { project, scope, source, environment };
      if (stronger !== undefined) overridden.push({ server: name, scope, by: stronger.scope });
      else servers.set(name, { scope, spec: readServer(document, name, key, value, around) });
    }
  }

  const ofProject = join(project, '.mcp.json');
  const user = userFile === null ? undefined : readDocument(userFile, problems);
  const userRoot = user?.root && entriesOf(user, user.root);
  if (user !== undefined && userFile !== null)
    take(user, localServers(user, userRoot?.get('projects')?.value, project), 'local', userFile);
  const shared = readDocument(ofProject, problems);
  if (shared.root !== undefined) {
    const root = entriesOf(shared, shared.root);
    for (const [field, { key }] of root)
      if (field !== 'mcpServers')
        shared.problem(
          'error',
          key,
          `There is no field ${JSON.stringify(field)} here; servers stand in mcpServers.`,
        );
    take(shared, root.get('mcpServers')?.value, 'project', ofProject);
  }
  if (user !== undefined && userFile !== null)
    take(user, userRoot?.get('mcpServers')?.value, 'user', userFile);

  problems.sort(
    (a, b) =>
      Number(a.source > b.source) - Number(a.source < b.source) ||
      a.line - b.line ||
      a.column - b.column,
  );
  if (mistakes === 'throw' && problems.some(({ severity }) => severity === 'error'))
    throw configError(problems);
  return {
    servers: Object.fromEntries(
      [...servers].flatMap(([name, { spec }]) => (spec === undefined ? [] : [[name, spec]])),
    ),
    problems,
    overridden,
  };
}

/** Claude Code names a project by the path it was started in. */
function localServers(
  document: JsonDocument,
  projects: Node | undefined,
  project: string,
): Node | undefined {
  if (projects?.type !== 'object') return undefined;
  const all = entriesOf(document, projects);
  let real = project;
  try {
    real = realpathSync(project);
  } catch {
    // It need not be there.
  }
  const own = (all.get(project) ?? all.get(real))?.value;
  return own?.type === 'object' ? entriesOf(document, own).get('mcpServers')?.value : undefined;
}
