import { obtainCode, type AskPerson } from './authorization-code.js';
import type { Zone } from '../network/address-zone.js';
import type { Client, RegisteredClient } from './client.js';
import { credentialKey, readCredential, writeCredential, type Credential } from './credential.js';
import {
  assumedAuthorizationServer,
  discoverAuthorizationServer,
  discoverResource,
  type AuthorizationServer,
  type ProtectedResource,
} from './discovery.js';
import {
  createDpopKey,
  dpopAlgorithm,
  readDpopKey,
  type DpopKey,
  type DpopNonces,
} from './dpop.js';
import { Guard } from './guarded-request.js';
import { isOAuthError, oauthError, quote } from './oauth-error.js';
import { openRedirectListener } from './redirect-listener.js';
import {
  chooseClient,
  forgetRegistration,
  knownClient,
  registeredPort,
  type ClientChoice,
} from './registration.js';
import { requestTokens, type TokenAnswer } from './token-endpoint.js';
import type { TokenStore } from './token-store.js';

/** What an assertion must be for. */
export interface AssertionRequest {
  /** The authorization server that will read it: the assertion's audience. */
  readonly issuer: string;
  /** The MCP server. */
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly signal: AbortSignal;
}

/** How tokens are got. */
export type OAuthGrant =
  /** A person allows it in a browser. */
  | { readonly type: 'authorization_code' }
  /** The client acts for itself; `client` must be given. */
  | { readonly type: 'client_credentials' }
  /** Somebody else vouches for the client by a JWT (RFC 7523): workload identity, or an enterprise's login. */
  | {
      readonly type: 'jwt_bearer';
      readonly assertion: (request: AssertionRequest) => string | Promise<string>;
    };

export interface GrantOptions {
  readonly name: string;
  readonly mcpServer: string;
  readonly store: TokenStore;
  readonly nonces: DpopNonces;
  readonly grant: OAuthGrant;
  readonly clientName: string;
  readonly client: RegisteredClient | undefined;
  readonly clientDocument: string | undefined;
  readonly scopes: readonly string[] | undefined;
  readonly ask: AskPerson | undefined;
  readonly redirectPort: number;
  readonly loginMs: number;
  readonly dpop: 'offered' | 'required' | 'never';
  readonly trustedHosts: readonly string[];
}

/** Why a token is not good enough, and what the server said with it. */
export interface Need {
  /** The token that was sent in vain. */
  readonly refused: string | undefined;
  readonly wanted: readonly string[];
  readonly isStepUp: boolean;
  /** It is still good for a moment: nothing but a refresh is worth it. */
  readonly isEarly?: boolean;
  readonly wantsDpop: boolean;
  /** Where the metadata of the resource is. */
  readonly metadata: string | undefined;
  readonly zone: Zone;
}

export interface Renewal extends Need {
  readonly held: Credential | undefined;
  readonly mayAsk: boolean;
  readonly signal: AbortSignal;
  /** From now on a person is waited for. */
  asking(): void;
}

export interface Renewed {
  readonly credential: Credential;
  /** It was given anew, and not found or refreshed: there is nothing better to get. */
  readonly isGranted: boolean;
}

/** Where tokens come from, and what for. */
interface Place {
  readonly guard: Guard;
  readonly server: AuthorizationServer;
  readonly resource: string;
  readonly scopes: readonly string[] | undefined;
  readonly wantsDpop: boolean;
}

type Dpop = { readonly key: DpopKey; readonly nonces: DpopNonces } | undefined;

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Gets tokens for one server, under a lock that all processes with this store share. */
export class Grants {
  readonly key: string;
  readonly #options: GrantOptions;
  /** What a refresh gave, and the server still refuses, is not refreshed again. */
  #lastRefreshed: string | undefined;

  constructor(options: GrantOptions) {
    const { client, clientDocument, grant, mcpServer } = options;
    this.key = credentialKey(mcpServer, grant.type, client?.id ?? clientDocument);
    this.#options = options;
  }

  /** Undefined when nobody may be asked and nothing else helps. */
  async renew(renewal: Renewal): Promise<Renewed | undefined> {
    const { store, mcpServer } = this.#options;
    const work = async (): Promise<Renewed | undefined> => {
      const kept = readCredential(await store.get(this.key), mcpServer);
      // Another got it meanwhile.
      if (kept !== undefined && isGood(kept, renewal))
        return { credential: kept, isGranted: false };
      const got = await this.#obtain(renewal, kept);
      if (got !== undefined) await store.set(this.key, writeCredential(got));
      const isGranted = got?.accessToken !== this.#lastRefreshed;
      return got && { credential: got, isGranted };
    };
    return store.exclusively(this.key, work, renewal.signal);
  }

  async #obtain(renewal: Renewal, kept: Credential | undefined): Promise<Credential | undefined> {
    const place = await this.#discover(renewal, kept);
    if (place === undefined) return undefined;
    // What another issuer gave, or for another resource, is of no use here, and is not shown here.
    const own =
      kept?.issuer === place.server.issuer && kept.resource === place.resource ? kept : undefined;
    if (own?.refreshToken !== undefined && !renewal.isStepUp && this.#mayRefresh(own)) {
      const refreshed = await this.#refresh(renewal, place, own, own.refreshToken);
      if (refreshed !== undefined) {
        this.#lastRefreshed = refreshed.accessToken;
        return refreshed;
      }
    }
    if (renewal.isEarly === true) return undefined;
    const { grant } = this.#options;
    const scopes = this.#selectScopes(renewal, place, own);
    if (grant.type === 'authorization_code') return this.#login(renewal, place, own, scopes);
    const client = await chooseClient(this.#choice(renewal, place, undefined));
    const form: Record<string, string> =
      grant.type === 'client_credentials'
        ? { grant_type: 'client_credentials' }
        : {
            grant_type: jwtBearer,
            assertion: await grant.assertion({
              issuer: place.server.issuer,
              resource: place.resource,
              scopes,
              signal: renewal.signal,
            }),
          };
    form['resource'] = place.resource;
    if (scopes.length > 0) form['scope'] = scopes.join(' ');
    const dpop = await this.#dpop(place, own);
    return this.#toCredential(
      place,
      client,
      scopes,
      dpop,
      await this.#request(renewal, place, client, form, dpop),
    );
  }

  #mayRefresh({ accessToken }: Credential): boolean {
    return accessToken !== this.#lastRefreshed;
  }

  async #discover(renewal: Renewal, kept: Credential | undefined): Promise<Place | undefined> {
    const { trustedHosts, mcpServer, client } = this.#options;
    const { signal, wantsDpop, zone } = renewal;
    const guard = new Guard({ serverZone: zone, trustedHosts });
    if (renewal.isEarly === true) {
      if (kept?.refreshToken === undefined) return undefined;
      const server = await discoverAuthorizationServer(guard, kept.issuer, signal);
      return server && { guard, server, resource: kept.resource, scopes: undefined, wantsDpop };
    }
    const url = new URL(mcpServer);
    const found = await discoverResource(guard, url, renewal.metadata, signal);
    if (found === undefined) {
      // Servers of the specification of 2025-03-26 are their own authorization servers.
      const server =
        (await discoverAuthorizationServer(guard, url.origin, signal, true)) ??
        assumedAuthorizationServer(guard.check(url.origin, 'The server').origin);
      return { guard, server, resource: mcpServer, scopes: undefined, wantsDpop };
    }
    const issuer = selectIssuer(found, client?.issuer, kept?.issuer);
    const server = await discoverAuthorizationServer(guard, issuer, signal);
    if (server === undefined)
      throw oauthError('metadata', `The authorization server ${quote(issuer)} has no metadata.`);
    return {
      guard,
      server,
      resource: found.resource,
      scopes: found.scopes,
      wantsDpop: wantsDpop || found.wantsDpop,
    };
  }

  /** By the specification's order: the challenge, then the metadata, then none; and what was asked for before. */
  #selectScopes(renewal: Renewal, place: Place, own: Credential | undefined): readonly string[] {
    const { scopes, grant } = this.#options;
    const { wanted, isStepUp } = renewal;
    const first = scopes ?? (wanted.length > 0 ? wanted : (place.scopes ?? []));
    const selected = new Set([...(own?.scopes ?? []), ...first, ...(isStepUp ? wanted : [])]);
    const isForLong = place.server.scopes.includes('offline_access');
    if (selected.size > 0 && isForLong && grant.type === 'authorization_code')
      selected.add('offline_access');
    return [...selected];
  }

  async #login(
    renewal: Renewal,
    place: Place,
    own: Credential | undefined,
    scopes: readonly string[],
  ): Promise<Credential | undefined> {
    const { ask, name, store, redirectPort, loginMs } = this.#options;
    if (!renewal.mayAsk) return undefined;
    const { server, resource } = place;
    if (ask === undefined)
      throw oauthError(
        'login',
        `${name} wants somebody to log in at ${quote(server.issuer)}, and nobody can be asked here. Log in where somebody can be, with the same store, or give onAuthorizationUrl.`,
        { details: { issuer: server.issuer } },
      );
    const port = redirectPort || ((await registeredPort(store, server.issuer)) ?? 0);
    const listener = await openRedirectListener(port, redirectPort !== 0);
    try {
      const choice = this.#choice(renewal, place, listener.uri);
      const client = await chooseClient(choice);
      const dpop = await this.#dpop(place, own);
      renewal.asking();
      const form = await obtainCode({
        name,
        server,
        client,
        listener,
        resource,
        scopes,
        dpopKey: dpop?.key,
        ask,
        waitMs: loginMs,
        signal: renewal.signal,
      });
      const answer = await this.#request(renewal, place, client, form, dpop);
      return this.#toCredential(place, client, scopes, dpop, answer);
    } catch (error) {
      // It may have forgotten the client, and shown that to the person only.
      if (isOAuthError(error, 'login') || isInvalidClient(error))
        await forgetRegistration(store, server.issuer);
      throw error;
    } finally {
      listener.close();
    }
  }

  /** Undefined when the refresh token is no longer good. */
  async #refresh(
    renewal: Renewal,
    place: Place,
    own: Credential,
    refreshToken: string,
  ): Promise<Credential | undefined> {
    const client = await knownClient(this.#choice(renewal, place, undefined));
    if (client?.id !== own.clientId) return undefined;
    const dpop = own.dpopKey && (await this.#dpopOf(own.dpopKey));
    const form = {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      resource: own.resource,
    };
    try {
      const answer = await this.#request(renewal, place, client, form, dpop);
      return this.#toCredential(place, client, own.scopes, dpop, {
        ...answer,
        refreshToken: answer.refreshToken ?? refreshToken,
      });
    } catch (error) {
      if (isInvalidClient(error)) await forgetRegistration(this.#options.store, own.issuer);
      else if (!isInvalidGrant(error)) throw error;
      return undefined;
    }
  }

  #request(
    { signal }: Renewal,
    { guard, server }: Place,
    client: Client,
    form: Readonly<Record<string, string>>,
    dpop: Dpop,
  ): Promise<TokenAnswer> {
    return requestTokens({ guard, server, client, form, dpop, signal });
  }

  #choice(renewal: Renewal, place: Place, redirectUri: string | undefined): ClientChoice {
    const { store, mcpServer, client, clientDocument, clientName } = this.#options;
    const { guard, server } = place;
    return {
      store,
      guard,
      mcpServer,
      server,
      given: client,
      documentUrl: clientDocument,
      clientName,
      redirectUri,
      boundTokens: this.#usesDpop(place),
      signal: renewal.signal,
    };
  }

  /** A server that cannot take bound tokens would be of no use with them: both it and the issuer must know DPoP. */
  #usesDpop({ server, wantsDpop }: Place): boolean {
    const { dpop } = this.#options;
    if (dpop !== 'offered') return dpop === 'required';
    return wantsDpop && server.dpopAlgorithms.includes(dpopAlgorithm);
  }

  async #dpop(place: Place, own: Credential | undefined): Promise<Dpop> {
    if (!this.#usesDpop(place)) return undefined;
    if (own?.dpopKey !== undefined) return this.#dpopOf(own.dpopKey);
    return { key: await createDpopKey(), nonces: this.#options.nonces };
  }

  async #dpopOf(privateKey: NonNullable<Credential['dpopKey']>): Promise<Dpop> {
    return { key: await readDpopKey(privateKey), nonces: this.#options.nonces };
  }

  #toCredential(
    { server, resource }: Place,
    client: Client,
    scopes: readonly string[],
    dpop: Dpop,
    answer: TokenAnswer,
  ): Credential {
    const { accessToken, tokenType, expiresAtMs, refreshToken } = answer;
    const mustBeBound = this.#options.dpop === 'required';
    if (tokenType === 'DPoP' ? dpop === undefined : mustBeBound)
      throw oauthError(
        'metadata',
        `${quote(server.issuer)} gave a token that is ${tokenType === 'DPoP' ? '' : 'not '}bound to a key, which was not asked for.`,
      );
    return {
      server: this.#options.mcpServer,
      resource,
      issuer: server.issuer,
      clientId: client.id,
      accessToken,
      tokenType,
      ...(expiresAtMs !== undefined && { expiresAtMs }),
      ...(refreshToken !== undefined && { refreshToken }),
      scopes: [...new Set([...scopes, ...(answer.scopes ?? [])])],
      ...(dpop !== undefined && { dpopKey: dpop.key.privateJwk }),
    };
  }
}

/** Not the one that was refused, not over, and for all that is wanted. */
const isGood = (kept: Credential, { refused, wanted, isEarly }: Renewal): boolean =>
  kept.accessToken !== refused &&
  (kept.expiresAtMs === undefined || kept.expiresAtMs > Date.now()) &&
  (isEarly === true || wanted.every((one) => kept.scopes.includes(one)));

/** That of the client, or of what is kept, if the server still names it; else its first. */
const selectIssuer = (
  { issuers }: ProtectedResource,
  ofClient: string | undefined,
  ofKept: string | undefined,
): string => {
  const preferred = [ofClient, ofKept].find((one) => one !== undefined && issuers.includes(one));
  return preferred ?? issuers[0] ?? '';
};

const hasCode = (error: unknown, code: string): boolean =>
  isOAuthError(error, 'token') &&
  (error as { details: Record<string, unknown> }).details['error'] === code;

const isInvalidGrant = (error: unknown): boolean => hasCode(error, 'invalid_grant');
const isInvalidClient = (error: unknown): boolean => hasCode(error, 'invalid_client');
