import type { AgentEvent, SessionStarted, TurnEnded } from '../event.js';
import { oneLine, shorten } from '../excerpt.js';
import { asList, asNumber, asObject, asString, type Json, type JsonObject } from '../json.js';
import type { Redaction } from '../redaction.js';
import { createBackgroundTasks, type BackgroundTasks } from './background-tasks.js';
import { beforeToolLine, denyLine, readInitialized, refuseLine } from './control.js';
import { createCostMeter, readMessageUsage } from './cost-meter.js';
import { createDenials } from './denials.js';
import { readAssistantBlocks, readUserBlocks } from './message-events.js';
import { refusalOf, refusalOfMode } from './permission.js';
import { readSystemEvent } from './system-events.js';
import { judge, type ClaudeExit } from './verdict.js';

/** What one line of Claude Code's stdout amounts to. */
export interface Reading {
  /** At least one for every line that is not empty: nothing is lost. */
  readonly events: readonly AgentEvent[];
  /** A line to be written to its stdin now; it waits for it. */
  readonly reply?: string;
}

/** Turns the stream of one process into events. Knows nothing of processes and time. */
export interface Interpreter {
  read(line: string): Reading;
  /** Whether the program took the first line; it is told what to do when it is ready. */
  readonly readiness: 'waiting' | 'ready' | 'refused';
  /** A result came, and nothing began after it: the agent has answered. */
  readonly answered: boolean;
  readonly background: Pick<BackgroundTasks, 'running' | 'onlyShells' | 'everRan'>;
  end(exit: ClaudeExit): TurnEnded;
}

export interface InterpreterOptions {
  readonly cwd: string;
  /** Rules of the request. */
  readonly allow: readonly string[];
  readonly continuing: boolean;
  readonly redaction: Redaction;
}

const summaryLimit = 2000;

export function createInterpreter(options: InterpreterOptions): Interpreter {
  const background = createBackgroundTasks();
  const denials = createDenials();
  const meter = createCostMeter();
  let readiness: Interpreter['readiness'] = 'waiting';
  let started: SessionStarted | undefined;
  let result: JsonObject | undefined;
  let answered = false;
  let turns = 0;
  let lastText = '';
  let output: Json | undefined;
  let category: string | undefined;
  let refused = false;
  let promptBlocked = false;
  let cut = false;
  let resetsAtMs: number | undefined;

  function readInit(event: JsonObject): AgentEvent {
    answered = false;
    promptBlocked = false;
    if (started !== undefined) return debug('Another turn of the same conversation began.');
    const model = asString(event['model']);
    const version = asString(event['claude_code_version']);
    const credential = asString(event['apiKeySource']);
    started = {
      kind: 'session.started',
      session: asString(event['session_id']) ?? '',
      ...(model === undefined ? {} : { model }),
      ...(version === undefined ? {} : { version }),
      tools: asList(event['tools']).flatMap((tool) => asString(tool) ?? []),
      ...(credential === undefined ? {} : { credential }),
    };
    return started;
  }

  function readSystem(event: JsonObject): AgentEvent[] {
    background.observe(event);
    switch (event['subtype']) {
      case 'init':
        return [readInit(event)];
      case 'permission_denied':
        return listOf(denials.byRule(event));
      case 'model_refusal_no_fallback':
        refused = true;
        break;
      case 'informational':
        if (event['prevent_continuation'] === true) promptBlocked = true;
        break;
    }
    return [readSystemEvent(event)];
  }

  function readAssistant(event: JsonObject): AgentEvent[] {
    const message = asObject(event['message']) ?? {};
    const error = asString(event['error']);
    if (error !== undefined || message['model'] === '<synthetic>') {
      category = error;
      const text = readAssistantBlocks(message['content']).map((block) =>
        block.kind === 'text' ? block.text : '',
      );
      return [{ kind: 'notice', level: 'error', text: oneLine(text.join(' '), 1000) }];
    }
    category = undefined;
    const events = readAssistantBlocks(message['content']);
    for (const block of events) {
      if (block.kind === 'tool.called') denials.noteCall(block.id, block.input);
      if (block.kind === 'text' && event['parent_tool_use_id'] === null) lastText = block.text;
    }
    const id = asString(message['id']);
    const usage = asObject(message['usage']);
    if (id !== undefined && usage !== undefined) {
      const counts = readMessageUsage(usage);
      if (meter.countMessage(id, counts)) {
        const model = asString(message['model']) ?? 'unknown';
        events.push({ kind: 'usage', messageId: id, model, ...counts });
      }
    }
    return events;
  }

  function readUser(event: JsonObject): AgentEvent[] {
    const events = readUserBlocks(asObject(event['message'])?.['content']);
    for (const block of events) {
      if (block.kind === 'tool.returned' && block.failed) denials.noteFailure(block.id, block.text);
    }
    return events;
  }

  function readResult(event: JsonObject): AgentEvent[] {
    result = event;
    answered = true;
    turns += asNumber(event['num_turns']) ?? 0;
    output = event['structured_output'] ?? output;
    meter.countResult(event);
    const words = `Result: ${asString(event['subtype']) ?? 'unknown'}`;
    return [debug(words), ...denials.inResult(event)];
  }

  function readControlRequest(event: JsonObject): Reading {
    const request = asObject(event['request']) ?? {};
    const subtype = asString(request['subtype']) ?? 'unknown';
    const id = event['request_id'] ?? null;
    if (subtype === 'can_use_tool') {
      const reason = refusalOf(request, options.cwd);
      return { events: listOf(denials.byPlan(request, reason)), reply: denyLine(id, reason) };
    }
    const input = asObject(request['input']) ?? {};
    if (subtype === 'hook_callback' && input['hook_event_name'] === 'PreToolUse') {
      return readBeforeTool(id, input, request['tool_use_id'] ?? input['tool_use_id'] ?? null);
    }
    const text = `Claude Code asked for ${subtype}, which is not served here.`;
    return { events: [{ kind: 'notice', level: 'warning', text }], reply: refuseLine(id, subtype) };
  }

  function readBeforeTool(id: Json, input: JsonObject, toolUseId: Json): Reading {
    const refusal = refusalOfMode(input, options.allow);
    const reply = beforeToolLine(id, refusal);
    if (refusal === undefined) return { events: [debug('Before a tool call.')], reply };
    const call = { ...input, tool_use_id: toolUseId, input: input['tool_input'] ?? null };
    return { events: listOf(denials.byPlan(call, refusal)), reply };
  }

  function readControlResponse(event: JsonObject): AgentEvent[] {
    const response = asObject(event['response']) ?? {};
    readiness = readInitialized(response) ?? readiness;
    const error = asString(response['error']);
    return error === undefined
      ? [debug('Answer to a control request.')]
      : [{ kind: 'notice', level: 'error', text: `Claude Code refused a request: ${error}` }];
  }

  function readRateLimit(event: JsonObject): AgentEvent[] {
    const info = asObject(event['rate_limit_info']) ?? {};
    const resetsAt = asNumber(info['resetsAt']);
    if (info['status'] === 'rejected' && resetsAt !== undefined) {
      resetsAtMs = resetsAt < 1e11 ? resetsAt * 1000 : resetsAt; // seconds, in every version seen
    }
    return [
      { kind: 'notice', level: 'info', text: `Limit: ${asString(info['status']) ?? 'unknown'}` },
    ];
  }

  function readEvent(event: JsonObject): Reading {
    switch (event['type']) {
      case 'system':
        return { events: readSystem(event) };
      case 'assistant':
        return { events: readAssistant(event) };
      case 'user':
        return { events: readUser(event) };
      case 'result':
        return { events: readResult(event) };
      case 'control_request':
        return readControlRequest(event);
      case 'control_response':
        return { events: readControlResponse(event) };
      case 'rate_limit_event':
        return { events: readRateLimit(event) };
      default:
        return { events: [debug(asString(event['type']) ?? 'An event without a type.')] };
    }
  }

  function read(line: string): Reading {
    if (line.trim() === '') return { events: [] };
    const parsed = parseObject(line);
    cut = parsed === undefined && line.trimStart().startsWith('{');
    if (parsed === undefined) {
      const text = `Not an event: ${options.redaction.text(shorten(line, 1000))}`;
      return { events: [{ kind: 'notice', level: 'warning', text }] };
    }
    const event = asObject(options.redaction.value(parsed)) ?? {};
    const { events, reply } = readEvent(event);
    const parent = asString(event['parent_tool_use_id']);
    const [first = debug(asString(event['type']) ?? 'event'), ...others] = events.map((one) =>
      parent === undefined ? one : { ...one, parent },
    );
    return {
      events: [{ ...first, raw: event }, ...others],
      ...(reply === undefined ? {} : { reply }),
    };
  }

  return {
    read,
    get readiness() {
      return readiness;
    },
    get answered() {
      return answered;
    },
    background,
    end(exit) {
      const evidence = {
        ...{ result, category, refused, promptBlocked, cut, resetsAtMs },
        began: started !== undefined,
        continuing: options.continuing,
      };
      const { outcome, error } = judge(evidence, exit);
      const said = lastText === '' ? (asString(result?.['result']) ?? '') : lastText;
      const session = started?.session ?? asString(result?.['session_id']);
      return {
        kind: 'end',
        outcome,
        ...(error === undefined
          ? {}
          : { error: { ...error, message: options.redaction.text(error.message) } }),
        summary: shorten(said, summaryLimit),
        ...(output === undefined ? {} : { output }),
        denials: denials.all,
        ...meter.totals(),
        turns,
        ...(session === undefined ? {} : { session }),
        exit: { code: exit.code, signal: exit.signal },
        durationMs: exit.durationMs,
        ...(started?.version === undefined ? {} : { version: started.version }),
        left: exit.left,
      };
    },
  };
}

function parseObject(line: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(line) as Json);
  } catch {
    return undefined;
  }
}

function listOf(event: AgentEvent | undefined): AgentEvent[] {
  return event === undefined ? [] : [event];
}

function debug(text: string): AgentEvent {
  return { kind: 'notice', level: 'debug', text };
}
