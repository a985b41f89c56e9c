import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inertJson, neutral, oneLine } from '../../src/cli/terminal-text.js';
import { filesystem, json, startRegistry } from '../registry/registry-stand-in.js';
import { startWitness } from '../scene.js';
import { faultServer, startCli } from './host.js';

const dies = {
  command: process.execPath,
  args: ['-e', 'console.error("\\u001b[31mAPI_KEY is missing"); process.exit(3)'],
};
const content = (file: string): { mcpServers: Record<string, unknown> } =>
  JSON.parse(readFileSync(file, 'utf8')) as { mcpServers: Record<string, unknown> };

describe('list', () => {
  test('starts nothing, and shows no value of a variable, a header or an address', async () => {
    const { run, cwd } = startCli({
      one: { command: 'touch', args: ['started'], env: { TOKEN: 'fake-secret' } },
      two: {
        type: 'http',
        url: 'https://example.com/mcp?key=fake-secret',
        headers: { A: 'fake-secret' },
      },
    });
    const listed = await run(['list']);
    expect(listed).toMatchObject({ code: 0, err: '' });
    expect(listed.out).toBe(
      'one  stdio  touch started  project\ntwo  http  https://example.com/mcp  project',
    );
    const { value } = await run(['list', '--json']);
    expect(value).toMatchObject({ servers: [{ variables: ['TOKEN'] }, { headers: ['A'] }] });
    expect(JSON.stringify(value)).not.toContain('fake-secret');
    expect(existsSync(join(cwd, 'started'))).toBe(false);
  });

  test.each([
    ['is not there', undefined, /is not there. Name a file with --config/],
    ['is no JSON', '{"mcpServers": ', /is no JSON/],
    ['has no servers', '{"mcpServers": []}', /must be \{"mcpServers"/],
    ['has a server that is none', '{"mcpServers": {"a": 5}}', /no object for the server a/],
  ])('of a file that %s says so', async (_what, text, why) => {
    const { run, cwd } = startCli();
    if (text !== undefined) writeFileSync(join(cwd, 'other.json'), text);
    const { code, err } = await run(['list', '--config', 'other.json']);
    expect(code).toBe(2);
    expect(err).toMatch(why);
  });
});

describe('tools', () => {
  test('lists what can be called, and says which server gave no list', async () => {
    const { run } = startCli({ one: faultServer, bad: dies });
    const { code, out, err } = await run(['tools']);
    expect(code).toBe(7);
    expect(out).toMatch(/^one good {2}version 1$/m);
    expect(err).toMatch(/^bad: .*API_KEY is missing/);
    expect(await run(['tools', 'one'])).toMatchObject({ code: 0, err: '' });
    const { value } = await run(['tools', '--json']);
    expect(value).toMatchObject([
      { server: 'one' },
      { server: 'bad', tools: [], error: { code: 'ORCH_MCP_START', exitCode: 3 } },
    ]);
  });
});

describe('call', () => {
  test('prints what the tool said', async () => {
    const { run } = startCli();
    expect(await run(['call', 'one', 'good', 'say=well done'])).toMatchObject({
      code: 0,
      out: 'well done',
      err: '',
    });
    expect(await run(['call', 'one', 'good', '--json', '--args', '{"say":"x"}'])).toMatchObject({
      code: 0,
      value: { ok: true, result: { content: [{ type: 'text', text: 'x' }] } },
    });
  });

  test('reads its arguments from stdin', async () => {
    const { run, stdin } = startCli();
    stdin.end('{"say":"from stdin"}');
    expect(await run(['call', 'one', 'good', '--args', '-'])).toMatchObject({ out: 'from stdin' });
  });

  test('makes of texts what the schema asks for', async () => {
    const everything = join(
      import.meta.dirname,
      '../../node_modules/@modelcontextprotocol/server-everything/dist/index.js',
    );
    const { run } = startCli({ any: { command: process.execPath, args: [everything, 'stdio'] } });
    const sum = ['call', 'any', 'get-sum', 'a=2', 'b=3'];
    expect(await run(sum)).toMatchObject({ code: 0, out: 'The sum of 2 and 3 is 5.' });
    const wrong = await run(['call', 'any', 'get-sum', 'a=two', 'b=3']);
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.err).toContain('a must be a number, received "two"');
    // The control: as texts, the tool itself refuses them, and that is exit code 1.
    const asTexts = ['call', 'any', 'get-sum', 'a:="2"', 'b:="3"'];
    expect(await run(asTexts)).toMatchObject({ code: 1 });
  });

  test('tells progress on stderr', async () => {
    const { run } = startCli();
    const { out, err } = await run(['call', 'one', 'slow', 'steps:=2', 'everyMs:=150']);
    expect(out).toBe('done');
    expect(err.split('\n')).toEqual(['… 1', '… 2']);
  });

  test('shows nothing that acts on a terminal', async () => {
    const { run } = startCli();
    const attack = '\u001b]0;owned\u0007\u001b[2J\u009b31mred\u202egnp.exe\r\nok';
    const { out } = await run(['call', 'one', 'good', `say=${attack}`]);
    expect(out).toBe(']0;owned[2J31mredgnp.exe\nok');
  });

  test.each([
    [['call', 'one', 'error'], 7, /refused tools\/call: no such row \(ORCH_MCP_REMOTE\)/],
    [['call', 'none', 'x'], 2, /has no server "none". It has: one\. \(ORCH_MCP_SPEC\)/],
    [['call', 'toString', 'x'], 2, /has no server "toString"/],
    [['call', 'one', 'exits'], 7, /giving up: disk is full/],
    [['call', 'one', 'silent', '--timeout', '0.1'], 7, /ORCH_MCP_TIMEOUT/],
    [['call', 'one'], 2, /missing required argument 'tool'. Look at: orch-mcp call --help/],
    [['call', 'one', 'good', 'say'], 2, /Expected key=value/],
    [['call', 'one', 'good', 'say=1', 'say=2'], 2, /given twice/],
    [['call', 'one', 'good', 'say:={'], 2, /say:= is no JSON/],
    [['call', 'one', 'good', '--args', '[]'], 2, /takes a JSON object/],
    [['call', 'one', 'good', 'a=1', '--args', '{}'], 2, /not both/],
    [['frob'], 2, /unknown command 'frob'/],
  ])('%j exits with %i and says why', async (words, code, why) => {
    const { run } = startCli();
    const ran = await run(words);
    expect(ran.err).toMatch(why);
    expect(ran).toMatchObject({ code, out: '' });
    expect(await run([...words, '--json'])).toMatchObject({ code, value: { ok: false } });
  });

  test('needs the variables that the configuration names', async () => {
    const env = { TOKEN: '${TOKEN}', MODE: '${MODE:-usual}' };
    const { run } = startCli({ one: { ...faultServer, env } }, false);
    const environment = { TOKEN: 'fake' };
    await run(['approve'], { environment, confirm: () => Promise.resolve(true) });
    expect(await run(['call', 'one', 'good'], { environment })).toMatchObject({ code: 0 });
    const { code, err } = await run(['call', 'one', 'good']);
    expect(code).toBe(7);
    expect(err).toMatch(/\.mcp\.json:1:\d+: .*TOKEN/);
    const named = await run(['call', 'one', 'good', '--config', '.mcp.json']);
    expect(named).toMatchObject({ code: 2 });
    expect(named.err).toContain('The server one needs TOKEN in the environment');
  });

  test('that is interrupted cancels the call, and leaves nothing', async () => {
    const witness = startWitness();
    const { run, interrupt, onNote } = startCli({ one: { ...faultServer, env: witness.env } });
    onNote(interrupt);
    const { code, err } = await run(['call', 'one', 'slow', 'steps:=1000', 'everyMs:=100']);
    expect(code).toBe(130);
    expect(err).toContain('ORCH_MCP_CANCELLED');
    expect(witness.alive()).toEqual([]);
  });
});

describe('doctor', () => {
  test('explains each server', async () => {
    const { run } = startCli({ one: faultServer, bad: dies });
    const { code, out } = await run(['doctor']);
    expect(code).toBe(7);
    expect(out).toMatch(
      /^✔ one\n {4}fault 1 · protocol \S+ · ready in \d+ ms · ended in \d+ ms\n {4}can: resources, tools\n {4}24 tools \(\d+ ms\) · 0 resources/,
    );
    expect(out).toMatch(
      /^✖ bad\n {4}.*ORCH_MCP_START\)\n {4}exit code 3\n.*\n {2}│ .*API_KEY is missing$/m,
    );
    expect(await run(['doctor', 'one'])).toMatchObject({ code: 0 });
    expect((await run(['doctor', '--json'])).value).toMatchObject([
      { server: 'one', ok: true, tools: { count: 24 }, noise: 0 },
      { server: 'bad', ok: false, error: { exitCode: 3 } },
    ]);
  });
});

describe('search and add', () => {
  test('a server of the registry is found, and added as it would be started', async () => {
    const { run, cwd } = startCli();
    const { url } = await startRegistry(({ pathname }, response) =>
      json(response, pathname.endsWith('/servers') ? { servers: [filesystem] } : filesystem),
    );
    const found = await run(['search', 'files', '--registry', url]);
    expect(found.out).toBe(
      'io.github.example/filesystem 1.2.3\n    Reads and writes files\n    npx -y @example/server-filesystem@1.2.3 ${ROOT_DIR} --level depth 2',
    );
    const from = ['--from', 'io.github.example/filesystem', '--registry', url];
    const added = await run(['add', 'files', ...from]);
    expect(added.out).toMatch(/needs FILES_TOKEN \(secret\) in the environment/);
    expect(added.out).toMatch(/left out: the runtime argument --call evil/);
    const { mcpServers } = content(join(cwd, '.mcp.json'));
    expect(Object.keys(mcpServers)).toEqual(['one', 'files']);
    expect(mcpServers['files']).toMatchObject({ command: 'npx', env: { FILES_MODE: 'strict' } });
    const again = await run(['add', 'files', ...from]);
    expect(again).toMatchObject({ code: 2 });
    expect(again.err).toContain('Give another name, or --force');
    expect(await run(['add', 'files', ...from, '--force'])).toMatchObject({ code: 0 });
  });

  test('what else stands in the file stays', async () => {
    const { run, cwd } = startCli();
    const file = join(cwd, '.mcp.json');
    writeFileSync(file, '{"other": [1, 2], "mcpServers": {"one": {"command": "x", "own": true}}}');
    await run(['add', 'two', '--env', 'TOKEN=${TOKEN}', '--', 'npx', '-y', 'thing']);
    await run(['add', 'three', '--url', 'https://example.com/', '--header', 'A: Bearer ${T}']);
    expect(content(file)).toEqual({
      other: [1, 2],
      mcpServers: {
        one: { command: 'x', own: true },
        two: { type: 'stdio', command: 'npx', args: ['-y', 'thing'], env: { TOKEN: '${TOKEN}' } },
        three: { type: 'http', url: 'https://example.com/', headers: { A: 'Bearer ${T}' } },
      },
    });
  });

  test.each([0o600, 0o640, 0o666])(
    'a file of mode %o is for the same people as before',
    async (mode) => {
      const { run, cwd } = startCli();
      const file = join(cwd, 'own.json');
      writeFileSync(file, '{"mcpServers": {}}');
      chmodSync(file, mode);
      expect(await run(['add', 'two', '--config', file, '--', 'true'])).toMatchObject({ code: 0 });
      expect(Object.keys(content(file).mcpServers)).toEqual(['two']);
      expect(statSync(file).mode & 0o777).toBe(mode);
      expect(readdirSync(cwd).filter((name) => name.startsWith('own'))).toEqual(['own.json']);
    },
  );

  test.each(['is there', 'is not there yet'])(
    'a link stays one, also to a link, whose file %s',
    async (what) => {
      const { run, cwd } = startCli();
      mkdirSync(join(cwd, 'elsewhere'));
      const file = join(cwd, 'elsewhere', 'servers.json');
      if (what === 'is there') writeFileSync(file, '{"other": 1}', { mode: 0o600 });
      symlinkSync('servers.json', join(cwd, 'elsewhere', 'link.json'));
      symlinkSync('elsewhere/link.json', join(cwd, 'own.json'));
      expect(await run(['add', 'two', '--config', 'own.json', '--', 'true'])).toMatchObject({
        code: 0,
      });
      expect(readlinkSync(join(cwd, 'own.json'))).toBe('elsewhere/link.json');
      expect(Object.keys(content(file).mcpServers)).toEqual(['two']);
      if (what === 'is there') expect(statSync(file).mode & 0o777).toBe(0o600);
    },
  );

  test('a first server makes the file', async () => {
    const { run, cwd } = startCli();
    await run(['add', 'first', '--config', 'new.json', '--', 'true']);
    expect(Object.keys(content(join(cwd, 'new.json')).mcpServers)).toEqual(['first']);
  });

  test.each([
    [['add', 'x'], /in one way/],
    [['add', 'x', '--url', 'https://example.com', '--', 'true'], /in one way/],
    [['add', 'x', '--url', 'nonsense'], /takes an address/],
    [['add', 'x', '--env', 'no', '--', 'true'], /Expected --env NAME=value/],
    [['add', 'x', '--header', 'A: b', '--', 'true'], /takes --env, not --header/],
    [['add', 'a__b', '--', 'true'], /no name for a server/],
  ])('%j is refused, and the file stays as it is', async (words, why) => {
    const { run, cwd } = startCli();
    const before = readFileSync(join(cwd, '.mcp.json'), 'utf8');
    const { code, err } = await run(words);
    expect(code).toBe(2);
    expect(err).toMatch(why);
    expect(readFileSync(join(cwd, '.mcp.json'), 'utf8')).toBe(before);
  });
});

describe('a recorded call', () => {
  test('is replayed without its server', async () => {
    const { run, cwd } = startCli();
    const call = ['call', 'one', 'good', 'say=once'];
    expect(await run([...call, '--record', 'calls.jsonl'])).toMatchObject({ code: 0 });
    expect(statSync(join(cwd, 'calls.jsonl')).mode & 0o777).toBe(0o600);
    writeFileSync(join(cwd, '.mcp.json'), '{}');
    expect(await run([...call, '--replay', 'calls.jsonl'])).toMatchObject({ code: 0, out: 'once' });
    const other = await run(['call', 'one', 'good', 'say=other', '--replay', 'calls.jsonl']);
    expect(other).toMatchObject({ code: 7 });
    expect(other.err).toContain('ORCH_MCP_RECORDING');
    // The control: without the recording there is no such server.
    expect(await run(call)).toMatchObject({ code: 2 });
  });
});

describe('text of servers', () => {
  test.each([
    ['a\u001b[31mb', 'a[31mb'],
    ['a\rb', 'a\nb'],
    ['\u202eabc\u2066', 'abc'],
    ['##[error]x', '## [error]x'],
    ['x\n::error file=a::x', 'x\n:: error file=a::x'],
    ['a\u0301\u0301\u0301\u0301\u0301\u0301', 'a\u0301\u0301\u0301\u0301'],
    ['tab\tand\nline', 'tab\tand\nline'],
  ])('%j is shown as %j', (text, shown) => {
    expect(neutral(text)).toBe(shown);
  });

  test('is one line where a line is meant, and JSON with the same value', () => {
    expect(oneLine(' a\n b\u2028c ', 4)).toBe('a b…');
    const value = { a: '\u009b31m\u202e' };
    expect(inertJson(value)).not.toMatch(/[\u009b\u202e]/);
    expect(JSON.parse(inertJson(value))).toEqual(value);
  });
});
