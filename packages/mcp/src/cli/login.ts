import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Login, LoginRequest } from '../auth/index.js';
import type { ServerSpec } from '../hub/server-spec.js';
import { McpError } from '../mcp-error.js';
import type { Host } from './host.js';
import { whyNoLogin } from '../auth/takes-login.js';
import { loginsOf } from './known-logins.js';
import { openSource } from './open-server.js';
import { exitCode, UsageError } from './report.js';
import { oneLine } from './terminal-text.js';

interface LoginFlags {
  readonly config?: string;
  readonly json?: boolean;
  readonly browser: boolean;
  readonly clientId?: string;
  readonly clientSecretFile?: string;
  readonly clientCredentials?: boolean;
  readonly scope?: readonly string[];
  readonly port?: number;
  /** Seconds that a person may take. */
  readonly timeout?: number;
}

/**
 * `login SERVER`: by a person in their browser, or with `--client-credentials` by the client itself. What was logged
 * in with before holds until the new one does.
 */
export async function loginVerb(host: Host, name: string, flags: LoginFlags): Promise<number> {
  const client = clientOf(host, flags);
  const grant = flags.clientCredentials === true ? 'client_credentials' : 'authorization_code';
  if (grant === 'client_credentials' && client?.secret === undefined)
    throw new UsageError('--client-credentials needs --client-id and --client-secret-file');
  const source = await openSource(host, flags);
  try {
    const url = addressOf(name, source.specOf(name));
    if (grant === 'authorization_code') await host.requirePerson();
    const logins = await loginsOf(host);
    const auth = logins.begin({
      grant,
      ...(client && { client }),
      ...(flags.scope && { scopes: flags.scope }),
      ...(flags.port !== undefined && { redirectPort: flags.port }),
      ...(flags.timeout !== undefined && { loginMs: flags.timeout * 1000 }),
      onAuthorizationUrl: (address) => sendPerson(host, name, address, flags),
    });
    const { server } = source.open(name, {}, auth);
    await server.ready(host.signal);
    // Some let everybody in, and ask only who wants something.
    await server.tools({ signal: host.signal });
    tell(host, name, await logins.find(url), flags);
    return exitCode.ok;
  } finally {
    await source.close();
  }
}

function tell(host: Host, name: string, login: Login | undefined, flags: LoginFlags): void {
  if (flags.json) host.json({ server: name, loggedIn: login !== undefined, ...loginFacts(login) });
  else if (login === undefined) host.line(`${name} asked for no login, so nothing was kept.`);
  else host.line(`✔ ${name}  ${describeLogin(login)}`);
}

/** Shows where to log in, and says so before a program is started with an address that a server chose. */
async function sendPerson(host: Host, name: string, url: URL, flags: LoginFlags): Promise<void> {
  host.note(`${name} wants a login at ${url.host}. Open this in your browser:\n\n${url.href}\n`);
  if (flags.browser) {
    const program = await host.openBrowser(url);
    host.note(
      program === undefined
        ? 'No browser could be started here.'
        : `${oneLine(program)} was started with it; --no-browser leaves that to you.`,
    );
  }
  host.note('Waiting for the answer. Ctrl-C gives it up.');
}

/** `logout SERVER`: forgets its tokens, and tells the authorization server. Starts nothing. */
export async function logoutVerb(
  host: Host,
  name: string,
  flags: { readonly config?: string; readonly json?: boolean },
): Promise<number> {
  const source = await openSource(host, flags);
  try {
    const url = addressOf(name, source.specOf(name));
    const ended = await (await loginsOf(host)).end(url, host.signal);
    if (flags.json) {
      const { revoked, issuer } = ended ?? {};
      host.json({
        server: name,
        loggedIn: false,
        wasLoggedIn: ended !== undefined,
        revoked,
        issuer,
      });
    } else if (ended === undefined) host.line(`${name}: nobody was logged in.`);
    else host.line(`✔ ${name}  logged out`);
    if (ended?.revoked === false)
      host.note(
        `${oneLine(ended.issuer)} does not know of it, and takes the tokens until they end: ${oneLine(ended.why ?? '')}`,
      );
    return exitCode.ok;
  } finally {
    await source.close();
  }
}

/** On one line, for people. */
export function describeLogin({ issuer, scopes, expiresAtMs, renews }: Login): string {
  const by = `logged in at ${oneLine(issuer)}`;
  const may = scopes.length === 0 ? '' : ` (${oneLine(scopes.join(' '))})`;
  const until =
    renews || expiresAtMs === undefined ? '' : ` until ${new Date(expiresAtMs).toISOString()}`;
  return `${by}${may}${until}`;
}

/** For programs. */
export function loginFacts(login: Login | undefined): Readonly<Record<string, unknown>> {
  if (login === undefined) return {};
  const { issuer, grant, scopes, renews, expiresAtMs } = login;
  const expiresAt = expiresAtMs === undefined ? undefined : new Date(expiresAtMs).toISOString();
  return { issuer, grant, scopes, renews, expiresAt };
}

function addressOf(name: string, spec: ServerSpec): URL {
  const why = whyNoLogin(spec);
  if (why !== undefined || !('url' in spec))
    throw new McpError('ORCH_MCP_SPEC', `${name} ${why ?? 'has no address'}.`);
  return new URL(spec.url);
}

const mostSecret = 16 * 1024;

/** A secret on the command line would stand in the list of processes, so it is read from a file. */
function clientOf(host: Host, flags: LoginFlags): LoginRequest['client'] {
  const { clientId: id, clientSecretFile: file } = flags;
  if (id === undefined) {
    if (file !== undefined) throw new UsageError('--client-secret-file needs --client-id');
    return undefined;
  }
  if (file === undefined) return { id };
  const path = resolve(host.cwd, file);
  let secret: string;
  try {
    secret = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new UsageError(`${path} cannot be read (${code}); it must hold the client's secret`);
  }
  if (secret === '' || secret.length > mostSecret || /[\0\r\n]/.test(secret))
    throw new UsageError(`${path} must hold the client's secret, on one line, and nothing else`);
  return { id, secret };
}
