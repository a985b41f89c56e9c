import { excerpt, isJsonObject, type Json, type JsonObject } from '../json.js';
import { faultOf, withDefaults } from './form.js';
import type { AskHandlers, AskKind, Asking, Elicited, SamplingRequest } from './handlers.js';

/** A refusal as JSON-RPC gives it: what it says is told to the server. */
export class AnswerError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const invalid = -32_602;
const notFound = -32_601;
const internal = -32_603;
/** Of the range that JSON-RPC leaves to implementations. */
const tooOften = -32_000;

/** How a question of the server came out. */
export interface Asked {
  readonly method: string;
  readonly outcome: 'answered' | 'refused' | 'failed';
  readonly reason?: string;
}

export interface AnswersOptions {
  readonly server: string;
  readonly handlers: AskHandlers;
  /** What this server may ask for. */
  readonly asks: readonly AskKind[];
  readonly asksPerMinute: number;
  /** `file:` URLs. */
  readonly roots: readonly string[];
  tell(asked: Asked): void;
}

/** What the client answers to one server's questions, over all of its connections. */
export interface Answers {
  /** What the server is told that it may ask for. */
  readonly capabilities: JsonObject;
  /** The methods that are answered. */
  readonly methods: readonly string[];
  /** Rejects with an `AnswerError`. */
  answer(method: string, params: JsonObject, signal: AbortSignal): Promise<JsonObject>;
}

const minuteMs = 60_000;

export function createAnswers(options: AnswersOptions): Answers {
  const { server, handlers, asks, asksPerMinute, roots } = options;
  const isAllowed = (kind: AskKind): boolean => asks.includes(kind);
  const elicitation = {
    ...(handlers.fillForm && { form: {} }),
    ...(handlers.visitUrl && { url: {} }),
  };
  const capabilities: JsonObject = {
    ...(roots.length > 0 && { roots: {} }),
    ...(isAllowed('sampling') && handlers.sample && { sampling: {} }),
    ...(isAllowed('elicitation') && Object.keys(elicitation).length > 0 && { elicitation }),
  };
  const methodOf = {
    roots: 'roots/list',
    sampling: 'sampling/createMessage',
    elicitation: 'elicitation/create',
  };
  const methods = Object.entries(methodOf)
    .filter(([capability]) => capabilities[capability] !== undefined)
    .map(([, method]) => method);

  /** When it asked, in the last minute. */
  let askedMs: number[] = [];
  function requireRate(): void {
    const now = performance.now();
    askedMs = askedMs.filter((ms) => now - ms < minuteMs);
    if (askedMs.length >= asksPerMinute)
      throw new AnswerError(
        tooOften,
        `The client answers ${asksPerMinute} questions a minute at most; ask again later.`,
      );
    askedMs.push(now);
  }

  async function answerAllowed(
    method: string,
    params: JsonObject,
    asking: Asking,
  ): Promise<JsonObject> {
    if (method === methodOf.roots) return { roots: roots.map((uri) => ({ uri })) };
    requireRate();
    if (method === methodOf.sampling) return sample(params, asking);
    return params['mode'] === 'url' ? visitUrl(params, asking) : fillForm(params, asking);
  }

  async function sample(params: JsonObject, asking: Asking): Promise<JsonObject> {
    const { messages, maxTokens } = params;
    if (!Array.isArray(messages) || !messages.every(isJsonObject) || typeof maxTokens !== 'number')
      throw new AnswerError(invalid, 'messages must be a list of objects, maxTokens a number.');
    if (params['tools'] !== undefined || params['toolChoice'] !== undefined)
      throw new AnswerError(invalid, 'The client did not declare sampling.tools.');
    const said: unknown = await handlers.sample?.(params as SamplingRequest, asking);
    if (!isJsonObject(said) || !isJsonObject(said['content']) || typeof said['model'] !== 'string')
      throw new TypeError('sample must give back an object with role, content and model');
    return said;
  }

  async function fillForm(params: JsonObject, asking: Asking): Promise<JsonObject> {
    const { message, requestedSchema: schema } = params;
    if (handlers.fillForm === undefined)
      throw new AnswerError(invalid, 'The client did not declare elicitation.form.');
    if (typeof message !== 'string' || !isJsonObject(schema))
      throw new AnswerError(invalid, 'A form needs a message and a requestedSchema.');
    const elicited = checked(await handlers.fillForm({ message, schema }, asking));
    if (elicited.action !== 'accept') return { action: elicited.action };
    const content = withDefaults(schema, elicited.content ?? {});
    const fault = faultOf(schema, content);
    if (fault !== undefined)
      throw new TypeError(`fillForm gave back what does not fit the form: ${fault}`);
    return { action: 'accept', content };
  }

  async function visitUrl(params: JsonObject, asking: Asking): Promise<JsonObject> {
    const { message, url: address, elicitationId: id } = params;
    if (handlers.visitUrl === undefined)
      throw new AnswerError(invalid, 'The client did not declare elicitation.url.');
    const url = typeof address === 'string' && URL.canParse(address) ? new URL(address) : undefined;
    if (typeof message !== 'string' || url === undefined)
      throw new AnswerError(invalid, 'A url needs a message and a url.');
    if (!isFitToVisit(url))
      throw new AnswerError(invalid, 'The url must begin with https:, and have no password in it.');
    const request = { message, url, id: typeof id === 'string' ? id : undefined };
    return { action: checked(await handlers.visitUrl(request, asking)).action };
  }

  return {
    capabilities,
    methods,
    async answer(method, params, signal) {
      try {
        if (!methods.includes(method))
          throw new AnswerError(notFound, `The client does not answer ${excerpt(method, 80)}.`);
        const answer = await answerAllowed(method, params, { server, signal });
        if (method !== methodOf.roots) options.tell({ method, outcome: 'answered' });
        return answer;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const isRefusal = error instanceof AnswerError;
        options.tell({ method, outcome: isRefusal ? 'refused' : 'failed', reason });
        if (isRefusal) throw error;
        // What a handler throws may hold secrets of ours.
        throw new AnswerError(internal, 'The client could not answer.');
      }
    },
  };
}

const loopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

function isFitToVisit({ protocol, hostname, username, password }: URL): boolean {
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && loopback.test(hostname));
}

function checked(given: Elicited): Elicited {
  const value: unknown = given;
  const action: Json | undefined = isJsonObject(value) ? value['action'] : undefined;
  if (action !== 'accept' && action !== 'decline' && action !== 'cancel')
    throw new TypeError('action must be accept, decline or cancel');
  return given;
}
