import { text as readText } from 'node:stream/consumers';
import type { JsonObject } from '../json.js';
import type { McpServer } from '../hub/mcp-server.js';
import type { ToolResult } from '../hub/tool-result.js';
import type { Progress } from '../protocol/peer.js';
import { fitArguments, readObject, readWords } from './arguments.js';
import type { Host } from './host.js';
import { openSource, type SourceFlags } from './open-server.js';
import { exitCode, UsageError } from './report.js';
import { neutral, oneLine } from './terminal-text.js';

interface Flags extends SourceFlags {
  readonly json?: boolean;
  readonly args?: string;
  /** Seconds of silence. */
  readonly timeout?: number;
}

/** `call SERVER TOOL [key=value…]`: 1 if the tool says that it failed. */
export async function callVerb(
  host: Host,
  name: string,
  tool: string,
  words: readonly string[],
  flags: Flags,
): Promise<number> {
  if (flags.args !== undefined && words.length > 0)
    throw new UsageError('Give the arguments as key=value or with --args, not both');
  // What is wrong on the command line is told before anything is started.
  const given = readWords(words);
  const whole =
    flags.args === undefined
      ? undefined
      : readObject(flags.args === '-' ? await readText(host.stdin) : flags.args);
  const source = await openSource(host, flags);
  try {
    const { server } = source.open(name);
    const args = whole ?? (await fitted(server, tool, given, host.signal));
    const result = await server.call(tool, args, {
      signal: host.signal,
      onProgress: progressTo(host),
      ...(flags.timeout !== undefined && { timeoutMs: flags.timeout * 1000 }),
    });
    if (flags.json) host.json({ ok: !result.isError, result: result.raw });
    else show(host, tool, result);
    return result.isError ? exitCode.failed : exitCode.ok;
  } finally {
    await source.close();
  }
}

async function fitted(
  server: McpServer,
  tool: string,
  given: ReturnType<typeof readWords>,
  signal: AbortSignal,
): Promise<JsonObject> {
  // Texts alone say nothing about their types; without texts there is nothing to ask.
  if (given.texts.size === 0) return fitArguments(given, undefined);
  const tools = await server.tools({ signal });
  return fitArguments(given, tools.find((one) => one.name === tool)?.inputSchema);
}

const progressEveryMs = 100;

function progressTo(host: Host): (progress: Progress) => void {
  let toldMs = -Infinity;
  return ({ progress, total, message }) => {
    const now = performance.now();
    if (now - toldMs < progressEveryMs && progress !== total) return;
    toldMs = now;
    const share = total === undefined ? `${progress}` : `${progress}/${total}`;
    host.note(`… ${share}${message === undefined ? '' : ` ${oneLine(message, 200)}`}`);
  };
}

function show(host: Host, tool: string, result: ToolResult): void {
  if (result.isError) host.note(`${oneLine(tool)} failed:`);
  for (const part of result.content) host.line(describe(part));
  if (result.content.length === 0 && result.structured !== undefined)
    host.line(JSON.stringify(result.structured, null, 2));
}

/** Text as it is; of all else what it is and how large. */
function describe(part: JsonObject): string {
  const { type, text, mimeType, data, resource, uri } = part;
  if (type === 'text' && typeof text === 'string') return neutral(text);
  const inner = typeof resource === 'object' ? (resource as JsonObject) : {};
  if (typeof inner['text'] === 'string') return neutral(inner['text']);
  const facts = [
    type,
    uri ?? inner['uri'],
    mimeType ?? inner['mimeType'],
    sizeOf(data ?? inner['blob']),
  ];
  return `[${facts
    .filter((fact) => typeof fact === 'string')
    .map((fact) => oneLine(fact))
    .join(' ')}]`;
}

const sizeOf = (base64: unknown): string | undefined =>
  typeof base64 === 'string' ? `${Buffer.byteLength(base64, 'base64')} bytes` : undefined;
