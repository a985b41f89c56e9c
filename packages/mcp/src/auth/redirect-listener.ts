import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Where the browser brings the answer of the authorization server: a loopback address of ours (RFC 8252, 7.3). */
export interface RedirectListener {
  readonly uri: string;
  /** The parameters of the first answer that carries `state`; others are refused and counted. */
  answer(state: string): Promise<URLSearchParams>;
  refused(): number;
  close(): void;
}

const path = '/callback';

const page = (title: string, text: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><p>${text}</p></html>\n`;
const taken = page('Done', 'The answer was taken. You can close this window.');
const strange = page('Not expected', 'Nothing here waits for this answer. Begin again.');

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Where a request goes; whoever is on this machine may send one, and one that is no address goes nowhere. */
function addressOf({ url = '/' }: IncomingMessage): URL {
  const base = 'http://127.0.0.1/';
  return new URL(URL.canParse(url, base) ? url : base, base);
}

/** Listens on `port`, or on any free one if that is taken or 0. */
export async function openRedirectListener(
  port: number,
  isFixed: boolean,
): Promise<RedirectListener> {
  let expected: string | undefined;
  let refused = 0;
  let take: (parameters: URLSearchParams) => void = () => undefined;
  const answered = new Promise<URLSearchParams>((resolve) => (take = resolve));
  const server = createServer((request, response) => {
    const url = addressOf(request);
    const isOurs = request.method === 'GET' && url.pathname === path;
    const states = url.searchParams.getAll('state');
    const [state = ''] = states;
    const isExpected =
      isOurs && expected !== undefined && states.length === 1 && same(state, expected);
    if (isOurs && !isExpected) refused += 1;
    response.writeHead(isExpected ? 200 : isOurs ? 400 : 404, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "default-src 'none'",
      connection: 'close',
    });
    response.end(isExpected ? taken : strange);
    if (!isExpected) return;
    expected = undefined; // once
    take(url.searchParams);
  });
  await listen(server, port, isFixed);
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    answer(state) {
      expected = state;
      return answered;
    },
    refused: () => refused,
    close() {
      server.close();
      // The page is on its way to the browser; who has not begun to ask is not waited for.
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 500).unref();
    },
  };
}

async function listen(server: Server, port: number, isFixed: boolean): Promise<void> {
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    if (isFixed || port === 0) throw error;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
}
