// A server over stdio that says of itself what stands in a file, read anew each time, and notes what it is asked.
import { appendFileSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [file, log] = process.argv.slice(2);
const defined = () => JSON.parse(readFileSync(file, 'utf8'));
const send = (message) =>
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  appendFileSync(log, `${method} ${params?.name ?? ''}\n`);
  const { tools = [], prompts = [], resources = [], templates = [], ...rest } = defined();
  const { instructions, results = {} } = rest;
  const answers = {
    initialize: () => ({
      protocolVersion: params.protocolVersion,
      capabilities: { tools: { listChanged: true }, prompts: {}, resources: {}, completions: {} },
      serverInfo: { name: 'defined', version: '1' },
      ...(instructions && { instructions }),
    }),
    'tools/list': () => ({ tools }),
    'prompts/list': () => ({ prompts }),
    'resources/list': () => ({ resources }),
    'resources/templates/list': () => ({ resourceTemplates: templates }),
    'prompts/get': () => ({ messages: [] }),
    'completion/complete': () => ({ completion: { values: ['done'] } }),
    'resources/read': () => ({ contents: [{ uri: params.uri, text: 'read' }] }),
    'tools/call': () => results[params.name] ?? { content: [{ type: 'text', text: 'done' }] },
    ping: () => ({}),
  };
  if (id === undefined) return;
  if (params?.name === 'dies') process.exit(1);
  if (params?.name === 'announces')
    for (const list of ['tools', 'prompts', 'resources'])
      send({ method: `notifications/${list}/list_changed` });
  send({ id, result: answers[method]() });
});
