import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { claudeFiles, type ClaudePlaces } from '../../src/claude/index.js';
import type { JsonObject } from '../../src/index.js';

const repository = join(import.meta.dirname, '..', '..', '..', '..');

/** The real program. Tests fail without it: they are about it. */
function realClaude(): string {
  const path =
    process.env['ORCH_TEST_CLAUDE'] ??
    join(repository, '.peers', 'claude-code', 'node_modules', '.bin', 'claude');
  if (fs.existsSync(path)) return path;
  throw new Error(
    `The real Claude Code is not at ${path}. Run npm run setup, or set ORCH_TEST_CLAUDE.`,
  );
}

/** Settings of each layer: what a file holds, as a value or as text. */
export interface Layers {
  readonly user?: JsonObject | string;
  readonly project?: JsonObject | string;
  readonly local?: JsonObject | string;
  readonly flag?: JsonObject | string;
  readonly managed?: JsonObject | string;
  readonly dropIns?: Readonly<Record<string, JsonObject | string>>;
  readonly mcp?: JsonObject;
  readonly state?: (directory: string) => JsonObject;
}

export interface Stage {
  readonly places: ClaudePlaces & { readonly managedDirectory: string };
  readonly flag: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

/** Writes the layers below a directory, where Claude Code looks for them. */
export function setStage(root: string, layers: Layers): Stage {
  const directory = join(root, 'project');
  const own = join(root, 'own');
  const managedDirectory = join(root, 'etc', 'claude-code');
  const environment = { HOME: own, CLAUDE_CONFIG_DIR: own, PATH: process.env['PATH'] ?? '' };
  const places = { directory, environment, managedDirectory };
  const files = claudeFiles(places);
  for (const one of [directory, own, managedDirectory]) fs.mkdirSync(one, { recursive: true });
  const write = (file: string, content: JsonObject | string | undefined): void => {
    if (content === undefined) return;
    fs.mkdirSync(dirname(file), { recursive: true });
    fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  };
  write(files.user, layers.user);
  write(files.project, layers.project);
  write(files.local, layers.local);
  write(files.managed, layers.managed);
  write(files.mcp, layers.mcp);
  const trusted = { projects: { [directory]: { hasTrustDialogAccepted: true } } };
  write(files.state, layers.state?.(directory) ?? trusted);
  for (const [name, content] of Object.entries(layers.dropIns ?? {})) {
    write(join(files.managedDropIns, name), content);
  }
  const flag = layers.flag === undefined ? undefined : join(root, 'flag.json');
  if (flag !== undefined) write(flag, layers.flag);
  return { places, flag, environment };
}

/** Policies lie in `/etc`: a test may write there only in a mount namespace of its own. */
export const canHideEtc = spawnSync('unshare', ['-rm', 'true']).status === 0;

const underOwnEtc =
  'for f in passwd group hosts nsswitch.conf resolv.conf ssl; do [ -e /etc/$f ] && cp -r /etc/$f "$0/"; done; mount --bind "$0" /etc && exec "$@"';

/** Asks the real Claude Code one control request and ends it. It sends nothing to any model. */
export async function askClaude(
  stage: Stage,
  subtype: string,
): Promise<JsonObject | 'refused to start'> {
  const { places, flag, environment } = stage;
  const argv = [
    ...[realClaude(), '-p', '--verbose'],
    ...['--input-format', 'stream-json', '--output-format', 'stream-json'],
    ...(flag === undefined ? [] : ['--settings', flag]),
  ];
  const etc = dirname(places.managedDirectory);
  const [program = '', ...rest] =
    fs.readdirSync(places.managedDirectory).length > 0
      ? ['unshare', '-rm', 'sh', '-c', underOwnEtc, etc, ...argv]
      : argv;
  const child = spawn(program, rest, {
    cwd: places.directory,
    env: {
      ...environment,
      ANTHROPIC_API_KEY: 'sk-fake-0123456789',
      // Nobody listens there.
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.end(
    `${JSON.stringify({ type: 'control_request', request_id: 'ask', request: { subtype } })}\n`,
  );
  await new Promise((resolve) => child.on('close', resolve));
  const answer = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .find((event) => event['type'] === 'control_response');
  const { response } = (answer?.['response'] ?? {}) as { response?: JsonObject };
  if (response) return response;
  if (stderr.includes('could not be parsed as a JSON object')) return 'refused to start';
  throw new Error(
    `Claude Code did not answer ${subtype}: ${stdout.slice(0, 500)} ${stderr.slice(0, 500)}`,
  );
}
