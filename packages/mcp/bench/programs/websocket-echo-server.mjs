// The least server over a WebSocket: it answers each call with what it was given, and looks at nothing. Prints its port.
import { WebSocketServer } from 'ws';

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'mcp' });
server.on('connection', (socket) => {
  socket.on('message', (data) => {
    const { id, method, params } = JSON.parse(data);
    if (id === undefined) return;
    const result =
      method === 'initialize'
        ? {
            protocolVersion: params.protocolVersion,
            capabilities: { tools: {} },
            serverInfo: { name: 'echo', version: '1' },
          }
        : { content: [{ type: 'text', text: params?.arguments?.say }] };
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, result }));
  });
});
server.on('listening', () => console.log(server.address().port));
