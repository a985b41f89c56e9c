import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { createRegistry } from '../../src/registry/index.js';
import { zoneOf } from '../../src/network/address-zone.js';
import { isInnerHost, outerLookup } from '../../src/registry/guarded-get.js';
import { switching } from '../faults/http-faults.js';
import { refusal } from '../scene.js';
import { filesystem, gone, issues, json, startRegistry, weather } from './registry-stand-in.js';

describe('a search', () => {
  test.each(['nextCursor', 'next_cursor'])(
    'goes through all pages (%s), and leaves out what is deleted',
    async (name) => {
      const { url, asked } = await startRegistry(({ searchParams }, response) =>
        searchParams.get('cursor') === 'page 2'
          ? json(response, { servers: [issues, weather], metadata: { count: 2 } })
          : json(response, { servers: [filesystem, gone], metadata: { [name]: 'page 2' } }),
      );
      const found = await createRegistry({ url }).search({ text: 'a b' });
      expect(found.map((server) => [server.name, server.version, server.status])).toEqual([
        ['io.github.example/filesystem', '1.2.3', 'active'],
        ['com.example/issues', '2.0.0', 'active'],
        ['io.github.example/weather', '0.9.0', 'deprecated'],
      ]);
      expect(asked).toEqual([
        '/v0.1/servers?version=latest&limit=30&search=a+b',
        '/v0.1/servers?version=latest&limit=30&search=a+b&cursor=page+2',
      ]);
    },
  );

  test('asks for no more than is wanted', async () => {
    const { url, asked } = await startRegistry((_url, response) =>
      json(response, { servers: [filesystem, issues], metadata: { nextCursor: 'more' } }),
    );
    expect(await createRegistry({ url: `${url}/` }).search({ most: 2 })).toHaveLength(2);
    expect(asked).toEqual(['/v0.1/servers?version=latest&limit=2']);
  });

  test('takes the last of several versions, where a registry knows no latest', async () => {
    const old = { server: { ...filesystem.server, version: '1.0.0' } };
    const { url } = await startRegistry((_url, response) =>
      json(response, { servers: [old, filesystem] }),
    );
    const found = await createRegistry({ url }).search();
    expect(found.map(({ version }) => version)).toEqual(['1.2.3']);
  });

  test('reads around what it does not know', async () => {
    const odd = [
      null,
      7,
      {},
      { server: { name: 5 } },
      { server: { name: 'a/b', packages: 'none' } },
    ];
    const { url } = await startRegistry((_url, response) => json(response, { servers: odd }));
    const found = await createRegistry({ url }).search();
    expect(found).toMatchObject([{ name: 'a/b', version: '', packages: [], remotes: [] }]);
  });

  test('ends with pages that do not end', async () => {
    const { url, asked } = await startRegistry((_url, response) =>
      json(response, { servers: [filesystem], metadata: { nextCursor: 'again' } }),
    );
    expect(await createRegistry({ url }).search()).toHaveLength(1);
    expect(asked).toHaveLength(2);
  });
});

describe('one server', () => {
  test('is asked for by its name and version', async () => {
    const { url, asked } = await startRegistry((_url, response) => json(response, filesystem));
    const registry = createRegistry({ url });
    expect(await registry.get('io.github.example/filesystem')).toMatchObject({ title: 'Files' });
    await registry.get('io.github.example/filesystem', '1.2.3');
    expect(asked).toEqual([
      '/v0.1/servers/io.github.example%2Ffilesystem/versions/latest',
      '/v0.1/servers/io.github.example%2Ffilesystem/versions/1.2.3',
    ]);
    // An answer about another one is none.
    expect(await refusal(registry.get('io.github.example/other'))).toMatchObject({
      code: 'ORCH_MCP_REGISTRY',
    });
  });

  test('that is not there is said to be so', async () => {
    const { url } = await startRegistry((_url, response) => json(response, {}, 404));
    const error = await refusal(createRegistry({ url }).get('a/b'));
    expect(error.message).toContain('has no server "a/b" of version latest');
  });
});

describe('a registry that misbehaves', () => {
  test.each<[string, Parameters<typeof startRegistry>[0], RegExp]>([
    ['fails', (_url, response) => json(response, {}, 500), /status 500/],
    [
      'sends elsewhere',
      (_url, response) =>
        void response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
      /status 302; redirects are not followed/,
    ],
    ['is no registry', (_url, response) => json(response, '<html>'), /something else than JSON/],
    ['gives a list', (_url, response) => json(response, []), /something else than a JSON object/],
    ['gives no servers', (_url, response) => json(response, {}), /without a list of servers/],
    [
      'never ends',
      (_url, response) => {
        const flood = (): void => {
          while (response.write('x'.repeat(10_000)));
          response.once('drain', flood);
        };
        flood();
      },
      /more than 100000 bytes/,
    ],
    ['never answers', () => undefined, /did not answer in 300 ms/],
    [
      'answers with another protocol',
      (_url, response) => void response.socket?.write(switching),
      /closed without an answer/,
    ],
    ['breaks off', (_url, response) => void response.destroy(), /could not be asked/],
  ])('is told in one error: it %s', async (_what, answer, why) => {
    const { url } = await startRegistry(answer);
    // Long enough for every answer that comes.
    const timeoutMs = why.source.includes('300') ? 300 : 20_000;
    const error = await refusal(createRegistry({ url, timeoutMs, maxBytes: 100_000 }).search());
    expect(error).toMatchObject({ code: 'ORCH_MCP_REGISTRY' });
    expect(error.message).toMatch(why);
  });

  test('can be given up', async () => {
    const abort = new AbortController();
    const { url } = await startRegistry(() => abort.abort());
    expect(await refusal(createRegistry({ url }).search({ signal: abort.signal }))).toMatchObject({
      code: 'ORCH_MCP_CANCELLED',
    });
  });
});

describe('the guard', () => {
  test.each([
    ...['127.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1'],
    ...['0.0.0.0', '255.255.255.255', '::1', '::', 'fe80::1', 'fd00::1', '::ffff:10.0.0.1'],
    ...['::ffff:7f00:1', '64:ff9b::a00:1', '2002:a00:1::'],
  ])('knows %s for an inner address', (address) => {
    const url = new URL(`https://${address.includes(':') ? `[${address}]` : address}/`);
    expect(isInnerHost(url)).toBe(true);
  });

  test.each(['1.1.1.1', '172.32.0.1', '[2606:4700::1111]', '[::ffff:1.1.1.1]', 'example.com'])(
    'lets %s pass',
    (host) => {
      expect(isInnerHost(new URL(`https://${host}/`))).toBe(false);
    },
  );

  test.each([
    'https://localhost/',
    'https://[::1]/',
    'https://a.localhost./',
    'https://x.internal',
  ])('knows %s for an inner host', (url) => {
    expect(isInnerHost(new URL(url))).toBe(true);
    expect(isInnerHost(new URL('https://localhost.example.com/'))).toBe(false);
  });

  test.each(['http://example.com', 'http://1.1.1.1'])(
    'asks %s nothing, as it is not https',
    async (url) => {
      const error = await refusal(createRegistry({ url }).search());
      expect(error.message).toContain('a registry is asked over https:');
    },
  );

  test.each(['ftp://example.com', 'nonsense', 'https://user:fake@example.com'])(
    '%s is no address of a registry',
    (url) => {
      expect(() => createRegistry({ url })).toThrow(
        expect.objectContaining({ code: 'ORCH_MCP_SPEC' }),
      );
    },
  );

  /** A name of this machine that does not look like one. */
  async function innocentName(): Promise<string> {
    for (const name of [hostname(), 'ip6-localhost', 'ip6-loopback', 'localhost.localdomain']) {
      const found = await lookup(name).catch(() => undefined);
      if (found && zoneOf(found.address) !== 'public' && !isInnerHost(new URL(`https://${name}`)))
        return name;
    }
    throw new Error('This machine has no other name for itself than localhost.');
  }

  test('looks at what a name means, before anything is sent there', async () => {
    const { port, asked } = await startRegistry((_url, response) =>
      json(response, { servers: [] }),
    );
    const url = `https://${await innocentName()}:${port}`;
    const error = await refusal(createRegistry({ url }).search());
    expect(error.message).toContain('is an address of an inner network');
    expect(asked).toEqual([]);
    // The control: allowed, the same name is connected to, and fails for another reason.
    const allowed = await refusal(createRegistry({ url, inner: true }).search());
    expect(allowed.message).not.toContain('inner network');
  });

  test('gives only addresses that it has checked', async () => {
    const looked = (options: object): Promise<unknown> =>
      new Promise((resolve) =>
        outerLookup('localhost', options, (error, address) => resolve(error ?? address)),
      );
    expect(await looked({})).toMatchObject({ code: 'EINNER' });
    expect(await looked({ all: true })).toMatchObject({ code: 'EINNER' });
  });
});
