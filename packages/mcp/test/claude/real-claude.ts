import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createProcessOwner } from '@orch/process';
import { createScriptedModel } from '@orch/scripted-model';
import type { Cleanup } from '../scene.js';

/** The real program. Tests fail without it: they are about it. */
function realClaude(): string {
  const installed = join(
    import.meta.dirname,
    '../../../../.peers/claude-code/node_modules/.bin/claude',
  );
  const file = process.env['ORCH_TEST_CLAUDE'] ?? installed;
  if (existsSync(file)) return file;
  throw new Error(
    `This test drives the real Claude Code and found none at ${file}: npm run setup, or name its binary in ORCH_TEST_CLAUDE.`,
  );
}

export interface ClaudeRun {
  readonly code: number | null;
  /** MCP servers and tools, as Claude Code said at its start. */
  readonly servers: readonly { readonly name: string; readonly status: string }[];
  readonly tools: readonly string[];
  /** What its tools gave back, in their order. */
  readonly results: readonly { readonly isError: boolean; readonly text: string }[];
}

/** Runs Claude Code once, on a model that answers with `turns`, with no MCP server but those of the file. */
export async function runClaude(
  onTestFinished: Cleanup,
  directory: string,
  mcpConfig: string,
  turns: readonly unknown[],
): Promise<ClaudeRun> {
  const model = createScriptedModel();
  const { url } = await model.listen();
  const owner = createProcessOwner({ marker: `mcp-claude-${process.pid}-${performance.now()}` });
  onTestFinished(async () => {
    await owner.close();
    await model.close();
  });
  const cwd = join(directory, 'work');
  mkdirSync(cwd, { recursive: true });
  const events: Record<string, unknown>[] = [];
  const running = await owner.start({
    argv: [
      realClaude(),
      '-p',
      `Do it. <<<SCRIPT ${JSON.stringify(turns)} SCRIPT>>>`,
      ...['--output-format', 'stream-json', '--verbose'],
      ...['--mcp-config', mcpConfig, '--strict-mcp-config'],
      ...['--allowedTools', 'mcp__gate'],
    ],
    cwd,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: directory,
      CLAUDE_CONFIG_DIR: join(directory, '.claude'),
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: 'not-a-real-key',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CODE_MAX_RETRIES: '0',
      DISABLE_AUTOUPDATER: '1',
      MCP_CONNECT_TIMEOUT_MS: '30000',
    },
    wallMs: 80_000,
    onStdoutLine: (line) => void events.push(JSON.parse(line) as Record<string, unknown>),
  });
  const ended = await running.ended;
  if (ended.reason !== 'exited')
    throw new Error(`Claude Code ${ended.reason}: ${ended.stderr.text}`);
  const init = events.find(({ subtype }) => subtype === 'init') as unknown as {
    mcp_servers: ClaudeRun['servers'];
    tools: string[];
  };
  return {
    code: ended.code,
    servers: init.mcp_servers,
    tools: init.tools.filter((tool) => tool.startsWith('mcp__')),
    results: events.flatMap(resultsIn),
  };
}

interface Block {
  readonly type: string;
  readonly is_error?: boolean;
  readonly content?: unknown;
}

function resultsIn({ type, message }: Record<string, unknown>): ClaudeRun['results'] {
  const { content } = (message ?? {}) as { content?: unknown };
  if (type !== 'user' || !Array.isArray(content)) return [];
  return (content as Block[])
    .filter((block) => block.type === 'tool_result')
    .map((block) => ({ isError: block.is_error === true, text: JSON.stringify(block.content) }));
}
