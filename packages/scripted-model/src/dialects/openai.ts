import type { Json } from '../json.js';
import { stringOf } from '../json.js';

const ERROR_TYPES: Readonly<Record<number, string>> = {
  401: 'invalid_api_key',
  403: 'permission_error',
  404: 'model_not_found',
  429: 'rate_limit_exceeded',
  503: 'server_overloaded',
};

/** The error type OpenAI's endpoints give for a status. */
export function openAiErrorType(status: number): string {
  return ERROR_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');
}

const STOPS: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool_calls',
  max_tokens: 'length',
  refusal: 'content_filter',
};

/** The finish reason for a stop in Anthropic's words; any other stays as it is. */
export function openAiStop(stop: string): string {
  return STOPS[stop] ?? stop;
}

/** The arguments of a call: parsed where they are JSON, else the text. */
export function parseArguments(value: Json | undefined): Json {
  const text = stringOf(value);
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
