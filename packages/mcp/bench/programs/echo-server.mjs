// The least server over stdio: it answers each call with what it was given, and looks at nothing.
let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  let out = '';
  for (const line of lines) {
    const { id, method, params } = JSON.parse(line);
    if (id === undefined) continue;
    out += `${JSON.stringify({ jsonrpc: '2.0', id, result: answer(method, params) })}\n`;
  }
  if (out !== '') process.stdout.write(out);
});

let large;
function answer(method, params) {
  if (method === 'initialize')
    return {
      protocolVersion: params.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'echo', version: '1' },
    };
  if (method === 'tools/list')
    return { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] };
  const bytes = params?.arguments?.bytes;
  if (bytes !== undefined) large ??= 'x'.repeat(bytes);
  const text = bytes === undefined ? params?.arguments?.say : large;
  return { content: [{ type: 'text', text }] };
}
