import { lookup } from 'node:dns/promises';
import { createServer, type Server } from 'node:http';
import { hostname } from 'node:os';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { zoneOf } from '../../src/network/address-zone.js';
import { Guard } from '../../src/auth/guarded-request.js';
import { oauth, type OAuthOptions } from '../../src/auth/index.js';
import { connect } from '../../src/index.js';
import { switching } from '../faults/http-faults.js';
import { refusal, type Cleanup } from '../scene.js';
import {
  browse,
  startProtectedServer,
  type ProtectedServer,
  type Ways,
} from './protected-server.js';

async function attempt(
  onTestFinished: Cleanup,
  ways: Partial<Ways>,
  options: OAuthOptions = {},
): Promise<{ protectedBy: ProtectedServer; error: unknown; asked: readonly URL[] }> {
  const protectedBy = await startProtectedServer(ways);
  onTestFinished(() => protectedBy.close());
  const asked: URL[] = [];
  const onAuthorizationUrl = (url: URL): Promise<void> => {
    asked.push(url);
    return browse(url);
  };
  const auth = oauth({ onAuthorizationUrl, ...options });
  const error = await refusal(connect({ type: 'http', url: protectedBy.url, auth }));
  return { protectedBy, error, asked };
}

/** A listener that must not be reached, and one that counts if it is. */
async function bait(onTestFinished: Cleanup): Promise<{ port: number; reached: () => number }> {
  let reached = 0;
  const server: Server = createServer((_request, response) => {
    reached += 1;
    response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, reached: () => reached };
}

describe('what a server names is refused', () => {
  test.for<[string, Partial<Ways>, string]>([
    [
      'an authorization server without TLS',
      { resourceMetadata: { authorization_servers: ['http://as.example.com'] } },
      'insecure',
    ],
    [
      'a token endpoint without TLS',
      { metadata: { token_endpoint: 'http://as.example.com/token' } },
      'insecure',
    ],
    [
      'an authorization endpoint that is a program',
      { metadata: { authorization_endpoint: 'file:///bin/sh' } },
      'insecure',
    ],
    [
      'an authorization endpoint that is a script',
      { metadata: { authorization_endpoint: 'javascript:alert(1)' } },
      'insecure',
    ],
    [
      'an authorization server in a private network',
      { resourceMetadata: { authorization_servers: ['https://10.0.0.7'] } },
      'address',
    ],
    [
      'one that hides its private address in another form',
      { resourceMetadata: { authorization_servers: ['https://[::ffff:192.168.1.1]'] } },
      'address',
    ],
    [
      'the metadata service of a cloud',
      { resourceMetadata: { authorization_servers: ['https://169.254.169.254'] } },
      'address',
    ],
    [
      'a token endpoint in a private network',
      { metadata: { token_endpoint: 'https://172.16.0.1/token' } },
      'address',
    ],
    [
      'a redirect into a private network',
      { redirectsMetadataTo: 'https://192.168.0.1/metadata' },
      'address',
    ],
    ['a redirect to one without TLS', { redirectsMetadataTo: 'http://10.0.0.1/' }, 'insecure'],
    ['metadata of another issuer', { metadata: { issuer: 'https://honest.example' } }, 'issuer'],
    [
      'metadata of another resource',
      { resourceMetadata: { resource: 'https://other.example/mcp' } },
      'resource',
    ],
    [
      'an address with a password',
      { metadata: { token_endpoint: 'https://me:pass@as.example.com/token' } },
      'metadata',
    ],
  ])('%s', async ([, ways, reason], { onTestFinished }) => {
    const { protectedBy, error, asked } = await attempt(onTestFinished, ways);
    expect(error).toMatchObject({ code: 'ORCH_MCP_OAUTH', details: { reason } });
    expect(asked).toEqual([]);
    expect(protectedBy.seen.filter(({ path }) => !path.startsWith('/.well-known'))).toEqual([]);
  });

  test('a metadata service even where its host is trusted', async ({ onTestFinished }) => {
    const { error } = await attempt(
      onTestFinished,
      { resourceMetadata: { authorization_servers: ['https://169.254.169.254'] } },
      { trustedHosts: ['169.254.169.254'] },
    );
    expect(error).toMatchObject({ details: { reason: 'address' } });
  });
});

describe('from a server of the public network', () => {
  const guard = (trustedHosts: readonly string[] = []): Guard =>
    new Guard({ serverZone: 'public', trustedHosts });

  test('nothing on loopback is reached, by address or by name', async ({ onTestFinished }) => {
    const { port, reached } = await bait(onTestFinished);
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '127.1', '2130706433', '0x7f.1']) {
      const asking = guard().request(`http://${host}:${port}/`, { what: 'It' });
      expect(await refusal(asking)).toMatchObject({ details: { reason: 'address' } });
    }
    expect(reached()).toBe(0);
    // The same from a server that is there itself: the refusal was for the place alone.
    const own = new Guard({ serverZone: 'loopback', trustedHosts: [] });
    expect(await own.request(`http://127.0.0.1:${port}/`, { what: 'It' })).toMatchObject({
      status: 404,
    });
    expect(reached()).toBe(1);
  });

  test('a name is judged by the address that it has, before anything is sent', async ({
    onTestFinished,
    skip,
  }) => {
    const name = hostname();
    const address = await lookup(name).then(
      (found) => found.address,
      () => undefined,
    );
    skip(
      address === undefined || zoneOf(address) === 'public',
      'the name of this machine is public',
    );
    const { port, reached } = await bait(onTestFinished);
    const asking = guard().request(`https://${name}:${port}/`, { what: 'It' });
    expect(await refusal(asking)).toMatchObject({ details: { reason: 'address' } });
    const trusting = guard([name]).request(`https://${name}:${port}/`, { what: 'It' });
    // It is asked, and speaks no TLS.
    expect(await refusal(trusting)).toMatchObject({ details: { reason: 'unreachable' } });
    expect(reached()).toBe(0);
  });

  test('an answer that does not end is not read to its end', async ({ onTestFinished }) => {
    const server = createServer((_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', more);
      };
      more();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const own = new Guard({ serverZone: 'loopback', trustedHosts: [] });
    const error = await refusal(own.request(`http://127.0.0.1:${port}/`, { what: 'It' }));
    expect(error).toMatchObject({ details: { reason: 'unreachable' } });
  });

  test('an answer with another protocol is none', async ({ onTestFinished }) => {
    const server = createServer((_request, response) => void response.socket?.write(switching));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const own = new Guard({ serverZone: 'loopback', trustedHosts: [] });
    const error = await refusal(own.request(`http://127.0.0.1:${port}/`, { what: 'It' }));
    expect(error).toMatchObject({ details: { reason: 'unreachable' } });
    expect(error.message).toContain('closed without an answer');
  });
});

test.for<[string, ReturnType<typeof zoneOf>]>([
  ['8.8.8.8', 'public'],
  ['2606:4700::1111', 'public'],
  ['172.15.255.255', 'public'],
  ['172.16.0.0', 'private'],
  ['172.31.255.255', 'private'],
  ['100.64.0.1', 'private'],
  ['100.100.100.200', 'never'],
  ['fd12:3456::1', 'private'],
  ['127.255.255.254', 'loopback'],
  ['::1', 'loopback'],
  ['169.254.1.1', 'link-local'],
  ['fe80::1%eth0', 'link-local'],
  ['169.254.169.254', 'never'],
  ['fd00:ec2::254', 'never'],
  ['0.0.0.0', 'never'],
  ['::', 'never'],
  ['255.255.255.255', 'never'],
  ['224.0.0.1', 'never'],
  ['::ffff:10.1.2.3', 'private'],
  ['::ffff:a9fe:a9fe', 'never'],
  ['::127.0.0.1', 'loopback'],
  ['64:ff9b::7f00:1', 'loopback'],
  ['2002:a00:1::', 'private'],
  ['2001:db8::1', 'never'],
  ['example.com', 'never'],
])('%s is %s', ([address, zone]) => {
  expect(zoneOf(address)).toBe(zone);
});
