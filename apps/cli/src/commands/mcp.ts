import type { Screen } from '../render/screen.js';

const epilogue = `
Also:
  serve    orch itself as an MCP server, over stdin and stdout: check plans, start approved ones, read results
`;

/** `orch mcp ...`: the verbs of `orch-mcp`, and `serve`. */
export async function mcpCommand(screen: Screen, words: readonly string[]): Promise<number> {
  const [verb, ...rest] = words;
  if (verb === 'serve') {
    const { mcpServeCommand } = await import('./mcp-serve.js');
    return mcpServeCommand(screen, rest);
  }
  const { processHost, runMcp } = await import('@orch/core/mcp');
  const host = processHost('orch mcp');
  return runMcp(words, {
    ...host,
    epilogue,
    async confirm(question) {
      const { requirePerson } = await import('@orch/core/approvals');
      requirePerson(process.env, { input: process.stdin.isTTY, output: process.stderr.isTTY });
      return host.confirm(question);
    },
    line: (text) => screen.line(text),
    json: (value) => screen.json(value),
    note: (text) => screen.note(text),
  });
}
