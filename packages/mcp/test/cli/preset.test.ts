import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startCli } from './host.js';

const written = (cwd: string): unknown =>
  (JSON.parse(readFileSync(join(cwd, '.mcp.json'), 'utf8')) as { mcpServers: unknown }).mcpServers;

describe('add --preset', () => {
  test('writes a well-known server, by its own name or another, and says what it needs', async () => {
    const { run, cwd } = startCli({});
    const added = await run(['add', '--preset', 'github']);
    expect(added).toMatchObject({ code: 0, err: '' });
    expect(added.out).toContain('needs GITHUB_PERSONAL_ACCESS_TOKEN (secret) in the environment');
    const files = await run([
      'add',
      'files',
      '--preset',
      'filesystem',
      '--json',
      '--',
      '/srv',
      '/a',
    ]);
    expect(files).toMatchObject({ code: 0, value: { name: 'files', needs: [] } });
    expect(written(cwd)).toEqual({
      github: {
        type: 'http',
        url: 'https://api.githubcopilot.com/mcp/',
        headers: { Authorization: 'Bearer ${GITHUB_PERSONAL_ACCESS_TOKEN}' },
      },
      files: {
        type: 'stdio',
        command: 'npx',
        args: ['-y', '@modelcontextprotocol/server-filesystem@2026.8.31', '/srv', '/a'],
      },
    });
  });

  test('takes what stands before -- as the name, and no other word', async () => {
    const { run, cwd } = startCli({});
    expect(await run(['add', '--preset', 'memory', '--', 'kept.jsonl'])).toMatchObject({ code: 0 });
    expect(await run(['add', '--preset', 'filesystem', '--', '/srv', '/a'])).toMatchObject({
      code: 0,
    });
    expect(written(cwd)).toMatchObject({
      memory: { env: { MEMORY_FILE_PATH: expect.stringContaining('kept.jsonl') as string } },
      filesystem: { args: expect.arrayContaining(['/srv', '/a']) as string[] },
    });
    expect(await run(['add', '--', 'true'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('what the server is to be called') as string,
    });
  });

  test.each([
    ['memory', ['memory.jsonl']],
    ['memory', []],
    ['sequential-thinking', []],
    ['everything', []],
    ['github-npm', []],
    ['serena', ['.']],
    ['cclsp', ['cclsp.json']],
  ])('knows %s %j', async (preset, words) => {
    const { run } = startCli({});
    expect(await run(['add', 'one', '--preset', preset, '--', ...words])).toMatchObject({
      code: 0,
    });
  });

  test.each<[readonly string[], RegExp]>([
    [['one', '--preset', 'nothing'], /no preset "nothing". There are: filesystem, memory/],
    [['one', '--preset', 'toString'], /no preset "toString"/],
    [['one', '--preset', 'filesystem'], /filesystem takes DIRECTORY…/],
    [['one', '--preset', 'github', '--', 'x'], /github takes nothing/],
    [['one', '--preset', 'github', '--env', 'A=b'], /neither --env nor --header/],
    [['one', '--preset', 'github', '--url', 'https://example.com'], /in one way/],
    [[], /what the server is to be called/],
  ])('%j is refused, and writes nothing', async (words, why) => {
    const { run, cwd } = startCli({});
    const refused = await run(['add', ...words]);
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(why);
    expect(written(cwd)).toEqual({});
  });
});
