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
  const requirePerson = async (what?: string): Promise<void> => {
    const person = await import('@orch/core/approvals');
    const terminal = { input: process.stdin.isTTY, output: process.stderr.isTTY };
    person.requirePerson(process.env, terminal, what);
  };
  return runMcp(words, {
    ...host,
    epilogue,
    requirePerson: () => requirePerson('A login is made'),
    async confirm(question) {
      await requirePerson();
      return host.confirm(question);
    },
    line: (text) => screen.line(text),
    json: (value) => screen.json(value),
    note: (text) => screen.note(text),
  });
}
