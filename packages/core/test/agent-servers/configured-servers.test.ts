import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compilePlan, readPlan } from '@orch/coordinator/plan';
import { askAbout, openApprovals } from '@orch/mcp/safety';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  findServers,
  tryServers,
  type ServerPlace,
} from '../../src/agent-servers/configured-servers.js';
import { namedServers, type NamedServer } from '../../src/agent-servers/named-servers.js';
import { CoreError } from '../../src/core-error.js';

let root: string;
let home: string;
let place: ServerPlace;
beforeEach(() => {
  const base = realpathSync(mkdtempSync(path.join(tmpdir(), 'orch-servers-')));
  [root, home] = [path.join(base, 'repository'), path.join(base, 'home')];
  mkdirSync(root);
  mkdirSync(home);
  const state = path.join(home, 'state');
  place = { root, directory: root, state, environment: { HOME: home, PATH: process.env['PATH'] } };
});
afterEach(() => rmSync(path.dirname(root), { recursive: true, force: true }));

const server = { command: 'some-server', args: ['--read-only'] };
const own = (servers: object): void =>
  writeFileSync(path.join(home, '.claude.json'), JSON.stringify({ mcpServers: servers }));
const project = (servers: object): void =>
  writeFileSync(path.join(root, '.mcp.json'), JSON.stringify({ mcpServers: servers }));

async function named(mcp: string): Promise<readonly NamedServer[]> {
  const text = `version: 1\nname: x\ntasks:\n  - { id: a, prompt: x, mcp: ${mcp} }\n  - { id: b, prompt: x }\n`;
  const read = await readPlan({
    file: 'orch.yaml',
    text,
    readFile: () => Promise.resolve(undefined),
  });
  const compiled = 'plan' in read ? compilePlan(read.plan, { inputs: {} }) : read;
  if (!('graph' in compiled)) throw new Error(JSON.stringify(compiled.problems));
  return namedServers(compiled.graph);
}

async function refusal(mcp: string): Promise<CoreError> {
  try {
    findServers(await named(mcp), place);
  } catch (error) {
    if (CoreError.isInstance(error)) return error;
    throw error;
  }
  throw new Error('It was not refused.');
}

describe('findServers()', () => {
  it('finds those of the user, and gives out no others', async () => {
    own({ one: server, two: server });
    const found = findServers(await named('[one]'), place);
    expect(found).toMatchObject({ servers: { one: server }, hasMemory: false });
    expect(Object.keys(found.servers)).toEqual(['one']);
  });

  it('starts directly what npx would start, and leaves to npx what is not certain', async () => {
    const modules = path.join(root, 'node_modules');
    mkdirSync(path.join(modules, 'server'), { recursive: true });
    mkdirSync(path.join(modules, '.bin'));
    const program = path.join(modules, 'server/cli.js');
    const manifest = { name: 'server', version: '1.0.0', bin: { one: './cli.js' } };
    writeFileSync(path.join(modules, 'server/package.json'), JSON.stringify(manifest));
    writeFileSync(program, '#!/usr/bin/env node\n');
    symlinkSync('../server/cli.js', path.join(modules, '.bin/one'));
    const npx = (version: string) => ({ command: 'npx', args: ['-y', `server@${version}`, '--x'] });
    own({ installed: npx('1.0.0'), other: npx('2.0.0') });
    const { servers } = findServers(await named('[installed, other]'), place);
    expect(servers['installed']).toMatchObject({ args: [program, '--x'] });
    expect(servers['installed']).not.toMatchObject({ command: 'npx' });
    // By what is written it is approved and pinned.
    expect(servers['installed']).toMatchObject({ origin: { written: npx('1.0.0') } });
    expect(servers['other']).toMatchObject(npx('2.0.0'));
  });

  it('gives the memory of the run, unless a server goes by its name', async () => {
    expect(findServers(await named('[memory]'), place)).toEqual({ servers: {}, hasMemory: true });
    own({ memory: server });
    const found = findServers(await named('[memory]'), place);
    expect(found).toMatchObject({ servers: { memory: server }, hasMemory: false });
  });

  it('refuses those of the project that nobody has approved, and the memory that one of them would be', async () => {
    project({ memory: server });
    const error = await refusal('[memory]');
    expect(error).toMatchObject({
      code: 'ORCH_SERVER_UNAPPROVED',
      next: 'orch mcp approve memory',
      message: expect.stringMatching(
        /^a \(orch\.yaml:4\) is to be handed the MCP server memory, which \S+\/\.mcp\.json defines, and nobody has approved it\. It is: some-server --read-only$/,
      ) as string,
    });
    // The control: approved, it is found.
    const written = server;
    const source = path.join(root, '.mcp.json');
    const approvals = openApprovals({ directory: path.join(place.state, 'mcp', 'approvals') });
    approvals.approve(askAbout('memory', { scope: 'project', source, project: root, written }));
    expect(findServers(await named('[memory]'), place).hasMemory).toBe(false);
    // Changed, it is another.
    project({ memory: { ...server, args: [] } });
    expect((await refusal('[memory]')).code).toBe('ORCH_SERVER_UNAPPROVED');
  });

  it('says where the next command is to be typed, when that is not here', async () => {
    place = { ...place, directory: path.join(root, 'packages') };
    const { next } = await refusal('[one]');
    expect(next).toBe(`cd ${root} && orch mcp add one -- COMMAND`);
  });

  it('says what is wrong with a file that hides a server', async () => {
    writeFileSync(path.join(home, '.claude.json'), '{ "mcpServers": ');
    expect((await refusal('[one]')).message).toMatch(/not configured here.*\.claude\.json/s);
  });

  it('tells all mistakes at once', async () => {
    own({ one: { command: 7 }, two: server });
    const { message, code } = await refusal('[one, two, three]');
    expect(code).toBe('ORCH_SERVER_CONFIG');
    expect(message.split('\n')).toHaveLength(2);
    expect(message).toMatch(
      /MCP server one, whose configuration has mistakes: .*\.claude\.json:1:/,
    );
    expect(message).toMatch(
      /MCP server three, which is not configured here\. There are: two, memory/,
    );
  });
});

describe('tryServers()', () => {
  it('goes by what the user has logged in with, and says how to log in where nobody has', async () => {
    const remote = createServer((_, response) => response.writeHead(401).end());
    remote.listen(0, '127.0.0.1');
    await once(remote, 'listening');
    try {
      const { port } = remote.address() as AddressInfo;
      own({ issues: { type: 'http', url: `http://127.0.0.1:${port}/mcp` } });
      const found = findServers(await named('[issues]'), place);
      // Without the logins the answer would be `ORCH_SERVER_FAILED`, for its 401.
      await expect(tryServers(found, place)).rejects.toMatchObject({
        code: 'ORCH_SERVER_LOGIN',
        next: 'orch mcp login issues',
        message: expect.stringContaining('Log in: orch mcp login issues') as string,
      });
    } finally {
      remote.close();
    }
  });
});
