/** One HTTP answer of an MCP server, and the message in it. */
export interface RawAnswer {
  readonly status: number;
  readonly message: {
    readonly result?: unknown;
    readonly error?: { readonly message: string; readonly data?: unknown };
  };
}

/** A client of an MCP server over HTTP that speaks for itself, and keeps to no rule of any agent. */
export async function rawMcp(
  url: string,
  token: string,
): Promise<{ call(tool: string, args: object): Promise<RawAnswer> }> {
  const headers: Record<string, string> = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  let id = 0;
  async function post(method: string, params: object) {
    id += 1;
    const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    const response = await fetch(url, { method: 'POST', headers, body });
    const text = await response.text();
    const lines = text.split('\n').map((line) => line.replace(/^data: /, ''));
    const messages = lines.filter((line) => line.startsWith('{'));
    const message = JSON.parse(messages.at(-1) ?? '{}') as RawAnswer['message'];
    return { status: response.status, headers: response.headers, message };
  }
  const { headers: given } = await post('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'raw', version: '1' },
  });
  const session = given.get('mcp-session-id');
  if (session !== null) headers['mcp-session-id'] = session;
  return { call: (name, args) => post('tools/call', { name, arguments: args }) };
}
