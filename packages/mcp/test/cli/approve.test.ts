import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { faultServer, startCli } from './host.js';

const yes = { confirm: () => Promise.resolve(true) };
const no = { confirm: () => Promise.resolve(false) };

/** Leaves a trace when it is started, and is a server then. */
const traced = {
  command: 'sh',
  args: ['-c', 'touch started; exec "$0" "$@"', faultServer.command, ...faultServer.args],
};

describe('a server of the project', () => {
  test('is not started before a person has said yes to what it runs', async () => {
    const { run, cwd } = startCli({ one: traced }, false);
    const started = (): boolean => existsSync(join(cwd, 'started'));
    for (const words of [
      ['call', 'one', 'good'],
      ['tools', 'one'],
      ['doctor', 'one'],
    ]) {
      const { code, out, err } = await run(words);
      expect(code, words.join(' ')).toBe(words[0] === 'doctor' ? 7 : 3);
      expect(out + err).toContain('ORCH_MCP_UNAPPROVED');
    }
    expect((await run(['list'])).out).toMatch(
      /^one {2}stdio {2}sh -c .* {2}project, not approved$/,
    );
    const refused = await run(['approve'], no);
    expect(refused).toMatchObject({ code: 1, out: '✖ one  not approved' });
    expect(refused.err).toContain('touch started; exec');
    expect(started()).toBe(false);

    expect((await run(['approve'], yes)).out).toMatch(/^✔ one {2}[0-9a-f]{12}$/);
    expect(started()).toBe(false);
    expect((await run(['list'])).out).toMatch(/ {2}project$/);
    expect(await run(['call', 'one', 'good'])).toMatchObject({ code: 0, out: 'well' });
    expect(started()).toBe(true);
  });

  test('is asked about again when it is another, and after the approval was taken back', async () => {
    const { run, cwd } = startCli({ one: faultServer }, false);
    const { value } = await run(['approve', 'one', '--json'], yes);
    const [{ id = '' } = {}] = value as { id?: string }[];
    expect(await run(['call', 'one', 'good'])).toMatchObject({ code: 0 });
    const other = { ...faultServer, env: { MODE: 'other' } };
    writeFileSync(join(cwd, '.mcp.json'), JSON.stringify({ mcpServers: { one: other } }));
    expect(await run(['call', 'one', 'good'])).toMatchObject({ code: 3 });
    writeFileSync(join(cwd, '.mcp.json'), JSON.stringify({ mcpServers: { one: faultServer } }));
    expect(await run(['call', 'one', 'good'])).toMatchObject({ code: 0 });
    expect(await run(['revoke', id.slice(0, 7)])).toMatchObject({ code: 2 });
    expect(await run(['revoke', id.slice(0, 8)])).toMatchObject({ code: 0 });
    expect(await run(['call', 'one', 'good'])).toMatchObject({ code: 3 });
  });

  test('needs no approval in a file that was named, nor when it is of the user', async () => {
    const { run, cwd } = startCli({ one: faultServer }, false);
    expect(await run(['call', 'one', 'good', '--config', '.mcp.json'])).toMatchObject({ code: 0 });
    const own = { mcpServers: { mine: faultServer } };
    writeFileSync(join(cwd, '.claude.json'), JSON.stringify(own));
    expect(await run(['call', 'mine', 'good'])).toMatchObject({ code: 0, out: 'well' });
    expect((await run(['approve', 'mine'], no)).err).toContain('mine is your own');
  });
});

test('pin shows what changed in the definitions, and asks; what is not pinned is not called', async () => {
  const { run, cwd } = startCli();
  const program = join(cwd, 'server.mjs');
  const source = readFileSync(faultServer.args[0] ?? '', 'utf8');
  writeFileSync(program, source);
  const own = { mcpServers: { mine: { command: process.execPath, args: [program] } } };
  writeFileSync(join(cwd, '.claude.json'), JSON.stringify(own));
  expect(await run(['call', 'mine', 'good'])).toMatchObject({ code: 0 });
  expect(await run(['pin', 'mine'], no)).toMatchObject({ code: 0 }); // nothing to ask about
  writeFileSync(program, source.replace('version ${version}', 'version ${version}, and more'));
  const changed = await run(['call', 'mine', 'good']);
  expect(changed.code).not.toBe(0);
  expect(changed.err).toContain('ORCH_MCP_CHANGED');
  const refused = await run(['pin', 'mine'], no);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.err).toContain('and more');
  expect(await run(['call', 'mine', 'good'])).toMatchObject({ code: changed.code });
  expect(await run(['pin', 'mine'], yes)).toMatchObject({ code: 0 });
  expect(await run(['call', 'mine', 'good'])).toMatchObject({ code: 0 });
});
