import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  browse,
  protectedServer,
  type ProtectedServer,
  type Ways,
} from '../auth/protected-server.js';
import { useBuiltProgram } from '../built-program.js';
import { temporaryDirectory, until, type Cleanup } from '../scene.js';

const program = useBuiltProgram('src/main.ts');

/** A user with a server that wants a login, and without a browser. */
async function user(onTestFinished: Cleanup, ways: Partial<Ways> = {}) {
  const server = await protectedServer(onTestFinished, ways);
  const home = temporaryDirectory(onTestFinished);
  const state = temporaryDirectory(onTestFinished);
  const mcpServers = { issues: { type: 'http', url: server.url } };
  writeFileSync(join(home, '.claude.json'), JSON.stringify({ mcpServers }));
  const store = join(state, 'mcp', 'tokens.json');
  const said: string[] = [];
  const environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    SHELL: '/bin/sh',
    ORCH_STATE_DIR: state,
    BROWSER: join(home, 'no-browser'),
  };
  onTestFinished(() => {
    // Whatever was said, no token was among it.
    const words = said.join('\n');
    const kept = existsSync(store) ? readFileSync(store, 'utf8') : '';
    const tokens = [...kept.matchAll(/(?:access|refresh|code)-[0-9a-f]{18}/g)].map(([one]) => one);
    for (const token of [...server.shown, ...tokens]) expect(words).not.toContain(token);
  });

  /** A process with what it has said so far. */
  function start(command: string, argv: readonly string[], more: Record<string, string> = {}) {
    const env = { ...environment, ...more };
    const child = spawn(command, argv, { cwd: home, env });
    const ended = once(child, 'close') as Promise<[number | null]>;
    let text = '';
    const listen = (chunk: Buffer): void => void (text += chunk.toString());
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    onTestFinished(async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    });
    return {
      press: (keys: string) => void child.stdin.write(keys),
      said: () => text,
      async finished() {
        const [code] = await ended;
        said.push(text);
        return { code, text };
      },
    };
  }

  return {
    home,
    server,
    store,
    environment,
    /** Without a terminal, as programs run it. */
    run: (...words: readonly string[]) => {
      const running = start(process.execPath, [program(), ...words]);
      running.press('');
      return running.finished();
    },
    /** In a real terminal of the kernel, which script(1) opens. */
    inTerminal: (words: readonly string[], more: Record<string, string> = {}) => {
      const command = [process.execPath, program(), ...words].map((one) => `'${one}'`).join(' ');
      return start('script', ['-qfec', `exec ${command}`, '/dev/null'], more);
    },
    /** A program for `$BROWSER`, whose person allows everything. */
    browser: (): string => {
      const path = join(home, 'browser');
      const source = `fetch(process.argv[2]).then(() => require('node:fs').writeFileSync('visited', ''))`;
      writeFileSync(path, `#!${process.execPath}\n${source}\n`);
      chmodSync(path, 0o700);
      return path;
    },
  };
}

type Running = ReturnType<Awaited<ReturnType<typeof user>>['inTerminal']>;

/** The address that a person is shown. */
async function shownAddress(running: Running): Promise<URL> {
  const pattern = /^(http:\S+\/authorize\?\S+)\r$/m;
  await until(() => pattern.test(running.said()), `an address in: ${running.said()}`);
  await until(() => running.said().includes('Waiting for the answer'), 'that it waits');
  return new URL(pattern.exec(running.said())?.[1] ?? '');
}

const refreshes = ({ given }: ProtectedServer): number => given['refresh_token'] ?? 0;

test('a person logs in once, in a terminal; every verb uses it, and renews it', async ({
  onTestFinished,
}) => {
  const { server, home, store, run, inTerminal, browser } = await user(onTestFinished, {
    scopes: ['read'],
  });
  const before = await run('call', 'issues', 'good');
  expect(before).toMatchObject({ code: 3 });
  expect(before.text).toContain('issues wants a login (401). Log in: orch-mcp login issues');
  // Nobody but the server itself was asked anything, as nobody wanted to log in.
  expect(server.seen).toEqual([]);

  const opener = browser();
  const login = await inTerminal(['login', 'issues'], { BROWSER: opener }).finished();
  expect(login).toMatchObject({ code: 0 });
  expect(login.text).toContain(`✔ issues  logged in at ${server.issuer} (read)`);
  // It was said before that a program is started with an address of the server's choice.
  const { host } = new URL(server.issuer);
  expect(login.text.indexOf(`wants a login at ${host}`)).toBeGreaterThanOrEqual(0);
  expect(login.text).toContain(`${opener} was started with it`);
  expect(existsSync(join(home, 'visited'))).toBe(true);
  expect(statSync(store).mode & 0o777).toBe(0o600);

  expect((await run('list')).text).toMatch(
    /^issues {2}http {2}\S+ {2}user {2}logged in at \S+ \(read\)$/m,
  );
  expect(await run('call', 'issues', 'good')).toEqual({ code: 0, text: 'well\n' });
  server.expireAll();
  expect(await run('tools', 'issues')).toMatchObject({ code: 0 });
  expect(refreshes(server)).toBe(1);
  expect((await run('doctor', '--json')).text).toContain('"ok":true');
  expect(server.given).toEqual({ authorization_code: 1, refresh_token: 1 });

  // When nothing can be renewed any more, a person is needed again.
  server.ways.refuses = 'invalid_grant';
  server.expireAll();
  const after = await run('call', 'issues', 'good', '--json');
  expect(after).toMatchObject({ code: 3 });
  expect(after.text).toContain('"reason":"login"');
  expect(after.text).toContain('Log in: orch-mcp login issues');
});

test('without a terminal nobody is sent anywhere, and nothing is kept', async ({
  onTestFinished,
}) => {
  const { server, store, run, inTerminal, home, browser } = await user(onTestFinished);
  const refused = await run('login', 'issues');
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.text).toContain('Only a person does this, in a terminal of their own');
  const agent = inTerminal(['login', 'issues'], { CLAUDECODE: '1', BROWSER: browser() });
  expect((await agent.finished()).text).toContain('an agent started this (CLAUDECODE is set)');
  expect([server.seen, server.shown]).toEqual([[], []]);
  expect([existsSync(store), existsSync(join(home, 'visited'))]).toEqual([false, false]);
});

test('only the answer to this login is taken, at the one address for it', async ({
  onTestFinished,
}) => {
  const { server, run, inTerminal, home, browser } = await user(onTestFinished);
  const login = inTerminal(['login', 'issues', '--no-browser'], { BROWSER: browser() });
  const url = await shownAddress(login);
  expect(url.origin).toBe(server.issuer);
  const back = new URL(url.searchParams.get('redirect_uri') ?? '');
  expect(back.hostname).toBe('127.0.0.1');
  const state = url.searchParams.get('state') ?? '';
  const forged = { code: 'stolen', iss: server.issuer };
  const statuses: number[] = [];
  for (const [path, parameters, method] of [
    [back.pathname, { ...forged, state: 'x'.repeat(state.length) }, 'GET'],
    [back.pathname, forged, 'GET'],
    ['/other', { ...forged, state }, 'GET'],
    [back.pathname, { ...forged, state }, 'POST'],
  ] as const) {
    const answer = new URL(`${path}?${new URLSearchParams(parameters).toString()}`, back);
    statuses.push((await fetch(answer, { method })).status);
  }
  expect(statuses).toEqual([400, 400, 404, 404]);
  await browse(url);
  expect(await login.finished()).toMatchObject({ code: 0 });
  expect(JSON.stringify(server.seen)).not.toContain('stolen');
  expect(existsSync(join(home, 'visited'))).toBe(false);
  expect(await run('call', 'issues', 'good')).toMatchObject({ code: 0 });
});

test('after Ctrl-C, too long a time, another issuer or a no, what was kept before still holds', async ({
  onTestFinished,
}) => {
  const { server, run, inTerminal, store, browser } = await user(onTestFinished);
  const good = { BROWSER: browser() };
  expect(await inTerminal(['login', 'issues'], good).finished()).toMatchObject({ code: 0 });
  const kept = readFileSync(store, 'utf8');

  const given = inTerminal(['login', 'issues', '--no-browser']);
  const url = await shownAddress(given);
  given.press('\u0003');
  expect(await given.finished()).toMatchObject({ code: 130 });
  await expect(fetch(url.searchParams.get('redirect_uri') ?? '')).rejects.toThrow();

  const late = await inTerminal(['login', 'issues', '--timeout', '0.3']).finished();
  expect(late).toMatchObject({ code: 3 });
  expect(late.text).toContain('No browser could be started here.');

  server.ways.iss = 'https://evil.example';
  const mixed = await inTerminal(['login', 'issues'], good).finished();
  expect(mixed).toMatchObject({ code: 7 });
  expect(mixed.text).toContain('of another issuer');
  server.ways.iss = server.issuer;
  server.ways.denies = 'access_denied';
  expect((await inTerminal(['login', 'issues'], good).finished()).text).toContain('did not allow');

  const tokens = (text: string): unknown =>
    Object.entries((JSON.parse(text) as { entries: object }).entries).filter(([key]) =>
      /^(?:tokens|login)/.test(key),
    );
  expect(tokens(readFileSync(store, 'utf8'))).toEqual(tokens(kept));
  expect(server.given).toEqual({ authorization_code: 1 });
  expect(await run('call', 'issues', 'good')).toMatchObject({ code: 0 });
});

test('a logout forgets the tokens, and the authorization server takes them no more', async ({
  onTestFinished,
}) => {
  const { server, store, run, inTerminal, browser } = await user(onTestFinished);
  const good = { BROWSER: browser() };
  expect(await inTerminal(['login', 'issues'], good).finished()).toMatchObject({ code: 0 });
  expect(server.hasGood()).toBe(true);
  expect(await run('logout', 'issues')).toEqual({ code: 0, text: '✔ issues  logged out\n' });
  expect(server.hasGood()).toBe(false);
  expect(readFileSync(store, 'utf8')).not.toMatch(/access-|refresh-/);
  expect(await run('call', 'issues', 'good')).toMatchObject({ code: 3 });
  expect((await run('logout', 'issues')).text).toBe('issues: nobody was logged in.\n');

  // Where it cannot be told, that is said.
  expect(await inTerminal(['login', 'issues'], good).finished()).toMatchObject({ code: 0 });
  server.ways.revocation = null;
  const alone = await run('logout', 'issues');
  expect(alone).toMatchObject({ code: 0 });
  expect(alone.text).toContain('takes the tokens until they end');
  expect(server.hasGood()).toBe(true);
  expect(readFileSync(store, 'utf8')).not.toMatch(/access-|refresh-/);
});

test('a client acts for itself, without a terminal, and gets tokens again by itself', async ({
  onTestFinished,
}) => {
  const { server, home, run } = await user(onTestFinished, { scopes: ['read'] });
  writeFileSync(join(home, 'secret'), 'fake-client-secret\n', { mode: 0o600 });
  const client = ['--client-id', 'robot', '--client-secret-file', 'secret'];
  const login = await run('login', 'issues', '--client-credentials', ...client);
  expect(login).toMatchObject({ code: 0 });
  expect(await run('call', 'issues', 'good')).toMatchObject({ code: 0 });
  server.expireAll();
  expect(await run('call', 'issues', 'good')).toMatchObject({ code: 0 });
  expect(server.given).toEqual({ client_credentials: 2 });
  expect(login.text).not.toContain('fake-client-secret');

  for (const [words, what] of [
    [['--client-credentials'], 'needs --client-id and --client-secret-file'],
    [['--client-secret-file', 'secret'], 'needs --client-id'],
    [['--client-id', 'robot', '--client-secret-file', 'none'], 'cannot be read (ENOENT)'],
  ] as const) {
    const refused = await run('login', 'issues', ...words);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.text).toContain(what);
  }
});

test('a token that the server quotes is in no output and in no recording', async ({
  onTestFinished,
}) => {
  const { server, home, run } = await user(onTestFinished);
  writeFileSync(join(home, 'secret'), 'fake-client-secret', { mode: 0o600 });
  const client = ['--client-id', 'robot', '--client-secret-file', 'secret'];
  await run('login', 'issues', '--client-credentials', ...client);
  server.ways.quotes = true;
  const called = await run('call', 'issues', 'good', '--json', '--record', 'said.jsonl');
  expect(called).toMatchObject({ code: 7 });
  expect(called.text).toContain('no use of Bearer [redacted]');
  const recorded = readFileSync(join(home, 'said.jsonl'), 'utf8');
  // It is there, without the token.
  expect(recorded).toContain('no use of Bearer ');
  for (const token of server.shown) expect(recorded).not.toContain(token);
});

test('a server that has no login says so', async ({ onTestFinished }) => {
  const { home, server, run } = await user(onTestFinished);
  const mcpServers = {
    program: { command: 'true' },
    keyed: { type: 'http', url: server.url, headers: { Authorization: 'Bearer fake' } },
  };
  writeFileSync(join(home, 'servers.json'), JSON.stringify({ mcpServers }));
  for (const [name, what] of [
    ['program', 'is a program'],
    ['keyed', 'is given headers.authorization'],
    ['none', 'has no server "none"'],
  ] as const) {
    const refused = await run('login', name, '--config', 'servers.json');
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.text).toContain(what);
  }
});
