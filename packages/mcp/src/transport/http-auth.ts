import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** One HTTP request to a server, as who authorizes it sees it. The same object for all its attempts. */
export interface HttpAuthRequest {
  readonly method: string;
  readonly url: URL;
  /** Nobody waits for it any more. */
  readonly signal: AbortSignal;
  /** A person may be asked for it, as somebody waits for its answer. */
  readonly isAwaited: boolean;
  /** From 1. */
  readonly attempt: number;
  /** What `authorize` gave for this attempt. */
  readonly headers: Readonly<Record<string, string>>;
  /** A person is asked, and their time is not the server's. */
  waitsForPerson(isWaiting: boolean): void;
}

/** The head of an answer to it. */
export interface HttpAuthAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Where it came from. */
  readonly remoteAddress: string | undefined;
}

/** Authorizes the requests to one server, over all its connections. */
export interface HttpAuthorizer {
  /** Headers for one attempt. */
  authorize(request: HttpAuthRequest): Promise<Readonly<Record<string, string>>>;
  /**
   * The answer was 401 or 403. True: send it again. False: fail as if there were nobody to ask. What it rejects with
   * is what the request fails of.
   */
  challenged(request: HttpAuthRequest, answer: HttpAuthAnswer): Promise<boolean>;
  /** Any other answer. */
  answered?(request: HttpAuthRequest, answer: HttpAuthAnswer): void;
}

/** How the requests to servers are authorized. `@orch/mcp/auth` makes one; it can be given to several servers. */
export interface HttpAuth {
  /** Called once for each server that it is given to. */
  forServer(server: { readonly name: string; readonly url: URL }): HttpAuthorizer;
}

/** So often in all one request is sent, whatever is said. */
const attemptsMost = 6;

/** What is asked for and how. */
export type AuthorizedRequest = Pick<
  HttpAuthRequest,
  'method' | 'url' | 'signal' | 'isAwaited' | 'waitsForPerson'
>;

/** Sends a request, with the headers that it is authorized by, until it is not challenged any more. */
export async function sendAuthorized(
  authorizer: HttpAuthorizer,
  request: AuthorizedRequest,
  send: (headers: Readonly<Record<string, string>>) => Promise<IncomingMessage>,
): Promise<IncomingMessage> {
  const attempted = { ...request, attempt: 0, headers: {} as Readonly<Record<string, string>> };
  for (;;) {
    attempted.attempt += 1;
    attempted.headers = await authorizer.authorize(attempted);
    const response = await send(attempted.headers);
    const answer: HttpAuthAnswer = {
      status: response.statusCode ?? 0,
      headers: response.headers,
      remoteAddress: response.socket.remoteAddress,
    };
    if (answer.status !== 401 && answer.status !== 403) {
      authorizer.answered?.(attempted, answer);
      return response;
    }
    if (attempted.attempt === attemptsMost) return response;
    try {
      if (!(await authorizer.challenged(attempted, answer))) return response;
    } catch (error) {
      response.destroy();
      throw error;
    }
    response.resume();
  }
}
