import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import {
  createGateway,
  type GatewayEvent,
  type GatewayOptions,
  type GrantOptions,
} from '../../src/gateway/index.js';
import { createMcpHub, type JsonObject, type ServerSpec } from '../../src/index.js';
import { programs, temporaryDirectory, type Cleanup } from '../scene.js';

export const environment = { PATH: process.env['PATH'], HOME: '/home/user' };

/** A gateway before two servers that write down all that they are sent. */
export async function gatewayScene(
  onTestFinished: Cleanup,
  options: Partial<GatewayOptions> & { readonly servers?: Record<string, ServerSpec> } = {},
) {
  const directory = temporaryDirectory(onTestFinished);
  const { servers, ...more } = options;
  const logging = (name: string): ServerSpec => ({
    command: process.execPath,
    args: [join(programs, 'fault-server.mjs'), 'log', join(directory, `${name}.sent`)],
  });
  const hub = createMcpHub({
    servers: servers ?? { one: logging('one'), two: logging('two') },
    environment,
  });
  onTestFinished(() => hub.close());
  const events: GatewayEvent[] = [];
  const gateway = createGateway(hub, { log: (event) => events.push(event), ...more });
  onTestFinished(() => gateway.close());
  const { url } = await gateway.listen();
  let grants = 0;
  return {
    directory,
    hub,
    gateway,
    url,
    events,
    refusals: () => events.filter((event) => event.type === 'refused'),
    async grant(given: Partial<GrantOptions> = {}) {
      grants += 1;
      const tokenFile = join(directory, `token-${grants}`);
      const made = { attempt: `attempt-${grants}`, ttlMs: 600_000, tokenFile, ...given };
      const grant = await gateway.grant(made);
      return { grant, token: readFileSync(grant.tokenFile, 'utf8') };
    },
    /** What a server itself says that it was sent. */
    sent: (name: 'one' | 'two', method: string): JsonObject[] => {
      const file = join(directory, `${name}.sent`);
      if (!existsSync(file)) return [];
      const lines = readFileSync(file, 'utf8').trim().split('\n').filter(Boolean);
      return lines
        .map((line) => JSON.parse(line) as JsonObject)
        .filter((message) => message['method'] === method);
    },
  };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The message with this request's id, from JSON or events. */
  readonly message: JsonObject | undefined;
}

/** One HTTP request, with nothing done for the sender. */
export function raw(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('close', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          message: lastMessage(text),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function lastMessage(text: string): JsonObject | undefined {
  const data = text.startsWith('{')
    ? [text]
    : [...text.matchAll(/^data: (\{.*)$/gm)].map(([, found]) => found ?? '');
  const messages = data.map((one) => JSON.parse(one) as JsonObject);
  return messages.findLast(({ method }) => method === undefined);
}

/** A client that speaks for itself, and keeps to no rule but its caller's. */
export async function rawClient(url: string, token: string, capabilities: JsonObject = {}) {
  const headers: Record<string, string> = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  let id = 0;
  const post = (method: string, params: JsonObject, more = {}): Promise<RawAnswer> => {
    id += 1;
    const message = { jsonrpc: '2.0', id, method, params };
    return raw(url, 'POST', { ...headers, ...more }, JSON.stringify(message));
  };
  const clientInfo = { name: 'raw', version: '1' };
  const begun = await post('initialize', {
    protocolVersion: '2025-11-25',
    capabilities,
    clientInfo,
  });
  const session = begun.headers['mcp-session-id'];
  if (typeof session === 'string') headers['mcp-session-id'] = session;
  return { begun, headers, post, session };
}
