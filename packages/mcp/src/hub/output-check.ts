import { createContext, Script } from 'node:vm';
import type { Ajv, ValidateFunction } from 'ajv';
import { excerpt, type Json, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import type { Tool } from './definitions.js';
import type { ToolResult } from './tool-result.js';

/** A schema is compiled, and a value held against one that can be slow, in no more than this. */
const compileMs = 1000;
const checkMs = 250;
const mostCharacters = 256 * 1024;
const deepest = 64;

type Check = (value: unknown) => string | undefined;

/** Holds what tools give against the output schemas that they list. */
export class OutputCheck {
  readonly #server: string;
  /** By the schema as an object: a list that was read again has others. */
  readonly #checks = new WeakMap<JsonObject, Promise<Check>>();

  constructor(server: string) {
    this.#server = server;
  }

  /** Rejects with `ORCH_MCP_STRUCTURED`. */
  async check(tool: Tool, result: ToolResult): Promise<void> {
    const { outputSchema: schema } = tool;
    if (schema === undefined || result.isError) return;
    const fail = (what: string, cause?: unknown): McpError =>
      new McpError(
        'ORCH_MCP_STRUCTURED',
        `The tool ${tool.name} of ${this.#server} has run, but ${what}. This is a defect of the server; what it gave is in details.result.`,
        { details: { server: this.#server, tool: tool.name, result: result.raw }, cause },
      );
    if (result.structured === undefined)
      throw fail('gave nothing structured, which its output schema promises');
    let check = this.#checks.get(schema);
    if (check === undefined) {
      check = compile(schema);
      this.#checks.set(schema, check);
      check.catch(() => undefined);
    }
    let fault: string | undefined;
    try {
      fault = (await check)(result.structured);
    } catch (cause) {
      if (!(cause instanceof SchemaFault)) throw cause;
      // It is not tried again: each time would cost as much.
      this.#checks.set(schema, Promise.reject(cause));
      this.#checks.get(schema)?.catch(() => undefined);
      throw fail(`its output schema cannot be used: ${cause.message}`);
    }
    if (fault !== undefined) throw fail(`what it gave does not fit its output schema: ${fault}`);
  }
}

class SchemaFault extends Error {}

const dialects: Readonly<Record<string, () => Promise<new (options: object) => Ajv>>> = {
  'https://json-schema.org/draft/2020-12/schema': async () =>
    (await import('ajv/dist/2020.js')).Ajv2020,
  'https://json-schema.org/draft/2019-09/schema': async () =>
    (await import('ajv/dist/2019.js')).Ajv2019,
  'http://json-schema.org/draft-07/schema': async () => (await import('ajv')).Ajv,
};

async function compile(schema: JsonObject): Promise<Check> {
  const slow = weigh(schema);
  const named = schema['$schema'] ?? 'https://json-schema.org/draft/2020-12/schema';
  const load = typeof named === 'string' ? dialects[named.replace(/#$/, '')] : undefined;
  if (load === undefined)
    throw new SchemaFault(`its $schema ${excerpt(JSON.stringify(named))} is not known here`);
  const Validator = await load();
  // One each: a schema must not see the $id of another, and one that was cut short leaves nothing behind.
  const ajv = new Validator({
    strict: false,
    validateFormats: false,
    inlineRefs: false,
    ownProperties: true,
    addUsedSchema: false,
    logger: false,
  });
  const validate = within<ValidateFunction>(compileMs, 'it takes too long to compile', () => {
    try {
      return ajv.compile(schema);
    } catch (error) {
      // Nothing is fetched: a $ref that leads elsewhere ends here.
      throw new SchemaFault(excerpt((error as Error).message));
    }
  });
  const run = (value: unknown): string | undefined =>
    validate(value) ? undefined : ajv.errorsText(validate.errors, { dataVar: 'structured' });
  if (!slow) return (value) => excerptOf(run(value));
  return (value) =>
    excerptOf(within(checkMs, 'it takes too long to hold a value against it', () => run(value)));
}

const excerptOf = (fault: string | undefined): string | undefined =>
  fault === undefined ? undefined : excerpt(fault, 500);

/** Runs it in this thread, and ends it when its time is up, even in the middle of a regular expression. */
function within<T>(timeout: number, late: string, work: () => T): T {
  try {
    return new Script('work()').runInContext(createContext({ work }), { timeout }) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw new SchemaFault(`${late} (${timeout} ms)`);
    if (error instanceof RangeError) throw new SchemaFault('it is nested too deeply');
    throw error;
  }
}

/** With these a small schema, or a small value, can take for ever. */
const slowKeys: ReadonlySet<string> = new Set([
  'pattern',
  'patternProperties',
  'uniqueItems',
  '$ref',
  '$dynamicRef',
  '$recursiveRef',
  'unevaluatedProperties',
  'unevaluatedItems',
]);

/** Whether it can be slow. Throws for a schema that is too large to look at. */
function weigh(schema: JsonObject): boolean {
  let characters = 0;
  let isSlow = false;
  const walk = (value: Json | undefined, depth: number): void => {
    if (depth > deepest) throw new SchemaFault(`it is nested deeper than ${deepest} levels`);
    if (typeof value === 'string') characters += value.length;
    else if (typeof value === 'object' && value !== null)
      for (const [key, one] of Object.entries(value) as [string, Json | undefined][]) {
        characters += key.length + 2;
        isSlow ||= slowKeys.has(key);
        walk(one, depth + 1);
      }
    if (characters > mostCharacters)
      throw new SchemaFault(`it has more than ${mostCharacters} characters`);
  };
  walk(schema, 0);
  return isSlow;
}
