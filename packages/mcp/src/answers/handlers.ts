import type { JsonObject } from '../json.js';

/** Who asks. */
export interface Asking {
  readonly server: string;
  /** Aborted when the server takes its question back, or ends. */
  readonly signal: AbortSignal;
}

/** A server wants a model to complete something: its words, as they came. */
export interface SamplingRequest extends JsonObject {
  readonly messages: readonly JsonObject[];
  readonly maxTokens: number;
  readonly systemPrompt?: string;
}

/** What the model said. */
export interface SamplingResult extends JsonObject {
  readonly role: 'assistant' | 'user';
  readonly content: JsonObject;
  readonly model: string;
  readonly stopReason?: string;
}

/** A server wants a person to fill in a form. */
export interface FormRequest {
  readonly message: string;
  /** JSON Schema of an object whose fields are texts, numbers, truths or choices. */
  readonly schema: JsonObject;
}

/** A server wants a person to go to an address; nothing of it is opened by this package. */
export interface UrlRequest {
  readonly message: string;
  /** Begins with `https:`, or is on this machine. Show it whole before it is opened. */
  readonly url: URL;
  /** By which the server says, with an `elicited` event, that it is done; not there since 2026-07-28. */
  readonly id: string | undefined;
}

/** What the person did. Fields that were left out get the defaults of the form. */
export type Elicited =
  | { readonly action: 'accept'; readonly content?: JsonObject }
  | { readonly action: 'decline' | 'cancel' };

/**
 * Answers to what servers ask of their client. Only what is here, and stands in `asks` of the server, is declared to
 * it. Everything else is refused. What a handler throws is not told to the server.
 */
export interface AskHandlers {
  sample?(request: SamplingRequest, asking: Asking): SamplingResult | Promise<SamplingResult>;
  fillForm?(request: FormRequest, asking: Asking): Elicited | Promise<Elicited>;
  visitUrl?(request: UrlRequest, asking: Asking): Elicited | Promise<Elicited>;
}

/** What a server may ask of its client. */
export type AskKind = 'sampling' | 'elicitation';
