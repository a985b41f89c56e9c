import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer, refuseRequest, sendJson } from './answer.js';
import { createBarriers } from './barrier.js';
import { chooseTurn } from './choose.js';
import { answerControl } from './control.js';
import type { ConversationRequest } from './conversation.js';
import { firstPrompt, hashQuestion, lastText, sha256 } from './conversation.js';
import { loggedUrl, readCredentials } from './credentials.js';
import type { Credentials } from './credentials.js';
import { selectDialect } from './dialects/select.js';
import type { SelectedDialect } from './dialects/select.js';
import { messageOf, ScriptedModelError } from './errors.js';
import { createHolds } from './hold.js';
import type { Hold, HoldRule } from './hold.js';
import { readBody, readConversation } from './incoming.js';
import { isObject } from './json.js';
import type { Json, JsonObject } from './json.js';
import { describePosition, locateJsonError } from './json-position.js';
import { createLoopbackServer } from './loopback-server.js';
import { renderTurn, templateValues } from './rendering.js';
import { createRequestLog } from './request-log.js';
import type { LoggedRequest, OpenRequest, OtherRequest } from './request-log.js';
import { readScenarios } from './scenarios.js';
import { answerSideRequest } from './side-endpoints.js';
import { readTurn } from './script.js';
import type { ScenarioFile, Turn } from './turn.js';

/** What a model answers from, and what it writes down. */
export interface ScriptedModelOptions {
  /** Named scenarios and the default. */
  readonly scenarios?: ScenarioFile;
  /** A JSON Lines file; each request is appended when it is received, before it is answered. */
  readonly log?: string;
  /** `full` keeps each request's body in its record, without credentials. Default `summary`. */
  readonly record?: 'summary' | 'full';
  /** Called with each request after it is logged, before it is answered. */
  readonly onRequest?: (request: LoggedRequest) => void;
  /** Answers what no marker and no scenario covers; undefined leaves it to the default. */
  readonly fallback?: (request: ConversationRequest) => Turn | undefined;
  /** Whether markers in user messages count. Default true; false for text that is not trusted. */
  readonly markers?: boolean;
  /** What `{{env:NAME}}` sees. Default: the environment of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** A running model endpoint. */
export interface ScriptedModel {
  /** Opens the endpoint on 127.0.0.1; port 0 (default) takes a free one. Throws LISTEN_FAILED. */
  listen(options?: { readonly port?: number }): Promise<{ readonly url: string }>;
  /** Model requests, oldest first. */
  readonly requests: readonly LoggedRequest[];
  /** Requests that asked for no answer of a model: probes, lists, unknown paths. */
  readonly others: readonly OtherRequest[];
  /** Model requests that are not answered yet. */
  readonly open: readonly OpenRequest[];
  /** Withholds answers to what arrives from now on. */
  hold(rule: HoldRule): Hold;
  /** Replaces the scenarios. Throws SCRIPT_INVALID and keeps the old ones. */
  setScenarios(scenarios: ScenarioFile): void;
  /** Forgets requests, attempts and opened barriers; the log file keeps its lines. */
  reset(): void;
  /** Drops open requests and stops. Safe to call twice. */
  close(): Promise<void>;
}

const BROKEN_SCRIPT = { scenario: 'invalid', turn: 0, answer: readTurn('') };

/** Makes a model endpoint. Throws SCRIPT_INVALID and LOG_FAILED. */
export function createScriptedModel(options: ScriptedModelOptions = {}): ScriptedModel {
  const { fallback, markers = true, environment = process.env } = options;
  let scenarios = readScenarios((options.scenarios ?? {}) as Json);
  const log = createRequestLog(options.log);
  const barriers = createBarriers();
  const holds = createHolds();
  const attempts = new Map<string, number>();

  const setScenarios = (value: Json) => {
    scenarios = readScenarios(value);
  };
  const reset = () => {
    log.clear();
    attempts.clear();
    barriers.clear();
  };

  function choose(conversation: ConversationRequest) {
    try {
      const choice = chooseTurn(conversation, { scenarios, fallback, markers });
      const values = templateValues(conversation, choice.turn, environment);
      return { ...choice, answer: renderTurn(choice.answer, values) };
    } catch (error) {
      if (!ScriptedModelError.isInstance(error)) throw error;
      return { ...BROKEN_SCRIPT, problem: error.message };
    }
  }

  function countAttempt(...asked: readonly (string | number)[]): number {
    const key = JSON.stringify(asked);
    const attempt = (attempts.get(key) ?? 0) + 1;
    attempts.set(key, attempt);
    return attempt;
  }

  async function answerModelRequest(
    exchange: Incoming,
    selected: SelectedDialect,
    body: JsonObject,
  ): Promise<void> {
    const { request, response, signal, url, credentials } = exchange;
    const { dialect } = selected;
    const conversation = readConversation(selected, body, request.headers);
    const { messages } = conversation;
    const { scenario, turn, answer: scripted, ...refused } = choose(conversation);
    const firstPromptHash = sha256(firstPrompt(messages));
    const excerpt = (role: 'user' | 'tool') =>
      credentials.redact(lastText(messages, role)).slice(0, 300);
    const entry = log.add({
      at: Date.now(),
      method: request.method ?? '',
      url: loggedUrl(url),
      dialect: dialect.name,
      model: conversation.model,
      stream: conversation.stream,
      scenario,
      turn,
      attempt: countAttempt(conversation.conversation, firstPromptHash, scenario, turn),
      conversation: conversation.conversation,
      promptHash: hashQuestion(messages),
      firstPromptHash,
      auth: credentials.kind,
      messages: dialect.countMessages(body),
      tools: conversation.tools,
      lastUser: excerpt('user'),
      lastTool: excerpt('tool'),
      ...refused,
      ...(options.record === 'full' ? { body: credentials.redactJson(body) } : {}),
    });
    response.once('close', () => entry.finish(response.writableFinished));
    options.onRequest?.(entry.request);
    if ('problem' in refused) {
      refuseRequest(response, dialect, refused.problem);
      return;
    }
    await answer({ dialect, url, body, entry, response, signal }, scripted, { holds, barriers });
  }

  async function handle(exchange: Incoming): Promise<void> {
    const { request, response, signal, url, credentials } = exchange;
    const { method = '' } = request;
    const text = await readBody(request);
    if (url.pathname.startsWith('/__')) {
      const target = { log, setScenarios, reset };
      const { status, value } = answerControl(method, url.pathname, text, target);
      sendJson(response, status, value as Json);
      return;
    }
    const addOther = (status: number) => {
      log.addOther({
        at: Date.now(),
        method,
        url: loggedUrl(url),
        status,
        auth: credentials.kind,
      });
    };
    const selected = method === 'POST' ? selectDialect(url.pathname) : undefined;
    if (selected === undefined) {
      const { status, value } = answerSideRequest(method, url.pathname, text);
      addOther(status);
      sendJson(response, status, value);
      return;
    }
    const problem = describeBrokenBody(text);
    if (problem !== undefined) {
      addOther(400);
      refuseRequest(response, selected.dialect, problem);
      return;
    }
    try {
      await answerModelRequest(exchange, selected, JSON.parse(text) as JsonObject);
    } catch (error) {
      // Not 500: agents would retry it for minutes, and hide what is wrong with the script.
      if (!signal.aborted) refuseRequest(response, selected.dialect, messageOf(error));
    }
  }

  const server = createLoopbackServer(async (request, response, signal) => {
    try {
      const url = new URL(request.url ?? '/', 'http://127.0.0.1');
      const credentials = readCredentials(request.headers, url);
      await handle({ request, response, signal, url, credentials });
    } catch (error) {
      if (!signal.aborted) sendJson(response, 500, { error: { message: messageOf(error) } });
    }
  });

  return {
    listen: ({ port = 0 } = {}) => server.listen(port),
    requests: log.requests,
    others: log.others,
    get open() {
      return log.listOpen();
    },
    hold: (rule) => holds.add(rule),
    setScenarios: (file) => setScenarios(file as Json),
    reset,
    async close() {
      holds.close();
      await server.close();
      log.close();
    },
  };
}

interface Incoming {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
  readonly url: URL;
  readonly credentials: Credentials;
}

function describeBrokenBody(text: string): string | undefined {
  const offset = locateJsonError(text);
  if (offset !== undefined) return `the request is not JSON: ${describePosition(text, offset)}`;
  return isObject(JSON.parse(text) as Json) ? undefined : 'the request is not a JSON object';
}
