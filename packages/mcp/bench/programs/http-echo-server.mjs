// The least server over Streamable HTTP: JSON answers, no sessions. Prints its port.
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  if (request.method !== 'POST') return response.writeHead(405).end();
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    const { id, method, params } = JSON.parse(body);
    if (id === undefined) return response.writeHead(202).end();
    const result =
      method === 'initialize'
        ? {
            protocolVersion: params.protocolVersion,
            capabilities: { tools: {} },
            serverInfo: { name: 'echo', version: '1' },
          }
        : { content: [{ type: 'text', text: params?.arguments?.say }] };
    const text = JSON.stringify({ jsonrpc: '2.0', id, result });
    response
      .writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      })
      .end(text);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
