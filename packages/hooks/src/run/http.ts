import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestSecure } from 'node:https';
import { excerpt } from '../json.js';
import { answerLimit } from './answer.js';
import { failed, flooded, readText, timedOut, type Delivery, type Ran } from './result.js';

/** Where a payload is sent. */
export interface HttpTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A POST of the payload. The answer is JSON, or empty; redirects are not followed. */
export async function postPayload(target: HttpTarget, delivery: Delivery): Promise<Ran> {
  const { event, facts, payload, timeoutMs, signal } = delivery;
  const timeout = AbortSignal.timeout(timeoutMs);
  const sent = await send(
    target,
    payload,
    signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
  );
  if ('error' in sent) {
    if (timeout.aborted) return timedOut(timeoutMs);
    if (signal?.aborted === true) return failed('cancelled', 'it was cancelled');
    return failed('unreachable', `${target.url} gave no answer (${excerpt(sent.error, 200)})`);
  }
  const { status, body } = sent;
  if (body === undefined) return flooded();
  if (status < 200 || status >= 300)
    return failed('unreachable', `${target.url} answered with status ${status}`);
  const text = body.trim();
  if (text !== '' && !text.startsWith('{'))
    return failed('invalid', `${target.url} answered what is no JSON object: ${excerpt(text, 80)}`);
  return readText(text, event, facts);
}

type Sent =
  { readonly error: string } | { readonly status: number; readonly body: string | undefined };

function send({ url, headers }: HttpTarget, body: string, signal: AbortSignal): Promise<Sent> {
  return new Promise((resolve) => {
    let answered = false;
    const fail = (error: Error): void => resolve({ error: error.message });
    const request = url.startsWith('https:') ? requestSecure : requestPlain;
    const sending = request(
      url,
      {
        method: 'POST',
        signal,
        headers: {
          ...headers,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      },
      (response) => {
        answered = true;
        void receive(response).then(
          (text) => resolve({ status: response.statusCode ?? 0, body: text }),
          fail,
        );
      },
    );
    sending.on('error', fail);
    // Of a connection that another protocol was to take over there is no error, and the timeout went with it.
    sending.on('close', () => {
      if (!answered) fail(new Error('the connection was closed'));
    });
    sending.end(body);
  });
}

/** Undefined: more came than an answer may have. */
async function receive(response: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > answerLimit) {
      response.destroy();
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
