// A minimal MCP server on stdio with one tool, `ask`, that asks the person for a name and returns what it got.
import { createInterface } from 'node:readline';

const say = (message) =>
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
let call;
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params, result } = JSON.parse(line);
  if (method === 'initialize') {
    const { protocolVersion } = params;
    say({
      id,
      result: {
        protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 't', version: '1.0.0' },
      },
    });
  } else if (method === 'tools/list') {
    say({
      id,
      result: { tools: [{ name: 'ask', description: 'asks', inputSchema: { type: 'object' } }] },
    });
  } else if (method === 'tools/call') {
    call = id;
    const requestedSchema = { type: 'object', properties: { n: { type: 'string' } } };
    say({
      id: 'ask-1',
      method: 'elicitation/create',
      params: { message: 'Name?', requestedSchema },
    });
  } else if (id === 'ask-1') {
    say({
      id: call,
      result: { content: [{ type: 'text', text: `got ${result?.action ?? 'an error'}` }] },
    });
  } else if (id !== undefined && method !== undefined) {
    say({ id, result: {} });
  }
});
