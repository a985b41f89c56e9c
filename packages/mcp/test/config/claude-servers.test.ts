import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createMcpHub, McpError } from '../../src/index.js';
import { formatProblem, readClaudeServers, type ConfigProblem } from '../../src/config/index.js';
import { temporaryDirectory, type Cleanup } from '../scene.js';

const environment = { HOME: '/home/user', TOKEN: 'fake-token-value', EMPTY: '', ROOT: '/srv/data' };

/** A project and a user's file, as text or as values. */
function files(onTestFinished: Cleanup, shared: unknown, user?: (project: string) => unknown) {
  const project = temporaryDirectory(onTestFinished);
  const userFile = join(project, 'home.json');
  const write = (file: string, content: unknown): void =>
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  if (shared !== undefined) write(join(project, '.mcp.json'), shared);
  if (user !== undefined) write(userFile, user(project));
  const options = { project, userFile, environment };
  return {
    project,
    read: (more = {}) => readClaudeServers({ ...options, ...more }),
    problems: (): readonly ConfigProblem[] => {
      try {
        return readClaudeServers(options).problems;
      } catch (error) {
        if (!McpError.isInstance(error)) throw error;
        expect(error.code).toBe('ORCH_MCP_CONFIG');
        return error.details['problems'] as ConfigProblem[];
      }
    },
  };
}
const servers = (mcpServers: object) => ({ mcpServers });

describe('variables', () => {
  test('are filled in in command, args, env, url and headers', ({ onTestFinished }) => {
    const { read, project } = files(
      onTestFinished,
      servers({
        files: {
          command: '${BIN:-node}',
          args: ['${ROOT}/${NAME:-x}', '$ROOT', '${ROOT:-y}', 'a${EMPTY:-b}c'],
          env: { KEY: '${TOKEN}', '${TOKEN}': 'as it is' },
        },
        web: {
          type: 'http',
          url: '${BASE:-https://a.test}/mcp?root=${ROOT}',
          headers: { authorization: 'Bearer ${TOKEN}' },
        },
      }),
    );
    const { servers: found } = read();
    expect(found['files']).toMatchObject({
      command: 'node',
      args: ['/srv/data/x', '$ROOT', '/srv/data', 'ac'],
      env: { KEY: 'fake-token-value', '${TOKEN}': 'as it is' },
      cwd: project,
      secrets: ['/srv/data', 'fake-token-value'],
    });
    expect(found['web']).toMatchObject({
      type: 'http',
      url: 'https://a.test/mcp?root=/srv/data',
      headers: { authorization: 'Bearer fake-token-value' },
    });
    // What is approved is what is written, and not what it is filled in with.
    expect(JSON.stringify(found['files']?.origin)).not.toContain('fake-token-value');
    expect(() => createMcpHub({ servers: found, environment })).not.toThrow();
  });

  test('that are not set are all named, with their places', ({ onTestFinished }) => {
    const text = `{"mcpServers": {
  "a": {"command": "\${NO_PROGRAM}",
    "env": {"KEY": "\${NO_KEY}"}},
  "b": {"type": "http", "url": "https://a.test/\${NO_PATH}"}
}}`;
    const { problems, project } = files(onTestFinished, text);
    expect(problems().map(formatProblem)).toEqual([
      `${project}/.mcp.json:2:20: The variable NO_PROGRAM is not set; set it, or write \${NO_PROGRAM:-default}.`,
      `${project}/.mcp.json:3:12: The variable NO_KEY is not set; set it, or write \${NO_KEY:-default}.`,
      `${project}/.mcp.json:4:32: The variable NO_PATH is not set; set it, or write \${NO_PATH:-default}.`,
    ]);
  });

  test('of the prototype are none', ({ onTestFinished }) => {
    const { problems } = files(onTestFinished, servers({ a: { command: '${constructor}' } }));
    expect(problems()).toHaveLength(1);
  });
});

describe('scopes', () => {
  const command = (name: string) => ({ command: name });
  test('local stands before project, and project before user', ({ onTestFinished }) => {
    const { read } = files(
      onTestFinished,
      servers({ all: command('project'), shared: command('project'), own: command('project') }),
      (project) => ({
        numStartups: 7,
        projects: {
          [project]: { mcpServers: { all: command('local') }, history: [] },
          '/elsewhere': { mcpServers: { other: command('local') } },
        },
        mcpServers: { all: command('user'), shared: command('user'), mine: command('user') },
      }),
    );
    const { servers: found, overridden } = read();
    const seen = Object.entries(found).map(([name, spec]) => [
      name,
      spec.origin?.scope,
      'command' in spec && spec.command,
    ]);
    expect(seen.sort()).toEqual([
      ['all', 'local', 'local'],
      ['mine', 'user', 'user'],
      ['own', 'project', 'project'],
      ['shared', 'project', 'project'],
    ]);
    expect(overridden).toEqual([
      { server: 'all', scope: 'project', by: 'local' },
      { server: 'all', scope: 'user', by: 'local' },
      { server: 'shared', scope: 'user', by: 'project' },
    ]);
  });

  test('may all be empty', ({ onTestFinished }) => {
    const { read } = files(onTestFinished, undefined);
    expect(read()).toEqual({ servers: {}, problems: [], overridden: [] });
    expect(read({ userFile: null }).servers).toEqual({});
  });

  test('the user file is where Claude Code has it', ({ onTestFinished }) => {
    const { read, project } = files(onTestFinished, undefined);
    writeFileSync(join(project, '.claude.json'), JSON.stringify(servers({ a: command('user') })));
    const names = (more: object) =>
      Object.keys(read({ userFile: undefined, environment: more }).servers);
    expect(names({ HOME: project })).toEqual(['a']);
    expect(names({ HOME: '/', CLAUDE_CONFIG_DIR: project })).toEqual(['a']);
  });
});

describe('mistakes', () => {
  test('are told all at once, each with its place and what to do', ({ onTestFinished }) => {
    const text = `{
  "servers": {},
  "mcpServers": {
    "a": {"comand": "x"},
    "b": {"command": "x", "arguments": []},
    "c": {"command": 5, "args": "x", "env": {"K": 1}},
    "d": {"url": "https://a.test/"},
    "e": {"type": "http", "url": "ftp://a.test/"},
    "f": {"type": "carrier-pigeon"},
    "a__b": {"command": "x"},
    "g": {"command": "x", "x-orch": {"tool": {}}},
    "h": {"command": "x", "timeout": "long"},
    "i": 7,
    "j": {"type": "http", "url": "https://a.test/", "headersHelper": "get | token"},
    "k": {"command": "x"},
    "k": {"command": "y"}
  }
}`;
    const { problems, read } = files(onTestFinished, text);
    const told = problems().map(({ line, column, server, message }) => [
      line,
      column,
      server,
      message,
    ]);
    expect(told).toEqual([
      [2, 3, undefined, 'There is no field "servers" here; servers stand in mcpServers.'],
      [4, 5, 'a', 'The server a has no command; give it one.'],
      [5, 27, 'b', expect.stringContaining('b has no field "arguments"')],
      [6, 22, 'c', 'command of c must be a text.'],
      [6, 33, 'c', 'args of c must be a list of texts.'],
      [6, 51, 'c', 'env.K of c must be a text.'],
      [7, 5, 'd', 'The server d has a url and no type; add "type": "http".'],
      [8, 5, 'e', expect.stringContaining('url must be an address')],
      [9, 19, 'f', expect.stringContaining('cannot be used here')],
      [10, 5, 'a__b', expect.stringContaining('is no name for a server')],
      [11, 38, 'g', expect.stringContaining('x-orch of g has no field "tool"')],
      [12, 38, 'h', 'timeout of h must be a number of ms.'],
      [13, 10, 'i', 'The server i must be an object.'],
      [14, 70, 'j', expect.stringContaining('"|" would need a shell')],
      [16, 5, undefined, '"k" stands here twice; take one out.'],
    ]);
    // Or the good ones are taken, and the others left out.
    const { servers: found, problems: rest } = read({ mistakes: 'leave_out' });
    expect(Object.keys(found)).toEqual(['k']);
    expect(rest).toHaveLength(told.length);
  });

  test.each([
    ['a comma too many', '{"mcpServers": {},}', 1, 19],
    ['a comment', '{\n // mine\n}', 2, 2],
    ['nothing', '', 1, 1],
    ['a list', '[]', 1, 1],
    ['brackets without end', '['.repeat(200_000), 1, 1],
    ['servers in a list', '{"mcpServers": []}', 1, 16],
  ])('of JSON are told: %s', (_what, text, line, column) => {
    withCleanup((onTestFinished) => {
      const [first] = files(onTestFinished, text).problems();
      expect(first).toMatchObject({ severity: 'error', line, column });
    });
  });

  test('a directory in the place of the file', ({ onTestFinished }) => {
    const { problems, project } = files(onTestFinished, undefined);
    mkdirSync(join(project, '.mcp.json'));
    expect(problems()).toHaveLength(1);
  });
});

test("Claude Code's own fields are known, and what it denies is denied here", ({
  onTestFinished,
}) => {
  const { read } = files(
    onTestFinished,
    servers({
      a: { command: 'x', timeout: 5000, alwaysLoad: true, 'x-orch': { tools: { allow: ['r*'] } } },
      b: {
        type: 'streamable-http',
        url: 'https://a.test/',
        oauth: { clientId: 'x' },
        tools: [
          { name: 'drop', permission_policy: 'always_deny' },
          { name: 'read', permission_policy: 'always_allow' },
        ],
      },
    }),
  );
  const { servers: found, problems } = read();
  expect(found['a']).toMatchObject({ timeoutMs: 5000, tools: { allow: ['r*'] } });
  expect(found['b']).toMatchObject({ type: 'http', tools: { deny: ['drop'] } });
  expect(problems).toMatchObject([{ severity: 'warning', server: 'b' }]);
});

function withCleanup(work: (onTestFinished: Cleanup) => void): void {
  const cleanups: (() => unknown)[] = [];
  try {
    work((clean) => cleanups.unshift(clean));
  } finally {
    for (const clean of cleanups) clean();
  }
}
