import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createClaudeDriver } from '@orch/agents';
import { formatProblem } from '@orch/config';
import { probeLevels } from '@orch/process';
import { findMainWorktree } from '../main-worktree.js';
import { loginFile } from '../orchestrator.js';
import { chooseParallelism } from '../parallelism.js';
import { claudeCredentials } from '../parts/environment.js';
import { stateDirectory } from '../places.js';
import { openRepository } from '../repository.js';
import { isolationLevel } from '../run-preview.js';
import { version } from '../version.js';
import { examineHooks } from './hooks.js';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem';
  readonly what: string;
  readonly found: string;
  /** The one thing to do about it. */
  readonly next?: string;
}

export interface Report {
  readonly version: string;
  readonly findings: readonly Finding[];
}

/** Looks at machine, repository and agents; changes nothing. */
export async function examine(options: {
  readonly directory: string;
  readonly environment: Environment;
}): Promise<Report> {
  const { directory, environment } = options;
  return {
    version,
    findings: [
      node(),
      ...(await repository(directory, environment)),
      ...(await claude(environment)),
      ...(await ownSettings(directory, environment)),
      ...(await claudeSettings(directory, environment)),
      ...(await projectSettings(directory)),
      ...(await examineHooks(directory, environment)),
      { level: 'warning', what: 'isolation', found: isolationLevel },
      await processes(),
      parallelism(),
      { level: 'ok', what: 'state', found: stateDirectory(environment) },
    ],
  };
}

/** What ends the processes of a run for certain, and what else could, once runs can use it (decision 8). */
async function processes(): Promise<Finding> {
  const { all } = await probeLevels();
  const others = all
    .filter(({ level }) => level !== 'process group')
    .map((probe) => `${probe.level}: ${probe.works ? 'works here' : probe.problem}`);
  const found = `held by a process group and a marker (not used yet: ${others.join('; ')})`;
  return { level: 'ok', what: 'processes', found };
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const good = major > 20 || (major === 20 && minor >= 19);
  return {
    level: good ? 'ok' : 'problem',
    what: 'node',
    found: process.version,
    ...(good ? {} : { next: 'install Node 20.19 or newer' }),
  };
}

async function repository(
  directory: string,
  environment: Environment,
): Promise<readonly Finding[]> {
  try {
    const opened = await openRepository(directory, environment);
    await opened.close();
    const { head, uncommitted } = opened;
    return [
      { level: 'ok', what: 'git', found: opened.gitVersion },
      {
        level: 'ok',
        what: 'repository',
        found: `${opened.root} at ${head.commit.slice(0, 10)} (${head.branch ?? 'detached HEAD'})`,
      },
      ...(uncommitted.count === 0
        ? []
        : [
            {
              level: 'warning',
              what: 'uncommitted',
              found: `${uncommitted.count} ${uncommitted.count === 1 ? 'change' : 'changes'} that a run would leave out: it uses HEAD`,
              next: 'git commit, if agents should see them',
            } as const,
          ]),
    ];
  } catch (error) {
    const { message, next } = error as { message: string; next?: unknown };
    return [
      {
        level: 'problem',
        what: 'repository',
        found: message,
        ...(typeof next === 'string' ? { next } : {}),
      },
    ];
  }
}

async function claude(environment: Environment): Promise<readonly Finding[]> {
  const explicit = environment['ORCH_CLAUDE'];
  const detected = await createClaudeDriver(explicit ? { executable: explicit } : {}).detect(
    environment,
  );
  if (!detected.available) {
    return [
      {
        level: 'warning',
        what: 'Claude Code',
        found: detected.reason,
        ...(/[Ii]nstall/.test(detected.reason)
          ? {}
          : { next: 'npm install -g @anthropic-ai/claude-code' }),
      },
    ];
  }
  const names = Object.keys(claudeCredentials(environment)).filter(
    (name) => name !== 'ANTHROPIC_BASE_URL',
  );
  const file = loginFile(environment);
  const credential: Finding =
    names.length > 0
      ? {
          level: 'warning',
          what: 'credential',
          found: `${names.join(', ')} from the environment; credential exposed to agent`,
        }
      : file
        ? {
            level: 'warning',
            what: 'credential',
            found: `the login at ${file}; credential exposed to agent`,
          }
        : {
            level: 'warning',
            what: 'credential',
            found: 'none: only rehearsals work',
            next: 'set ANTHROPIC_API_KEY, or run `claude setup-token` and set CLAUDE_CODE_OAUTH_TOKEN',
          };
  const endpoint = environment['ANTHROPIC_BASE_URL'];
  return [
    {
      level: 'ok',
      what: 'Claude Code',
      found: `${detected.version ?? 'unknown version'} at ${detected.executable ?? '?'}`,
    },
    ...detected.warnings.map((warning): Finding => ({
      level: 'warning',
      what: 'Claude Code',
      found: warning,
    })),
    credential,
    ...(endpoint
      ? [
          {
            level: 'warning',
            what: 'endpoint',
            found: `ANTHROPIC_BASE_URL sends every request to ${endpoint}`,
          } as const,
        ]
      : []),
  ];
}

/** Settings of orch, of every tier; what is wrong with them never stops the rest of the report. */
async function ownSettings(
  directory: string,
  environment: Environment,
): Promise<readonly Finding[]> {
  const { settingsIn } = await import('../settings/look.js');
  const settings = await settingsIn(directory, environment);
  const { problems } = settings;
  const sources = [
    ...new Set(settings.leaves().map(({ origin }) => `${origin.tier} (${origin.source})`)),
  ];
  const found = sources.length === 0 ? 'none; everything is as built in' : sources.join(', ');
  return [
    ...problems.map((problem): Finding => ({
      level: problem.severity === 'error' ? 'problem' : 'warning',
      what: 'settings',
      found: formatProblem(problem),
      next:
        problem.severity === 'error'
          ? 'repair it, then: orch config check'
          : 'orch config show --origin',
    })),
    ...(problems.length === 0 ? [{ level: 'ok', what: 'settings', found } as const] : []),
  ];
}

/** What Claude Code drops from its own settings files without a word. */
async function claudeSettings(
  directory: string,
  environment: Environment,
): Promise<readonly Finding[]> {
  const { createClaudeSettings } = await import('@orch/config/claude');
  const root = (await findMainWorktree(directory)) ?? directory;
  const { problems } = await createClaudeSettings({ directory: root, environment }).load();
  return problems.map((problem) => ({
    level: 'warning',
    what: 'Claude settings',
    found: formatProblem(problem),
  }));
}

/** What the repository brings for Claude Code, and what of it acts in a run. */
async function projectSettings(directory: string): Promise<readonly Finding[]> {
  const root = await findMainWorktree(directory);
  if (root === undefined) return [];
  const has = (file: string): boolean => existsSync(path.join(root, file));
  const seen = ['CLAUDE.md', '.claude/CLAUDE.md', '.claude/skills', '.claude/agents'].filter(has);
  const hidden = ['.claude/settings.json', '.claude/settings.local.json', '.mcp.json'].filter(has);
  return [
    {
      level: 'ok',
      what: 'project memory',
      found: seen.length === 0 ? 'nothing to load' : `agents see ${seen.join(', ')}`,
    },
    ...(hidden.length === 0
      ? []
      : [
          {
            level: 'ok',
            what: 'project settings',
            found: `${hidden.join(', ')} do not act in a run${settingsKeys(root)}${has('.mcp.json') ? '; servers that mcp: of a plan names are started once you have approved them' : ''}`,
          } as const,
        ]),
  ];
}

function settingsKeys(root: string): string {
  try {
    const keys = Object.keys(
      JSON.parse(readFileSync(path.join(root, '.claude', 'settings.json'), 'utf8')) as object,
    );
    return keys.length === 0 ? '' : ` (they set ${keys.join(', ')})`;
  } catch {
    return '';
  }
}

function parallelism(): Finding {
  const { parallel, reason } = chooseParallelism('auto');
  return { level: 'ok', what: 'parallelism', found: `${parallel} attempts at once (${reason})` };
}
