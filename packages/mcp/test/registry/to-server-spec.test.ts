import { describe, expect, test } from 'vitest';
import { createRegistry, toServerSpec, type RegistryServer } from '../../src/registry/index.js';
import { filesystem, issues, json, startRegistry, weather } from './registry-stand-in.js';

async function read(entry: unknown): Promise<RegistryServer> {
  const { url } = await startRegistry((_url, response) => json(response, { servers: [entry] }));
  const [server] = await createRegistry({ url }).search();
  if (server === undefined) throw new Error('The registry gave no server.');
  return server;
}

const packaged = (more: object): object => ({
  server: {
    name: 'a/b',
    version: '1.0.0',
    packages: [{ registryType: 'npm', identifier: 'b', version: '1.0.0', ...more }],
  },
});
const remote = (more: object): object => ({
  server: {
    name: 'a/b',
    version: '1.0.0',
    remotes: [{ type: 'streamable-http', url: 'https://mcp.example.com/mcp', ...more }],
  },
});

describe('what a registry lists becomes a server', () => {
  test('from npm: npx with the exact version, values that are needed as variables', async () => {
    expect(toServerSpec(await read(filesystem))).toEqual({
      spec: {
        type: 'stdio',
        command: 'npx',
        args: ['-y', '@example/server-filesystem@1.2.3', '${ROOT_DIR}', '--level', 'depth 2'],
        env: { FILES_TOKEN: '${FILES_TOKEN}', FILES_MODE: 'strict' },
      },
      needs: [
        { name: 'ROOT_DIR', description: 'Where', isSecret: false },
        { name: 'FILES_TOKEN', isSecret: true },
      ],
      // `npx --call` would run anything.
      leftOut: ['the runtime argument --call evil'],
    });
  });

  test('from PyPI: uvx with the exact version', async () => {
    expect(toServerSpec(await read(weather))).toMatchObject({
      spec: {
        command: 'uvx',
        args: ['example-weather@0.9.0'],
        env: { WEATHER_KEY: '${WEATHER_KEY}' },
      },
      needs: [{ name: 'WEATHER_KEY', isSecret: true }],
    });
  });

  test('from a remote: its address and the headers that it declares', async () => {
    expect(toServerSpec(await read(issues))).toEqual({
      spec: {
        type: 'http',
        url: 'https://mcp.example.com/${TENANT}/mcp',
        headers: { Authorization: 'Bearer ${API_KEY}', 'X-Region': '${X_REGION}' },
      },
      needs: [
        { name: 'TENANT', description: 'Yours', isSecret: false },
        { name: 'API_KEY', isSecret: true },
        { name: 'X_REGION', isSecret: false },
      ],
      leftOut: [],
    });
    expect(toServerSpec(await read(remote({ type: 'sse' }))).spec).toMatchObject({ type: 'sse' });
  });

  test('by the way that is preferred, and by the other where that does not go', async () => {
    const { packages } = filesystem.server;
    const both = await read({ server: { ...issues.server, packages } });
    expect(toServerSpec(both).spec.type).toBe('http');
    expect(toServerSpec(both, { prefer: 'package' }).spec.type).toBe('stdio');
    const bad = await read({
      server: { ...issues.server, packages: [{ registryType: 'oci', identifier: 'x' }] },
    });
    expect(toServerSpec(bad, { prefer: 'package' }).spec.type).toBe('http');
  });
});

describe('what cannot be started or reached safely is refused with the reason', () => {
  test.each<[string, object, RegExp]>([
    ['nothing', { server: { name: 'a/b' } }, /names no package and no address/],
    ['another kind', packaged({ registryType: 'oci' }), /of a kind that is not started here/],
    ['another transport', packaged({ transport: { type: 'sse' } }), /speaks over sse/],
    ['an option for a name', packaged({ identifier: '--call=evil' }), /no valid name/],
    ['an address for a name', packaged({ identifier: 'git+https://x/y' }), /no valid name/],
    ['a path for a name', packaged({ identifier: '../b' }), /no valid name/],
    ['a range', packaged({ version: '^1.0.0' }), /for an exact version/],
    ['a tag', packaged({ version: 'latest' }), /for an exact version/],
    ['no version', packaged({ version: undefined }), /for an exact version/],
    // An expression that may take the same letters in many ways would never come to its end.
    ['a long word', packaged({ version: `1${'a'.repeat(100)}!` }), /for an exact version/],
    ['many words', packaged({ version: `1${'.a'.repeat(500_000)}!` }), /for an exact version/],
    ['a long version', packaged({ version: `1.${'0'.repeat(300)}` }), /for an exact version/],
    [
      'another place',
      packaged({ registryBaseUrl: 'https://evil.example' }),
      /not from the usual place/,
    ],
    [
      'variables of this machine in an argument',
      packaged({ packageArguments: [{ type: 'positional', value: '${AWS_SECRET}' }] }),
      /would read variables of this machine/,
    ],
    [
      'variables of this machine in the name of one',
      packaged({ packageArguments: [{ type: 'named', name: '--${AWS_SECRET}', value: 'x' }] }),
      /would read variables of this machine/,
    ],
    ['a remote without https', remote({ url: 'http://mcp.example.com/' }), /no https: address/],
    ['a remote in here', remote({ url: 'https://192.168.1.1/mcp' }), /does not name a public host/],
    ['a remote on this machine', remote({ url: 'https://localhost/mcp' }), /public host/],
    ['a remote with any host', remote({ url: 'https://{host}/mcp' }), /public host|no https/],
    ['a remote with a password', remote({ url: 'https://u:p@mcp.example.com/' }), /public host/],
    ['a remote that speaks something else', remote({ type: 'carrier-pigeon' }), /is not known/],
    [
      'variables of this machine in a header',
      remote({ headers: [{ name: 'X', value: '${HOME}' }] }),
      /would read variables of this machine/,
    ],
    [
      'variables of this machine in the address',
      remote({ url: 'https://mcp.example.com/${HOME}' }),
      /would read variables of this machine/,
    ],
  ])('%s', async (_what, entry, why) => {
    const server = await read(entry);
    expect(() => toServerSpec(server)).toThrow(
      expect.objectContaining({
        code: 'ORCH_MCP_REGISTRY',
        message: expect.stringMatching(why) as string,
      }),
    );
  });
});
