import { RpcError, rpcCode, type McpService, type ServiceEvent } from '../src/gateway/index.js';
import { asText, type JsonObject } from '../src/json.js';
import { elicit, fixtureTools, png, text, type Fixture } from './fixture-tools.js';

const says = (role: string, content: JsonObject): JsonObject => ({ role, content });

const prompts: readonly JsonObject[] = [
  { name: 'test_simple_prompt', description: 'Without arguments' },
  {
    name: 'test_prompt_with_arguments',
    description: 'With two',
    arguments: [
      { name: 'arg1', description: 'The first', required: true },
      { name: 'arg2', description: 'The second', required: true },
    ],
  },
  {
    name: 'test_prompt_with_embedded_resource',
    description: 'With a resource',
    arguments: [{ name: 'resourceUri', description: 'Which', required: true }],
  },
  { name: 'test_prompt_with_image', description: 'With an image' },
  { name: 'test_input_required_result_prompt', description: 'Asks before it answers' },
];

const resources: readonly JsonObject[] = [
  {
    uri: 'test://static-text',
    name: 'static-text',
    description: 'A text',
    mimeType: 'text/plain',
  },
  {
    uri: 'test://static-binary',
    name: 'static-binary',
    description: 'An image',
    mimeType: 'image/png',
  },
  {
    uri: 'test://watched-resource',
    name: 'watched-resource',
    description: 'To subscribe to',
    mimeType: 'text/plain',
  },
];

function readResource(uri: string): JsonObject {
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id !== undefined) {
    const data = { id, templateTest: true, data: `Data for ID: ${id}` };
    return { uri, mimeType: 'application/json', text: JSON.stringify(data) };
  }
  switch (uri) {
    case 'test://static-text':
      return {
        uri,
        mimeType: 'text/plain',
        text: 'This is the content of the static text resource.',
      };
    case 'test://static-binary':
      return { uri, mimeType: 'image/png', blob: png };
    case 'test://watched-resource':
      return { uri, mimeType: 'text/plain', text: 'Watched.' };
    default:
      throw new RpcError(rpcCode.resource, 'Resource not found', { uri });
  }
}

/** What the official suite expects of the server that it tests, as a service for the gateway. */
export function createFixtureService(): McpService {
  const listeners = new Set<(event: ServiceEvent) => void>();
  const fixture: Fixture = {
    changed(list) {
      for (const listener of [...listeners]) listener({ type: 'changed', list });
    },
  };
  const tools = Object.entries(fixtureTools).map(([name, { inputSchema }]) => ({
    name,
    description: `The suite's ${name}`,
    inputSchema: inputSchema ?? { type: 'object', properties: {} },
  }));

  return {
    info: { name: 'conformance-fixture', version: '1.0.0' },
    capabilities: {},
    async request(method, params, exchange) {
      const name = asText(params['name']);
      const args = (params['arguments'] ?? {}) as JsonObject;
      switch (method) {
        case 'tools/list':
          return { tools };
        case 'tools/call': {
          const tool = Object.hasOwn(fixtureTools, name) ? fixtureTools[name] : undefined;
          if (tool === undefined) throw new RpcError(rpcCode.params, `Unknown tool: ${name}`);
          return tool.run(exchange, args, fixture);
        }
        case 'resources/list':
          return { resources };
        case 'resources/templates/list':
          return {
            resourceTemplates: [
              {
                uriTemplate: 'test://template/{id}/data',
                name: 'template',
                description: 'Data by id',
                mimeType: 'application/json',
              },
            ],
          };
        case 'resources/read':
          return { contents: [readResource(asText(params['uri']))] };
        case 'resources/subscribe':
        case 'resources/unsubscribe':
        case 'logging/setLevel':
          return {};
        case 'prompts/list':
          return { prompts };
        case 'prompts/get':
          switch (name) {
            case 'test_simple_prompt':
              return { messages: [says('user', text('This is a simple prompt for testing.'))] };
            case 'test_prompt_with_arguments': {
              const { arg1, arg2 } = args;
              const said = `Prompt with arguments: arg1='${asText(arg1)}', arg2='${asText(arg2)}'`;
              return { messages: [says('user', text(said))] };
            }
            case 'test_prompt_with_embedded_resource': {
              const resource = {
                uri: args['resourceUri'],
                mimeType: 'text/plain',
                text: 'Embedded resource content for testing.',
              };
              return {
                messages: [
                  says('user', { type: 'resource', resource }),
                  says('user', text('Please process the embedded resource above.')),
                ],
              };
            }
            case 'test_prompt_with_image':
              return {
                messages: [
                  says('user', { type: 'image', data: png, mimeType: 'image/png' }),
                  says('user', text('Please analyze the image above.')),
                ],
              };
            case 'test_input_required_result_prompt': {
              const { user_context: answer } = await exchange.ask({
                user_context: elicit('What context should the prompt use?', {
                  context: { type: 'string' },
                }),
              });
              return { messages: [says('user', text(JSON.stringify(answer['content'])))] };
            }
            default:
              throw new RpcError(rpcCode.params, `Unknown prompt: ${name}`);
          }
        case 'completion/complete':
          return { completion: { values: ['test-value'], total: 1, hasMore: false } };
        default:
          throw new RpcError(rpcCode.method, `Unknown method: ${method}`);
      }
    },
    describeTool: (name) => Promise.resolve(tools.find((tool) => tool.name === name)),
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
