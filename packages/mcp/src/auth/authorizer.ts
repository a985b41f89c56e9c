import { zoneOf, zoneOfAddress } from '../network/address-zone.js';
import { parseChallenges, splitScope, type Challenge } from './challenge.js';
import { readCredential, type Credential } from './credential.js';
import { canonicalResource } from './discovery.js';
import { DpopNonces, readDpopKey, type DpopKey } from './dpop.js';
import { Grants, type GrantOptions, type Need } from './grants.js';
import { oauthError, quote } from './oauth-error.js';
import type { HttpAuthAnswer, HttpAuthorizer, HttpAuthRequest } from '../transport/http-auth.js';

/** So often tokens are renewed for one request: by what another process got, by a refresh, and from the beginning. */
const renewalsMost = 3;
/** So often one set of scopes is asked for. */
const stepUpsMost = 2;
const noncesMost = 2;
/** A token that ends within this time is renewed before it is used. */
const earlyMs = 30_000;
/** After an early renewal failed, the server is left to say when the token is no longer good. */
const restMs = 30_000;

/** What one request has cost until now. */
interface Spent {
  renewals: number;
  nonces: number;
  /** The server was shown what was given for it. */
  isGranted: boolean;
}

/** One renewal, for all who wait for it. It ends when nobody does any more. */
interface Flight {
  readonly isAwaited: boolean;
  readonly waiting: Set<HttpAuthRequest>;
  readonly abort: AbortController;
  isAsking: boolean;
  result: Promise<boolean>;
}

export interface AuthorizerOptions extends Omit<GrantOptions, 'mcpServer' | 'nonces'> {
  readonly url: URL;
}

/** Holds the tokens of one server, and gets others when they are no longer good. */
export class OAuthAuthorizer implements HttpAuthorizer {
  readonly #options: AuthorizerOptions;
  readonly #server: string;
  readonly #nonces = new DpopNonces();
  readonly #grants: Grants;
  readonly #spent = new WeakMap<HttpAuthRequest, Spent>();
  readonly #stepUps = new Map<string, number>();
  #credential: Credential | undefined;
  #dpopKey: { readonly of: Credential; readonly key: Promise<DpopKey> } | undefined;
  #loading: Promise<void> | undefined;
  #flight: Flight | undefined;
  #restsUntilMs = 0;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
    this.#server = canonicalResource(options.url);
    this.#grants = new Grants({ ...options, mcpServer: this.#server, nonces: this.#nonces });
  }

  async authorize(request: HttpAuthRequest): Promise<Record<string, string>> {
    await (this.#loading ??= this.#load());
    const known = this.#credential;
    if (known !== undefined && this.#isEnding(known)) await this.#renewEarly(known, request);
    const credential = this.#credential;
    if (credential === undefined) return {};
    const { accessToken, tokenType } = credential;
    if (tokenType === 'Bearer') return { authorization: `Bearer ${accessToken}` };
    const key = await this.#keyOf(credential);
    const { method, url } = request;
    return {
      authorization: `DPoP ${accessToken}`,
      dpop: await this.#nonces.prove(key, { method, url, accessToken }),
    };
  }

  async challenged(request: HttpAuthRequest, answer: HttpAuthAnswer): Promise<boolean> {
    const challenges = parseChallenges(answer.headers['www-authenticate']);
    const parameters = parametersOf(challenges);
    const spent = this.#spentBy(request);
    const isNewNonce = this.#nonces.note(request.url, answer.headers['dpop-nonce']);
    if (challenges.some(({ parameters }) => parameters['error'] === 'use_dpop_nonce')) {
      spent.nonces += 1;
      return isNewNonce && spent.nonces <= noncesMost;
    }
    const wanted = splitScope(parameters['scope']);
    const isStepUp = answer.status === 403;
    if (isStepUp && (parameters['error'] !== 'insufficient_scope' || wanted.length === 0))
      return false;
    spent.renewals += 1;
    if (spent.renewals > renewalsMost || (spent.isGranted && !isStepUp)) return false;
    const zone =
      answer.remoteAddress === undefined
        ? zoneOfAddress(this.#options.url)
        : zoneOf(answer.remoteAddress);
    return this.#renew(request, {
      refused: tokenIn(request.headers),
      wanted,
      isStepUp,
      wantsDpop: challenges.some(({ scheme }) => scheme === 'dpop'),
      metadata: parameters['resource_metadata'],
      zone,
    });
  }

  answered(request: HttpAuthRequest, answer: HttpAuthAnswer): void {
    this.#nonces.note(request.url, answer.headers['dpop-nonce']);
  }

  async #load(): Promise<void> {
    const { store } = this.#options;
    try {
      this.#credential ??= readCredential(await store.get(this.#grants.key), this.#server);
    } catch (error) {
      this.#loading = undefined; // the store may be mended meanwhile
      throw error;
    }
  }

  #isEnding({ expiresAtMs, refreshToken }: Credential): boolean {
    return (
      expiresAtMs !== undefined &&
      refreshToken !== undefined &&
      Date.now() > expiresAtMs - earlyMs &&
      performance.now() > this.#restsUntilMs
    );
  }

  /** Fails silently: the token may be good for a while, and if it is not, the server says so. */
  async #renewEarly(credential: Credential, request: HttpAuthRequest): Promise<void> {
    try {
      await this.#renew(request, {
        refused: credential.accessToken,
        wanted: [],
        isStepUp: false,
        isEarly: true,
        wantsDpop: credential.tokenType === 'DPoP',
        metadata: undefined,
        zone: zoneOfAddress(this.#options.url),
      });
    } catch {
      this.#restsUntilMs = performance.now() + restMs;
    }
  }

  #spentBy(request: HttpAuthRequest): Spent {
    let spent = this.#spent.get(request);
    if (spent === undefined)
      this.#spent.set(request, (spent = { renewals: 0, nonces: 0, isGranted: false }));
    return spent;
  }

  #countStepUp(wanted: readonly string[]): void {
    const held = this.#credential?.scopes ?? [];
    const key = [...wanted].sort().join(' ');
    const times = (this.#stepUps.get(key) ?? 0) + 1;
    this.#stepUps.set(key, times);
    if (times <= stepUpsMost && !wanted.every((one) => held.includes(one))) return;
    throw oauthError(
      'scope',
      `${this.#options.name} still refuses a token with the scopes ${quote(key)}, which was asked for ${held.length === 0 ? 'already' : 'and given'}. It was not asked for again; see what this account may do.`,
      { details: { scopes: wanted } },
    );
  }

  async #keyOf(credential: Credential): Promise<DpopKey> {
    const { dpopKey = {} } = credential;
    if (this.#dpopKey?.of !== credential)
      this.#dpopKey = { of: credential, key: readDpopKey(dpopKey) };
    return this.#dpopKey.key;
  }

  /** One renewal at a time; who comes meanwhile waits for its end. True: there is another token now. */
  async #renew(request: HttpAuthRequest, need: Need): Promise<boolean> {
    for (;;) {
      const current = this.#credential?.accessToken;
      if (current !== undefined && current !== need.refused) return true;
      const joined = this.#flight;
      if (joined === undefined) break;
      const isDone = await this.#join(joined, request);
      // What was got for another need is tried first.
      if (isDone && this.#credential?.accessToken !== need.refused) return true;
      if (!isDone && joined.isAwaited) return false;
    }
    if (need.isStepUp) this.#countStepUp(need.wanted);
    const flight: Flight = {
      isAwaited: request.isAwaited && need.isEarly !== true,
      waiting: new Set(),
      abort: new AbortController(),
      isAsking: false,
      result: Promise.resolve(false),
    };
    this.#flight = flight;
    flight.result = this.#fly(flight, need).finally(() => {
      if (this.#flight === flight) this.#flight = undefined;
    });
    return this.#join(flight, request);
  }

  async #join(flight: Flight, request: HttpAuthRequest): Promise<boolean> {
    const { waiting } = flight;
    const leave = (): void => {
      waiting.delete(request);
      if (waiting.size > 0) return;
      flight.abort.abort();
      if (this.#flight === flight) this.#flight = undefined;
    };
    waiting.add(request);
    if (flight.isAsking) request.waitsForPerson(true);
    request.signal.addEventListener('abort', leave, { once: true });
    if (request.signal.aborted) leave();
    try {
      return await flight.result;
    } finally {
      waiting.delete(request);
      request.signal.removeEventListener('abort', leave);
      if (flight.isAsking) request.waitsForPerson(false);
    }
  }

  async #fly(flight: Flight, need: Need): Promise<boolean> {
    const got = await this.#grants.renew({
      ...need,
      held: this.#credential,
      mayAsk: flight.isAwaited,
      signal: flight.abort.signal,
      asking: () => {
        flight.isAsking = true;
        for (const one of flight.waiting) one.waitsForPerson(true);
      },
    });
    if (got === undefined) return false;
    this.#credential = got.credential;
    if (got.isGranted) for (const one of flight.waiting) this.#spentBy(one).isGranted = true;
    return true;
  }
}

/** What the challenges that OAuth is about say; the first says it. */
const parametersOf = (challenges: readonly Challenge[]): Readonly<Record<string, string>> => {
  const said = challenges.filter(({ scheme }) => scheme === 'dpop' || scheme === 'bearer');
  return Object.assign({}, ...said.reverse().map(({ parameters }) => parameters)) as Record<
    string,
    string
  >;
};

const tokenIn = (headers: Readonly<Record<string, string>>): string | undefined =>
  headers['authorization']?.replace(/^\S+ /, '');
