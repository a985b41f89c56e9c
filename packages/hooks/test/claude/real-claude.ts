import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ProcessOwner } from '@orch/process';

/** The real program. Tests fail without it: they are about it. */
export function realClaude(): string {
  const installed = path.resolve(
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
  readonly events: readonly Readonly<Record<string, unknown>>[];
  readonly code: number | null;
  readonly stderr: string;
}

/** Runs Claude Code on prompts, one after the other has its result, and allows every tool that it asks for. */
export async function runClaude(
  owner: ProcessOwner,
  place: {
    readonly cwd: string;
    readonly home: string;
    readonly url: string;
    readonly restMs: number;
  },
  prompts: readonly string[],
  more: readonly string[],
  onEvent: (event: Readonly<Record<string, unknown>>) => void = () => undefined,
): Promise<ClaudeRun> {
  const events: Record<string, unknown>[] = [];
  const left = [...prompts];
  const write = (line: object): void => void running.write(`${JSON.stringify(line)}\n`);
  const next = (): void => {
    const content = left.shift();
    if (content === undefined) running.closeStdin();
    else write({ type: 'user', message: { role: 'user', content } });
  };
  const running = await owner.start({
    argv: [
      realClaude(),
      '-p',
      ...['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'],
      ...more,
    ],
    cwd: place.cwd,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: place.home,
      CLAUDE_CONFIG_DIR: path.join(place.home, '.claude'),
      ANTHROPIC_BASE_URL: place.url,
      ANTHROPIC_API_KEY: 'not-a-real-key',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CODE_MAX_RETRIES: '0',
      DISABLE_AUTOUPDATER: '1',
    },
    stdin: 'pipe',
    wallMs: 60_000,
    onStdoutLine(line) {
      const event = JSON.parse(line) as Record<string, unknown>;
      events.push(event);
      onEvent(event);
      if (event['type'] === 'result') setTimeout(next, place.restMs);
      if (event['type'] === 'control_request') answer(event, write);
    },
  });
  next();
  const ended = await running.ended;
  if (ended.reason !== 'exited')
    throw new Error(`Claude Code ${ended.reason}: ${ended.stderr.text}`);
  return { events, code: ended.code, stderr: ended.stderr.text };
}

/** Later than any hook of these tests decides: Claude Code asks both at once, and the first answer counts. */
const personMs = 2500;

/** The person at the other end allows what is asked for, and answers what it is asked. */
function answer(event: Readonly<Record<string, unknown>>, write: (line: object) => void): void {
  const request = event['request'] as Readonly<Record<string, unknown>>;
  const replies: Readonly<Record<string, object>> = {
    can_use_tool: { behavior: 'allow', updatedInput: request['input'] },
    elicitation: { action: 'accept', content: { n: 'Ann' } },
  };
  const response = replies[String(request['subtype'])];
  if (response === undefined) return;
  const reply = {
    type: 'control_response',
    response: { subtype: 'success', request_id: event['request_id'], response },
  };
  setTimeout(() => write(reply), personMs);
}
