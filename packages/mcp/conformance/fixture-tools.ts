import { setTimeout as sleep } from 'node:timers/promises';
import { RpcError, rpcCode, type Ask, type Exchange } from '../src/gateway/index.js';
import { asText, type JsonObject } from '../src/json.js';

/** A red point, and a tenth of a second of silence. */
export const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const wav = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';

export interface FixtureTool {
  readonly inputSchema?: JsonObject;
  run(exchange: Exchange, args: JsonObject, fixture: Fixture): Promise<JsonObject> | JsonObject;
}

export interface Fixture {
  changed(list: 'tools' | 'prompts'): void;
}

export const text = (value: string): JsonObject => ({ type: 'text', text: value });
const says = (value: string): JsonObject => ({ content: [text(value)] });
const image = { type: 'image', data: png, mimeType: 'image/png' };

export const elicit = (message: string, properties: JsonObject): Ask => ({
  method: 'elicitation/create',
  params: {
    message,
    requestedSchema: { type: 'object', properties, required: Object.keys(properties) },
  },
});
const sample = (prompt: string, maxTokens = 100): Ask => ({
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: text(prompt) }], maxTokens },
});
const roots: Ask = { method: 'roots/list', params: {} };

async function elicited(exchange: Exchange, properties: JsonObject): Promise<JsonObject> {
  const asked = elicit('Please fill this in', properties);
  const params = { ...asked.params, requestedSchema: { type: 'object', properties, required: [] } };
  const { form } = await exchange.ask({ form: { ...asked, params } });
  const { action, content } = form;
  return says(
    `Elicitation completed: action=${asText(action)}, content=${JSON.stringify(content ?? {})}`,
  );
}

const options = ['option1', 'option2', 'option3'];
const titled = (names: readonly string[]): JsonObject[] =>
  names.map((title, index) => ({ const: `value${index + 1}`, title }));

const schema2020: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};

const takesText = (name: string, more: JsonObject = {}): JsonObject => ({
  type: 'object',
  properties: { [name]: { type: 'string', ...more } },
});

/** The tools by whose names the suite asks. */
export const fixtureTools: Readonly<Record<string, FixtureTool>> = {
  test_simple_text: { run: () => says('This is a simple text response for testing.') },
  test_image_content: { run: () => ({ content: [image] }) },
  test_audio_content: {
    run: () => ({ content: [{ type: 'audio', data: wav, mimeType: 'audio/wav' }] }),
  },
  test_embedded_resource: {
    run: () => ({
      content: [
        {
          type: 'resource',
          resource: {
            uri: 'test://embedded-resource',
            mimeType: 'text/plain',
            text: 'This is an embedded resource content.',
          },
        },
      ],
    }),
  },
  test_multiple_content_types: {
    run: () => ({
      content: [
        text('Multiple content types test:'),
        image,
        {
          type: 'resource',
          resource: {
            uri: 'test://mixed-content-resource',
            mimeType: 'application/json',
            text: '{"test":"data","value":123}',
          },
        },
      ],
    }),
  },
  test_tool_with_logging: {
    async run(exchange) {
      exchange.log('info', 'Tool execution started');
      await sleep(50);
      exchange.log('info', 'Tool processing data');
      await sleep(50);
      exchange.log('info', 'Tool execution completed');
      return says('Logged three times.');
    },
  },
  test_error_handling: {
    run: () => ({
      isError: true,
      ...says('This tool intentionally returns an error for testing'),
    }),
  },
  test_tool_with_progress: {
    async run(exchange) {
      for (const progress of [0, 50, 100]) {
        exchange.progress({ progress, total: 100 });
        await sleep(50);
      }
      return says('Came to 100.');
    },
  },
  test_sampling: {
    inputSchema: takesText('prompt'),
    async run(exchange, { prompt }) {
      const { answer } = await exchange.ask({ answer: sample(asText(prompt)) });
      const content = answer['content'] as JsonObject | undefined;
      return says(`LLM response: ${asText(content?.['text'])}`);
    },
  },
  test_elicitation: {
    inputSchema: takesText('message'),
    async run(exchange, { message }) {
      const { user } = await exchange.ask({
        user: elicit(asText(message), {
          username: { type: 'string', description: "User's response" },
          email: { type: 'string', description: "User's email address" },
        }),
      });
      return says(
        `User response: action=${asText(user['action'])}, content=${JSON.stringify(user['content'])}`,
      );
    },
  },
  test_elicitation_sep1034_defaults: {
    run: (exchange) =>
      elicited(exchange, {
        name: { type: 'string', default: 'John Doe' },
        age: { type: 'integer', default: 30 },
        score: { type: 'number', default: 95.5 },
        status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
        verified: { type: 'boolean', default: true },
      }),
  },
  test_elicitation_sep1330_enums: {
    run: (exchange) =>
      elicited(exchange, {
        untitledSingle: { type: 'string', enum: options },
        titledSingle: {
          type: 'string',
          oneOf: titled(['First Option', 'Second Option', 'Third Option']),
        },
        legacyEnum: {
          type: 'string',
          enum: ['opt1', 'opt2', 'opt3'],
          enumNames: ['Option One', 'Option Two', 'Option Three'],
        },
        untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
        titledMulti: {
          type: 'array',
          items: { anyOf: titled(['First Choice', 'Second Choice', 'Third Choice']) },
        },
      }),
  },
  json_schema_2020_12_tool: { inputSchema: schema2020, run: () => says('Kept as it is.') },
  test_reconnection: {
    async run(exchange) {
      exchange.disconnect();
      await sleep(100);
      return says('Reconnected.');
    },
  },
  test_x_mcp_header: {
    inputSchema: takesText('region', { 'x-mcp-header': 'Region' }),
    run: (_exchange, { region }) => says(`Region: ${asText(region)}`),
  },
  test_missing_capability: {
    async run(exchange) {
      await exchange.ask({ sampled: sample('Are you there?') });
      return says('The client samples.');
    },
  },
  test_streaming_elicitation: {
    async run(exchange) {
      exchange.progress({ progress: 1 });
      await exchange.ask({ name: elicit('Who are you?', { name: { type: 'string' } }) });
      return says('Known.');
    },
  },
  test_logging_tool: {
    run(exchange) {
      exchange.log('info', 'Only for those who asked for it.');
      return says('Logged.');
    },
  },
  test_trigger_tool_change: {
    run(_exchange, _args, fixture) {
      fixture.changed('tools');
      return says('Changed.');
    },
  },
  test_trigger_prompt_change: {
    run(_exchange, _args, fixture) {
      fixture.changed('prompts');
      return says('Changed.');
    },
  },
  test_input_required_result_elicitation: {
    async run(exchange) {
      const { user_name: user } = await exchange.ask({
        user_name: elicit('What is your name?', { name: { type: 'string' } }),
      });
      const content = user['content'] as JsonObject | undefined;
      return says(`Hello, ${asText(content?.['name'])}!`);
    },
  },
  test_input_required_result_sampling: {
    async run(exchange) {
      const { capital_question: answer } = await exchange.ask({
        capital_question: sample('What is the capital of France?'),
      });
      return says(JSON.stringify(answer['content']));
    },
  },
  test_input_required_result_list_roots: {
    async run(exchange) {
      const { client_roots: answer } = await exchange.ask({ client_roots: roots });
      return says(JSON.stringify(answer['roots']));
    },
  },
  test_input_required_result_request_state: {
    async run(exchange) {
      await exchange.ask({ confirm: elicit('Please confirm', { ok: { type: 'boolean' } }) });
      return says('state-ok');
    },
  },
  test_input_required_result_tampered_state: {
    async run(exchange) {
      await exchange.ask({ confirm: elicit('Please confirm', { ok: { type: 'boolean' } }) });
      return says('Confirmed.');
    },
  },
  test_input_required_result_multiple_inputs: {
    async run(exchange) {
      const answers = await exchange.ask({
        user_name: elicit('What is your name?', { name: { type: 'string' } }),
        greeting: sample('Generate a greeting', 50),
        client_roots: roots,
      });
      return says(Object.keys(answers).join(', '));
    },
  },
  test_input_required_result_multi_round: {
    async run(exchange) {
      const { step1 } = await exchange.ask({
        step1: elicit('Step 1: What is your name?', { name: { type: 'string' } }),
      });
      const { step2 } = await exchange.ask({
        step2: elicit('Step 2: What is your favorite color?', { color: { type: 'string' } }),
      });
      return says(JSON.stringify([step1['content'], step2['content']]));
    },
  },
  test_input_required_result_capabilities: {
    async run(exchange) {
      const can = exchange.clientCapabilities;
      const asks: Record<string, Ask> = {
        ...(can['sampling'] !== undefined && { greeting: sample('Generate a greeting', 50) }),
        ...(can['elicitation'] !== undefined && {
          user_name: elicit('What is your name?', { name: { type: 'string' } }),
        }),
      };
      if (Object.keys(asks).length === 0)
        throw new RpcError(rpcCode.params, 'This client can be asked nothing.');
      return says(Object.keys(await exchange.ask(asks)).join(', '));
    },
  },
};
