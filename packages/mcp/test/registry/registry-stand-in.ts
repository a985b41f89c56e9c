import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface StandIn {
  readonly url: string;
  readonly port: number;
  /** Path and query of each request. */
  readonly asked: readonly string[];
}

/** A registry on loopback. */
export async function startRegistry(
  answer: (url: URL, response: ServerResponse, request: IncomingMessage) => void,
): Promise<StandIn> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(new URL(request.url ?? '', 'http://registry'), response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, asked };
}

export const json = (response: ServerResponse, value: unknown, status = 200): void =>
  void response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(typeof value === 'string' ? value : JSON.stringify(value));

const meta = (status: string) => ({
  'io.modelcontextprotocol.registry/official': {
    status,
    publishedAt: '2025-10-01T12:00:00Z',
    updatedAt: '2025-10-02T12:00:00Z',
    isLatest: true,
  },
});

/** An entry in the shape of 2025-12. */
export const filesystem = {
  server: {
    $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
    name: 'io.github.example/filesystem',
    title: 'Files',
    description: 'Reads and writes files',
    version: '1.2.3',
    repository: { url: 'https://github.com/example/filesystem', source: 'github' },
    packages: [
      {
        registryType: 'npm',
        registryBaseUrl: 'https://registry.npmjs.org',
        identifier: '@example/server-filesystem',
        version: '1.2.3',
        runtimeHint: 'npx',
        transport: { type: 'stdio' },
        runtimeArguments: [{ type: 'named', name: '--call', value: 'evil' }],
        packageArguments: [
          { type: 'positional', valueHint: 'root_dir', isRequired: true, description: 'Where' },
          {
            type: 'named',
            name: '--level',
            value: 'depth {depth}',
            variables: { depth: { default: '2' } },
          },
          { type: 'named', name: '--color' },
        ],
        environmentVariables: [
          { name: 'FILES_TOKEN', isRequired: true, isSecret: true },
          { name: 'FILES_MODE', value: 'strict' },
          { name: 'FILES_OPTIONAL', default: 'x' },
        ],
      },
    ],
  },
  _meta: meta('active'),
};

/** An entry in the shape of 2025-09: the server bare, names with underscores. */
export const weather = {
  name: 'io.github.example/weather',
  description: 'Weather',
  version_detail: { version: '0.9.0' },
  packages: [
    {
      registry_type: 'pypi',
      identifier: 'example-weather',
      version: '0.9.0',
      environment_variables: [{ name: 'WEATHER_KEY', is_required: true, is_secret: true }],
    },
  ],
  _meta: meta('deprecated'),
};

/** A remote with headers. */
export const issues = {
  server: {
    name: 'com.example/issues',
    description: 'Issues',
    version: '2.0.0',
    remotes: [
      {
        type: 'streamable-http',
        url: 'https://mcp.example.com/{tenant}/mcp',
        variables: { tenant: { isRequired: true, description: 'Yours' } },
        headers: [
          {
            name: 'Authorization',
            value: 'Bearer {api_key}',
            variables: { api_key: { isRequired: true, isSecret: true } },
          },
          { name: 'X-Region', isRequired: true },
          { name: 'X-Optional' },
        ],
      },
    ],
    somethingNew: { nobody: 'knows' },
  },
  _meta: meta('active'),
};

export const gone = {
  server: { name: 'com.example/gone', version: '1.0.0' },
  _meta: meta('deleted'),
};
