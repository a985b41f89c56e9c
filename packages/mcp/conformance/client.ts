// The client that the suites look at: `client.mjs URL`, with the name of the scenario in MCP_CONFORMANCE_SCENARIO.
// All that it does with MCP is done through the public face of this package.
import { readdirSync } from 'node:fs';
import { createClientEngine } from '../src/client-engine/index.js';
import { connect, type ClientOptions, type HttpServerSpec, type JsonObject } from '../src/index.js';
import type { Scenarios } from './scenario.js';

const name = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
const url = process.argv[2] ?? '';
const protocolVersion = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION'] ?? '2025-11-25';

const isModern = protocolVersion === '2026-07-28';
const second = createClientEngine({ protocol: isModern ? 'auto' : 'legacy' });
const engine = process.env['ORCH_CONFORMANCE_ENGINE'] === 'client' ? { engine: second } : {};

const directory = new URL('./scenarios/', import.meta.url);
const scenarios: Scenarios = {};
for (const file of readdirSync(directory).filter((one) => one.endsWith('.mjs')))
  Object.assign(
    scenarios,
    ((await import(new URL(file, directory).href)) as { scenarios: Scenarios }).scenarios,
  );
const scenario = scenarios[name];
if (scenario === undefined) throw new Error(`This client does not know the scenario ${name}.`);

await scenario({
  url,
  context: JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as JsonObject,
  protocolVersion,
  connect(options: ClientOptions = {}, spec: Partial<Omit<HttpServerSpec, 'type' | 'url'>> = {}) {
    return connect({ type: 'http', url, ...spec }, { ...engine, ...options });
  },
});
