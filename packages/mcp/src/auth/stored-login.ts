import type { HttpAuthAnswer, HttpAuthorizer, HttpAuthRequest } from '../transport/http-auth.js';
import { parseChallenges, splitScope } from './challenge.js';
import { isOAuthError, oauthError } from './oauth-error.js';

export interface StoredLoginOptions {
  /** The MCP server's name. */
  readonly name: string;
  /** By what was logged in with, as it is kept now; undefined where nobody has. */
  readonly open: () => Promise<HttpAuthorizer | undefined>;
  /** What a person is to do, given the scopes that are missing. */
  readonly todo: (scopes: readonly string[]) => string;
}

/**
 * Authorizes by a login that was made before, and says how to make one where there is none. As long as nobody has
 * logged in, nothing but the server itself is asked anything.
 */
export class StoredLogin implements HttpAuthorizer {
  readonly #options: StoredLoginOptions;
  #opening: Promise<HttpAuthorizer | undefined> | undefined;

  constructor(options: StoredLoginOptions) {
    this.#options = options;
  }

  async authorize(request: HttpAuthRequest): Promise<Readonly<Record<string, string>>> {
    return (await this.#open())?.authorize(request) ?? {};
  }

  async challenged(request: HttpAuthRequest, answer: HttpAuthAnswer): Promise<boolean> {
    const known = await this.#open();
    if (known === undefined) {
      // Somebody may have logged in meanwhile.
      this.#opening = undefined;
      if ((await this.#open()) !== undefined) return true;
      if (answer.status === 401 && request.isAwaited) throw this.#wanted(answer);
      return false;
    }
    try {
      if (await known.challenged(request, answer)) return true;
    } catch (error) {
      if (isOAuthError(error, 'login')) throw this.#wanted(answer, error);
      throw error;
    }
    if (answer.status === 401 && request.isAwaited) throw this.#wanted(answer);
    return false;
  }

  answered(request: HttpAuthRequest, answer: HttpAuthAnswer): void {
    void this.#opening?.then(
      (known) => known?.answered?.(request, answer),
      () => undefined, // told by the next request
    );
  }

  #open(): Promise<HttpAuthorizer | undefined> {
    if (this.#opening === undefined) {
      const opening = this.#options.open();
      this.#opening = opening;
      // The store may be mended meanwhile.
      opening.catch(() => {
        if (this.#opening === opening) this.#opening = undefined;
      });
    }
    return this.#opening;
  }

  #wanted({ status, headers }: HttpAuthAnswer, cause?: unknown): Error {
    const { name, todo } = this.#options;
    const challenges = parseChallenges(headers['www-authenticate']);
    const scopes =
      status === 403 ? challenges.flatMap(({ parameters }) => splitScope(parameters['scope'])) : [];
    const why =
      status === 403
        ? `${name} wants more than this login may do (403).`
        : `${name} wants a login (401).`;
    return oauthError('login', `${why} ${todo(scopes)}`, { details: { status }, cause });
  }
}
