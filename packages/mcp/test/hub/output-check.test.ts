import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/index.js';
import { OutputCheck } from '../../src/hub/output-check.js';
import { readToolResult } from '../../src/hub/tool-result.js';
import { refusal } from '../scene.js';
import { scene, tool } from '../safety/defined.js';

const person = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name'],
};

/** What is said of a value; undefined if it fits. */
async function fault(
  outputSchema: JsonObject,
  structuredContent: unknown,
): Promise<string | undefined> {
  const result = readToolResult('one', 'get', { content: [], structuredContent } as JsonObject);
  const error = await new OutputCheck('one')
    .check({ name: 'get', inputSchema: {}, outputSchema }, result)
    .then(() => undefined)
    .catch((reason: unknown) => reason as Error);
  return error?.message;
}

describe('what a tool gives', () => {
  test.each<[string, JsonObject, unknown]>([
    ['fits', person, { name: 'Ada', age: 36 }],
    ['has more than is promised', person, { name: 'Ada', more: true }],
    [
      'fits draft 7',
      { $schema: 'http://json-schema.org/draft-07/schema#', ...person },
      { name: '' },
    ],
    [
      'fits 2020-12',
      {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        properties: { a: { prefixItems: [{ const: 1 }] } },
      },
      { a: [1, 2] },
    ],
    [
      'refers within itself',
      { $defs: { a: { type: 'number' } }, properties: { x: { $ref: '#/$defs/a' } } },
      { x: 1 },
    ],
    ['has a format, which is a word', { properties: { a: { format: 'email' } } }, { a: 'none' }],
    ['has keys that no schema knows', { ...person, 'x-own': 1 }, { name: 'Ada' }],
  ])('is taken: it %s', async (_how, schema, value) => {
    expect(await fault(schema, value)).toBeUndefined();
  });

  test.each<[string, JsonObject, unknown, string]>([
    ['is of another type', person, { name: 5 }, 'structured/name must be string'],
    ['lacks what is promised', person, { age: 5 }, "must have required property 'name'"],
    ['is not there', person, undefined, 'gave nothing structured'],
    ['has what only its prototype has', { required: ['toString'] }, {}, 'required property'],
  ])('is refused: it %s', async (_how, schema, value, said) => {
    expect(await fault(schema, value)).toContain(said);
  });

  test('is in the error, so that nothing is lost; and a tool that failed need give nothing', async ({
    onTestFinished,
  }) => {
    const get = tool('get', 'Gets.', { outputSchema: person });
    const right = { content: [], structuredContent: { name: 'Ada' } };
    const wrong = { content: [{ type: 'text', text: 'kept' }], structuredContent: { name: 5 } };
    const definitions = (result: object) => ({ tools: [get], results: { get: result } });
    const { hub, one } = scene(onTestFinished, definitions(right));
    expect((await hub.call('one__get')).structured).toEqual({ name: 'Ada' });
    one.define(definitions(wrong));
    const error = await refusal(hub.call('one__get'));
    expect(error).toMatchObject({ code: 'ORCH_MCP_STRUCTURED', details: { result: wrong } });
    one.define(definitions({ content: [], isError: true }));
    expect(await hub.call('one__get')).toMatchObject({ isError: true });
    // The list was read once, for the first structured result.
    expect(one.asked().filter((line) => line.startsWith('tools/list'))).toHaveLength(1);
  });

  test('the control: with the check off it is handed over as it is', async ({ onTestFinished }) => {
    const results = { get: { content: [], structuredContent: { name: 5 } } };
    const definitions = { tools: [tool('get', 'Gets.', { outputSchema: person })], results };
    const { hub } = scene(onTestFinished, definitions, { structured: 'off' });
    await hub.tools();
    expect((await hub.call('one__get')).structured).toEqual({ name: 5 });
  });
});

describe('a schema', () => {
  test.each<[string, JsonObject]>([
    ['is none', { type: 'strin' }],
    ['has a pattern that is none', { properties: { a: { pattern: '(' } } }],
    ['is of an unknown dialect', { $schema: 'https://example.test/schema' }],
    ['refers to nothing', { $ref: '#/$defs/none' }],
    ['is nested without end', nested(5000)],
    ['is longer than anybody reads', { description: 'x'.repeat(300_000) }],
  ])('that %s is refused with its reason', async (_how, schema) => {
    expect(await fault(schema, {})).toContain('its output schema cannot be used: ');
  });

  test('that refers elsewhere is refused, and nothing is fetched', async ({ onTestFinished }) => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    expect(await fault({ $ref: `http://127.0.0.1:${port}/schema` }, {})).toContain("can't resolve");
    expect(asked).toBe(0);
  });

  test.each<[string, JsonObject, unknown]>([
    [
      'a pattern that goes back for ever',
      { properties: { a: { pattern: '^(a+)+$' } } },
      { a: `${'a'.repeat(40)}!` },
    ],
    ['references that double with each step', doubling(40), { x: 1 }],
    [
      'a list in which each is compared with each',
      { properties: { a: { uniqueItems: true } } },
      { a: many(6000) },
    ],
  ])('with %s ends in its time', async (_what, schema, value) => {
    const before = performance.now();
    const said = await fault(schema, value);
    expect(said).toContain('takes too long');
    expect(performance.now() - before).toBeLessThan(5000);
  });

  test('that took too long once is not tried again', async () => {
    const check = new OutputCheck('one');
    const outputSchema = { properties: { a: { pattern: '^(a+)+$' } } };
    const get = { name: 'get', inputSchema: {}, outputSchema };
    const result = (a: string) =>
      readToolResult('one', 'get', { content: [], structuredContent: { a } });
    await refusal(check.check(get, result(`${'a'.repeat(40)}!`)));
    const error = await refusal(check.check(get, result('a')));
    expect(error.message).toContain('takes too long');
  });
});

function nested(depth: number): JsonObject {
  let schema: JsonObject = {};
  for (let n = 0; n < depth; n += 1) schema = { not: schema };
  return schema;
}

function doubling(steps: number): JsonObject {
  const $defs: Record<string, JsonObject> = { s0: { type: 'object' } };
  for (let n = 1; n <= steps; n += 1) {
    const next = { $ref: `#/$defs/s${n - 1}` };
    $defs[`s${n}`] = { allOf: [next, next] };
  }
  return { $defs, $ref: `#/$defs/s${steps}` };
}

function many(count: number): readonly object[] {
  return Array.from({ length: count }, (_, n) => ({ a: { b: { c: [n, n, n, n] } } }));
}
