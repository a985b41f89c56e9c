import type { JWK } from 'jose';
import { isJsonObject, type Json } from '../json.js';
import { parseObject } from './discovery.js';

/** Tokens as they are kept: bound to the server, the resource, the issuer and the client that they were given for. */
export interface Credential {
  readonly server: string;
  readonly resource: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly accessToken: string;
  readonly tokenType: 'Bearer' | 'DPoP';
  /** Undefined: not known. */
  readonly expiresAtMs?: number;
  readonly refreshToken?: string;
  /** What was asked for, together with what was given. */
  readonly scopes: readonly string[];
  readonly dpopKey?: JWK;
}

/** Under which tokens for a server are kept: those of another grant or client are others. */
export const credentialKey = (server: string, grant: string, client: string | undefined): string =>
  `tokens for ${server} by ${grant} of ${client ?? 'registration'}`;

export const writeCredential = (credential: Credential): string => JSON.stringify(credential);

/** Undefined for what is none, or is for another server: it is as good as not there. */
export function readCredential(text: string | undefined, server: string): Credential | undefined {
  const value = text === undefined ? undefined : parseObject(text);
  if (value?.['server'] !== server) return undefined;
  const { resource, issuer, clientId, accessToken, tokenType, expiresAtMs, refreshToken } = value;
  if (!isText(resource) || !isText(issuer) || !isText(clientId) || !isText(accessToken))
    return undefined;
  if (tokenType !== 'Bearer' && tokenType !== 'DPoP') return undefined;
  const { scopes, dpopKey } = value;
  if (tokenType === 'DPoP' && !isJsonObject(dpopKey)) return undefined;
  return {
    server,
    resource,
    issuer,
    clientId,
    accessToken,
    tokenType,
    ...(typeof expiresAtMs === 'number' && { expiresAtMs }),
    ...(isText(refreshToken) && { refreshToken }),
    scopes: Array.isArray(scopes) ? (scopes as readonly Json[]).filter(isText) : [],
    ...(isJsonObject(dpopKey) && { dpopKey: dpopKey }),
  };
}

const isText = (value: Json | undefined): value is string =>
  typeof value === 'string' && value !== '';
