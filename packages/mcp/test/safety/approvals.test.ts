import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createMcpHub, type McpHub } from '../../src/index.js';
import { readClaudeServers } from '../../src/config/index.js';
import {
  askAbout,
  openApprovals,
  whyUnapproved,
  type ServerOrigin,
} from '../../src/safety/index.js';
import { refusal, refusals, temporaryDirectory, type Cleanup } from '../scene.js';
import { defined, tool } from './defined.js';

const environment = { PATH: process.env['PATH'], FAKE_TOKEN: 'fake-token-value' };

/** A project whose `.mcp.json` names one server. */
function projectOf(onTestFinished: Cleanup, more: object = {}) {
  const directory = temporaryDirectory(onTestFinished);
  const project = join(directory, 'project');
  mkdirSync(project);
  const server = defined(project, 'one', { tools: [tool('read')] });
  const approvals = openApprovals({ directory: join(directory, 'state'), agentRoots: [project] });
  const write = (changes: object = {}): void => {
    const one = { ...server.spec, ...more, ...changes };
    writeFileSync(join(project, '.mcp.json'), JSON.stringify({ mcpServers: { one } }));
  };
  write();
  const origin = (): ServerOrigin => {
    const found = readClaudeServers({ project, userFile: null, environment }).servers['one']
      ?.origin;
    if (found === undefined) throw new Error('It has no origin.');
    return found;
  };
  return {
    ...{ project, server, approvals, write, origin, state: join(directory, 'state') },
    approve: () => approvals.approve(askAbout('one', origin())),
    hub: (): McpHub => {
      const { servers } = readClaudeServers({ project, userFile: null, environment });
      const hub = createMcpHub({ servers, environment, approvals });
      onTestFinished(() => hub.close());
      return hub;
    },
  };
}

describe("a project's server", () => {
  test('whose resources are not to be pinned is approved as such, and not as before', async ({
    onTestFinished,
  }) => {
    const { hub, write, approve, origin } = projectOf(onTestFinished);
    approve();
    write({ 'x-orch': { timeoutMs: 60_000 } });
    expect(await hub().call('one__read')).toMatchObject({ text: 'done' });
    write({ 'x-orch': { dataResources: true } });
    const error = await refusal(hub().call('one__read'));
    expect(error).toMatchObject({ code: 'ORCH_MCP_UNAPPROVED' });
    expect(askAbout('one', origin()).command).toMatch(/, its resources not pinned$/);
    approve();
    expect(await hub().call('one__read')).toMatchObject({ text: 'done' });
  });

  test('is not started before it is approved, and what it would run is shown', async ({
    onTestFinished,
  }) => {
    const { hub, server, project, approve } = projectOf(onTestFinished, {
      env: { TOKEN: '${FAKE_TOKEN}' },
    });
    const one = hub();
    const error = await refusal(one.call('one__read'));
    expect(error).toMatchObject({ code: 'ORCH_MCP_UNAPPROVED', details: { server: 'one' } });
    const { command, args = [] } = server.spec;
    expect(error.details['command']).toBe(
      [command, ...args, 'with the variables TOKEN=${FAKE_TOKEN}'].join(' '),
    );
    expect(error.message).toContain(join(project, '.mcp.json'));
    expect(error.message).not.toContain('fake-token-value');
    const uses = [
      one.server('one').ready(),
      one.server('one').tools(),
      one.readResource('one__x:/a'),
    ];
    for (const refused of await refusals(uses))
      expect(refused).toMatchObject({ code: 'ORCH_MCP_UNAPPROVED' });
    expect((await one.tools()).missing).toMatchObject([{ error: { code: 'ORCH_MCP_UNAPPROVED' } }]);
    expect(server.asked()).toEqual([]);
    expect(one.states()).toEqual({ one: 'idle' }); // it has not failed
    // The control: approved, the same hub starts it.
    approve();
    expect(await one.call('one__read')).toMatchObject({ text: 'done' });
  });

  test('is not started without a store', async ({ onTestFinished }) => {
    const { hub, approve } = projectOf(onTestFinished);
    approve();
    const { servers } = readClaudeServers({
      project: projectOf(onTestFinished).project,
      userFile: null,
      environment,
    });
    const bare = createMcpHub({ servers, environment });
    onTestFinished(() => bare.close());
    expect(await refusal(bare.call('one__read'))).toMatchObject({ code: 'ORCH_MCP_UNAPPROVED' });
    expect(await hub().call('one__read')).toMatchObject({ text: 'done' });
  });

  test.each<[string, object]>([
    ['another argument', { args: ['-e', '0'] }],
    ['another program', { command: 'sh' }],
    ['another variable', { env: { NODE_OPTIONS: '--import=./x.mjs' } }],
    ['another place', { cwd: '/tmp' }],
    ['another type', { type: 'http', url: 'http://127.0.0.1:9/' }],
  ])('has to be approved again with %s', async (_what, changes) => {
    await withProject(async (onTestFinished) => {
      const { hub, approve, write, server } = projectOf(onTestFinished);
      approve();
      write('url' in changes ? { ...changes, command: undefined, args: undefined } : changes);
      expect(await refusal(hub().call('one__read'))).toMatchObject({ code: 'ORCH_MCP_UNAPPROVED' });
      expect(server.asked()).toEqual([]);
    });
  });

  test.each<[string, object, object]>([
    ['the address', { url: 'https://a.test/' }, { url: 'https://b.test/' }],
    ['the names of its headers', { headers: { 'x-a': 'v' } }, { headers: { 'x-b': 'v' } }],
    ['which variable a header holds', { headers: { a: '${A:-}' } }, { headers: { a: '${B:-}' } }],
    ['the program that prints headers', { headersHelper: './a' }, { headersHelper: './b' }],
  ])('over HTTP has another approval for %s', (_what, before, after) => {
    const written = { type: 'http', url: 'https://a.test/' };
    const ask = (more: object) =>
      askAbout('one', {
        ...{ scope: 'project', source: '/p/.mcp.json', project: '/p' },
        written: { ...written, ...more },
      });
    expect(ask(before).id).toBe(ask({ ...before }).id);
    expect(ask(before).id).not.toBe(ask(after).id);
  });

  test('is in an error without what its variables and headers hold, but with what they name', async ({
    onTestFinished,
  }) => {
    const env = { MODE: 'fake-mode', TOKEN: 'x ${FAKE_TOKEN}', KEY: '${NONE:-fake-default}' };
    const { hub, origin, approvals } = projectOf(onTestFinished, { env });
    const refusals = [
      await refusal(hub().call('one__read')),
      whyUnapproved('one', origin(), approvals),
    ];
    for (const error of refusals) {
      expect(error?.details['command']).toContain(
        "with the variables KEY='${NONE:-[redacted]}', MODE='[redacted]', TOKEN='[redacted]${FAKE_TOKEN}'",
      );
      expect(error?.message).not.toMatch(/fake-/);
    }
  });

  test('has an approval of its own name and project', ({ onTestFinished }) => {
    const { origin } = projectOf(onTestFinished);
    const given = origin();
    const ids = [
      askAbout('one', given),
      askAbout('two', given),
      askAbout('one', { ...given, project: '/elsewhere' }),
    ].map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
  });

  test('has to be approved again when a file of the project that it runs has changed', async ({
    onTestFinished,
  }) => {
    const { hub, project, approve, write } = projectOf(onTestFinished);
    const program = join(project, 'server.mjs');
    writeFileSync(
      program,
      readFileSync(new URL('../programs/defined-server.mjs', import.meta.url)),
    );
    write({ args: ['./server.mjs', join(project, 'one.json'), '/dev/null'] });
    const { files } = approve();
    expect(files.map(({ path }) => path)).toContain(program);
    expect(await hub().call('one__read')).toMatchObject({ text: 'done' });
    writeFileSync(program, `${readFileSync(program, 'utf8')}\n// changed`);
    const error = await refusal(hub().call('one__read'));
    expect(error).toMatchObject({ code: 'ORCH_MCP_UNAPPROVED', details: { changed: program } });
  });

  test.each<[string, Record<string, string>]>([
    ['as its whole value', { PRELOAD: './evil file.cjs' }],
    ['as a word of it', { NODE_OPTIONS: '--no-warnings --require ./evil.cjs' }],
    ['behind =', { NODE_OPTIONS: '--no-warnings --require=./evil.cjs' }],
    ['in quotes', { NODE_OPTIONS: '--require "./evil.cjs"' }],
    ['in a list', { LD_PRELOAD: '/dev/null:./evil.cjs' }],
    ['as a default', { NODE_OPTIONS: '--require ${NONE:-./evil.cjs}' }],
  ])(
    'has to be approved again when a file has changed that a variable names %s',
    async (_how, env) => {
      await withProject((onTestFinished) => {
        const { project, approve, approvals, origin } = projectOf(onTestFinished, { env });
        const file = join(project, 'PRELOAD' in env ? 'evil file.cjs' : 'evil.cjs');
        writeFileSync(file, '// harmless');
        expect(approve().files.map(({ path }) => path)).toContain(file);
        expect(whyUnapproved('one', origin(), approvals)).toBeUndefined();
        writeFileSync(file, 'process.exit()');
        expect(whyUnapproved('one', origin(), approvals)).toMatchObject({
          code: 'ORCH_MCP_UNAPPROVED',
          details: { changed: file },
        });
      });
    },
  );

  test('has to be approved again when a file of its defaults has changed', ({ onTestFinished }) => {
    const { project, write, approve } = projectOf(onTestFinished);
    const file = join(project, 'server.mjs');
    writeFileSync(file, '');
    write({ args: ['${CLAUDE_PROJECT_DIR:-.}/server.mjs'] });
    expect(approve().files.map(({ path }) => path)).toContain(file);
  });

  test('has to be approved again when one byte of a large program has changed', ({
    onTestFinished,
  }) => {
    const { project, write, approve, approvals, origin } = projectOf(onTestFinished);
    const file = join(project, 'server');
    const bytes = Buffer.alloc(20 * 1024 * 1024, 'server');
    writeFileSync(file, bytes);
    write({ command: './server', args: [] });
    expect(approve().files).toEqual([
      { path: file, sha256: createHash('sha256').update(bytes).digest('hex') },
    ]);
    const { atime, mtime } = statSync(file);
    bytes[bytes.length - 1] = 0;
    writeFileSync(file, bytes);
    utimesSync(file, atime, mtime);
    expect(whyUnapproved('one', origin(), approvals)?.details).toMatchObject({ changed: file });
  });

  test('is not approved, and not started, with a file that is too large to be looked at', async ({
    onTestFinished,
  }) => {
    const { project, write, approve, hub } = projectOf(onTestFinished);
    const file = join(project, 'server');
    writeFileSync(file, 'server');
    write({ command: './server', args: [] });
    approve();
    truncateSync(file, 1024 ** 3 + 1); // it takes no room on the disk
    const error = await refusal(hub().call('one__read'));
    expect(error).toMatchObject({ code: 'ORCH_MCP_UNAPPROVED', details: { changed: file } });
    expect(error.message).toContain(`${file} is larger than 1 GiB`);
    expect(approve).toThrow(
      expect.objectContaining({
        code: 'ORCH_MCP_UNAPPROVED',
        message: expect.stringContaining('Give it another file') as string,
      }),
    );
  });

  test('is asked about again before each start', async ({ onTestFinished }) => {
    const { hub, approve, approvals, server } = projectOf(onTestFinished);
    const { id } = approve();
    const one = hub();
    await one.call('one__read');
    expect(approvals.revoke(id.slice(0, 12))).toMatchObject({ id });
    server.define({ tools: [tool('dies')] });
    await refusal(one.call('one__dies'));
    expect(await refusal(one.call('one__read'))).toMatchObject({ code: 'ORCH_MCP_UNAPPROVED' });
  });

  test('that the user wrote down needs no approval', async ({ onTestFinished }) => {
    const { project, server } = projectOf(onTestFinished);
    const userFile = join(temporaryDirectory(onTestFinished), '.claude.json');
    writeFileSync(userFile, JSON.stringify({ mcpServers: { mine: server.spec } }));
    const { servers } = readClaudeServers({ project, userFile, environment });
    const hub = createMcpHub({ servers, environment });
    onTestFinished(() => hub.close());
    expect(await hub.call('mine__read')).toMatchObject({ text: 'done' });
  });
});

describe('approvals', () => {
  test('are files of the user alone', ({ onTestFinished }) => {
    const { approve, state, approvals } = projectOf(onTestFinished);
    const approval = approve();
    expect(readdirSync(state)).toEqual([`${approval.id}.json`]);
    expect(statSync(join(state, `${approval.id}.json`)).mode & 0o777).toBe(0o600);
    expect(statSync(state).mode & 0o777).toBe(0o700);
    expect(approvals.list()).toEqual({ approvals: [approval], unreadable: [] });
    expect(approvals.revoke('short')).toBeUndefined();
    expect(approvals.revoke(approval.id)).toEqual(approval);
    expect(approvals.list()).toEqual({ approvals: [], unreadable: [] });
  });

  test('cannot be kept where agents write, also behind a link', ({ onTestFinished }) => {
    const directory = temporaryDirectory(onTestFinished);
    symlinkSync(directory, `${directory}-link`);
    onTestFinished(() => rmSync(`${directory}-link`));
    for (const place of [directory, join(directory, 'deep/er'), join(`${directory}-link`, 'x')])
      expect(() => openApprovals({ directory: place, agentRoots: [directory] })).toThrow(
        expect.objectContaining({ code: 'ORCH_MCP_STATE' }),
      );
  });

  test('that are not whole approve nothing', async ({ onTestFinished }) => {
    const { approve, state, hub, approvals } = projectOf(onTestFinished);
    const { id } = approve();
    const file = join(state, `${id}.json`);
    const text = readFileSync(file, 'utf8');
    for (const broken of ['', '{}', text.slice(0, 50), text.replace(id, '0'.repeat(64))]) {
      chmodSync(file, 0o600);
      writeFileSync(file, broken);
      expect(await refusal(hub().call('one__read'))).toMatchObject({ code: 'ORCH_MCP_STATE' });
      expect(approvals.list().unreadable).toEqual([file]);
    }
  });
});

/** For tests of a table, which get no context. */
async function withProject(work: (onTestFinished: Cleanup) => void | Promise<void>): Promise<void> {
  const cleanups: (() => unknown)[] = [];
  try {
    await work((clean) => cleanups.unshift(clean));
  } finally {
    for (const clean of cleanups) await clean();
  }
}
