import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scripted } from '../harness/model.js';
import { orch, runDirectory, type Finished } from '../harness/orch.js';
import { fault, run, write, useServersScene } from '../harness/servers-scene.js';

const { now, inHome, plan, configure, filesServer } = useServersScene();

const succeeded = ({ code, stdout, stderr }: Finished): void =>
  expect(code, stdout + stderr).toBe(0);

describe('before anything is paid for, a run is refused', () => {
  const one = { command: process.execPath, args: [fault] };
  const asking = { id: 'work', prompt: scripted([write, 'Done.']), mcp: ['one'] };

  async function refused(code: number, named: string, next: string): Promise<string> {
    const { repository, model } = now();
    const { code: exit, stdout, stderr } = await orch(repository, run, { env: model.env });
    expect([exit, stderr], stdout).toEqual([code, expect.stringContaining(`(${named})`)]);
    expect(stderr).toContain(`next: ${next}\n`);
    expect(model.requests).toEqual([]);
    expect(runDirectory(repository)).toBeUndefined();
    return stderr;
  }

  it('for a server that is not configured, or wrongly', async () => {
    const { repository, model } = now();
    plan([asking]);
    const said = await refused(7, 'ORCH_SERVER_CONFIG', 'orch mcp add one -- COMMAND');
    expect(said).toMatch(/work \(orch\.yaml:\d+\) is to be handed the MCP server one/);
    configure({ one: { ...one, args: ['${NOT_SET_ANYWHERE}'] } });
    expect(await refused(7, 'ORCH_SERVER_CONFIG', 'orch mcp list')).toContain('NOT_SET_ANYWHERE');
    configure({ one });
    succeeded(await orch(repository, run, { env: model.env }));
  });

  it('for a server of the repository that nobody has approved; plan check starts it neither', async () => {
    const { repository } = now();
    const canary = inHome('canary');
    const server = { command: 'touch', args: [canary] };
    repository.write({ '.mcp.json': JSON.stringify({ mcpServers: { one: server } }) });
    plan([asking]);
    succeeded(await orch(repository, ['plan', 'check', 'orch.yaml']));
    succeeded(await orch(repository, ['plan', 'show', 'orch.yaml', 'work']));
    await refused(3, 'ORCH_SERVER_UNAPPROVED', 'orch mcp approve one');
    expect(existsSync(canary)).toBe(false);
    // The control: the same server runs, and fails, where it is the user's own.
    repository.write({ '.mcp.json': '{ "mcpServers": {} }' });
    configure({ one: server });
    await refused(7, 'ORCH_SERVER_FAILED', 'orch mcp doctor one');
    expect(existsSync(canary)).toBe(true);
  });

  it('for a server whose tools are not what was pinned', async () => {
    const { repository, model } = now();
    configure({ files: filesServer() });
    plan([{ ...asking, mcp: ['files'] }]);
    succeeded(await orch(repository, ['mcp', 'tools', 'files']));
    configure({ files: one });
    const said = await refused(3, 'ORCH_SERVER_CHANGED', 'orch mcp pin files');
    expect(said).toContain('write_file');
    configure({ files: filesServer() });
    succeeded(await orch(repository, run, { env: model.env }));
  });

  it('for several at once, in one go', async () => {
    plan([{ ...asking, mcp: ['one', 'two'] }]);
    const said = await refused(7, 'ORCH_SERVER_CONFIG', 'orch mcp add one -- COMMAND');
    expect(said).toContain('the MCP server two');
  });
});
