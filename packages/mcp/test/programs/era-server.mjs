// A server of both eras of the protocol: `era-server.mjs ERAS [http]`, with ERAS `legacy`, `modern`, `both`, or
// `fragile`: legacy, and it ends when anything comes before `initialize`; `mute`: it does not answer that. Over HTTP it says its port on stdout.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const [eras = 'both', way = 'stdio'] = process.argv.slice(2);
if (process.env.ERA_STARTS) appendFileSync(process.env.ERA_STARTS, 'started\n');
const modernVersion = '2026-07-28';
const versionKey = 'io.modelcontextprotocol/protocolVersion';
const subscriptionKey = 'io.modelcontextprotocol/subscriptionId';
const isModern = ({ params }) => params?._meta?.[versionKey] !== undefined;
const text = (value) => ({
  content: [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }],
});
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let revision = 1;
let nextQuestion = 1;
let lists = 0;
let isInitialized = false;
let cancelled = 0;
let logLevel;
let declared;
const questions = new Map();
/** Where what is said unasked goes: `{filter, send}`. */
const listeners = new Map();
const subscribed = new Set();

const capabilities = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  logging: {},
};
const header = (name, more) => ({ type: 'string', 'x-mcp-header': name, ...more });
const schemas = {
  marked: {
    type: 'object',
    properties: {
      region: header('Region'),
      deep: { type: 'object', properties: { level: header('Level', { type: 'integer' }) } },
      plain: { type: 'string' },
    },
  },
  badly_marked: { type: 'object', properties: { region: header('Not a token') } },
};

function tell(method, params, wants) {
  for (const [id, { filter, send }] of listeners)
    if (filter === undefined || wants(filter))
      send({
        method,
        params: filter === undefined ? params : { ...params, _meta: { [subscriptionKey]: id } },
      });
}

const tools = {
  echo: ({ args }) => text(args.say ?? 'well'),
  /** The request as it came. */
  seen: ({ message, headers }) => text({ message, headers }),
  lists: () => text(String(lists)),
  /** How often nobody waited any more. */
  cancelled: () => text(String(cancelled)),
  exit: () => process.exit(1),
  listeners: () => text(String(listeners.size)),
  /** What the client says that it may be asked. */
  declared: ({ message }) =>
    text(message.params._meta['io.modelcontextprotocol/clientCapabilities'] ?? declared),
  async ask({ message, args, send }) {
    const { inputResponses, requestState } = message.params;
    if (isModern(message)) {
      if (args.rounds > Number(requestState ?? 0))
        return {
          resultType: 'input_required',
          inputRequests: args.questions,
          requestState: String(Number(requestState ?? 0) + 1),
        };
      return text(inputResponses ?? {});
    }
    const answers = {};
    for (const [key, question] of Object.entries(args.questions)) {
      const id = `q${(nextQuestion += 1)}`;
      const answered = new Promise((resolve) => questions.set(id, resolve));
      send({ id, ...question });
      const { result, error } = await answered;
      answers[key] = result ?? { refused: error };
    }
    return text(answers);
  },
  async slow({ message, args, send }) {
    for (let step = 1; step <= args.steps; step += 1) {
      await sleep(args.everyMs);
      const { progressToken } = message.params._meta;
      send({ method: 'notifications/progress', params: { progressToken, progress: step } });
    }
    return text('done');
  },
  silent: () => new Promise(() => undefined),
  change() {
    revision += 1;
    tell('notifications/tools/list_changed', {}, (filter) => filter.toolsListChanged);
    return text('changed');
  },
  touch({ args: { uri } }) {
    const wants = (filter) => filter.resourceSubscriptions?.includes(uri);
    if (
      subscribed.has(uri) ||
      [...listeners.values()].some(({ filter }) => filter && wants(filter))
    )
      tell('notifications/resources/updated', { uri }, wants);
    return text('touched');
  },
  log({ message, send }) {
    const level = isModern(message)
      ? message.params._meta['io.modelcontextprotocol/logLevel']
      : logLevel;
    if (level !== undefined)
      send({ method: 'notifications/message', params: { level, data: 'said' } });
    return text(level ?? 'no level');
  },
  /** It ends the streams of those who listen. */
  hang_up() {
    for (const { end } of listeners.values()) end?.();
    listeners.clear();
    return text('hung up');
  },
  unknown_result: () => ({ resultType: 'surprise', ...text('') }),
  untyped_result: () => ({ resultType: undefined, ...text('complete') }),
  marked: ({ message, headers }) => text({ message, headers }),
  badly_marked: () => text('never'),
};

async function answer({ message, headers, send }) {
  const { method, params = {} } = message;
  switch (method) {
    case 'initialize':
      if (eras === 'modern') return unknown(method);
      isInitialized = true;
      declared = params.capabilities;
      return {
        result: {
          protocolVersion: params.protocolVersion,
          capabilities,
          serverInfo: { name: 'era', version: '1' },
          instructions: 'as you like',
        },
      };
    case 'server/discover':
      if (eras === 'legacy' || !isModern(message)) return unknown(method);
      return {
        result: {
          supportedVersions: [modernVersion],
          capabilities,
          instructions: 'as you like',
          _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'era', version: '1' } },
        },
      };
    case 'ping':
      return isModern(message) ? unknown(method) : { result: {} };
    case 'logging/setLevel':
      logLevel = params.level;
      return { result: {} };
    case 'resources/subscribe':
      subscribed.add(params.uri);
      return { result: {} };
    case 'resources/unsubscribe':
      subscribed.delete(params.uri);
      return { result: {} };
    case 'resources/list':
      return { result: { resources: [{ uri: 'file:///a', name: 'a' }] } };
    case 'resources/read':
      return { result: { contents: [{ uri: params.uri, text: `revision ${revision}` }] } };
    case 'tools/list': {
      lists += 1;
      const listed = Object.keys(tools).map((name) => ({
        name,
        description: `revision ${revision}`,
        inputSchema: schemas[name] ?? { type: 'object' },
      }));
      const ttlMs = Number(process.env.ERA_TTL_MS ?? 60_000);
      return { result: { tools: listed, ttlMs } };
    }
    case 'tools/call': {
      const tool = tools[params.name];
      if (tool === undefined) return { error: { code: -32_602, message: 'no such tool' } };
      return { result: await tool({ message, headers, send, args: params.arguments ?? {} }) };
    }
    default:
      return unknown(method);
  }
}

const unknown = (method) => ({ error: { code: -32_601, message: `no ${method}` } });

/** Answers are written by `send`; `end` closes what belongs to this message alone. */
async function receive(message, headers, send, end) {
  const { id, method } = message;
  if (method === undefined) {
    questions.get(id)?.(message);
    questions.delete(id);
    return;
  }
  if (eras === 'fragile' && method !== 'initialize' && !isInitialized) process.exit(1);
  if (eras === 'mute' && method !== 'initialize' && !isInitialized) return;
  if (isModern(message) && eras !== 'legacy' && message.params._meta[versionKey] !== modernVersion)
    return send({
      id,
      error: { code: -32_022, message: 'version', data: { supported: [modernVersion] } },
    });
  if (id === undefined) {
    if (method !== 'notifications/cancelled') return;
    if (!listeners.delete(message.params.requestId)) cancelled += 1;
    return;
  }
  if (method === 'subscriptions/listen' && isModern(message)) {
    const filter = message.params.notifications;
    listeners.set(id, { filter, send, end });
    send({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: filter, _meta: { [subscriptionKey]: id } },
    });
    return;
  }
  const answered = await answer({ message, headers, send });
  if (answered.result !== undefined && isModern(message) && !('resultType' in answered.result))
    answered.result.resultType = 'complete';
  send({ id, ...answered });
  end?.();
}

if (way === 'stdio') {
  const send = (message) =>
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  if (eras === 'legacy' || eras === 'both') listeners.set('all', { filter: undefined, send });
  createInterface({ input: process.stdin }).on('line', (line) => {
    const message = JSON.parse(line);
    // Whoever speaks as of 2026-07-28 hears only what it asked for.
    if (isModern(message) && eras !== 'legacy') listeners.delete('all');
    void receive(message, {}, send);
  });
} else {
  const server = createServer(async (request, response) => {
    if (request.method === 'DELETE') return void response.writeHead(200).end();
    const stream = () => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
    };
    const send = (message) =>
      response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
    if (request.method === 'GET') {
      if (eras === 'modern') return void response.writeHead(405).end();
      stream();
      listeners.set('get', { filter: undefined, send, end: () => response.end() });
      return;
    }
    let body = '';
    try {
      for await (const chunk of request) body += chunk;
    } catch {
      return; // its client is gone
    }
    const message = JSON.parse(body);
    if (message.id === undefined || message.method === undefined) {
      response.writeHead(202).end();
      return void receive(message, request.headers, () => undefined);
    }
    const isRefused =
      (isModern(message) && eras === 'legacy') ||
      (isModern(message) && message.params._meta[versionKey] !== modernVersion);
    if (isRefused) {
      const code = eras === 'legacy' ? -32_601 : -32_022;
      const error = { code, message: 'no', data: { supported: [modernVersion] } };
      response.writeHead(400, { 'content-type': 'application/json' });
      return void response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error }));
    }
    stream();
    response.on('close', () => {
      if (!response.writableEnded && !listeners.delete(message.id)) cancelled += 1;
    });
    void receive(message, request.headers, send, () => response.end());
  });
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
}
