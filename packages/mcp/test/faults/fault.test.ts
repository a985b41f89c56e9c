import { describe, expect, test } from 'vitest';
import { createMcpHub, McpError, type ServerEvent, type ServerSpec } from '../../src/index.js';
import {
  handlesLeft,
  openHandles,
  startWitness,
  temporaryDirectory,
  type Cleanup,
} from '../scene.js';
import { faults, type Fault } from './fault-table.js';
import { startHttpFaults } from './http-faults.js';
import { httpScenarios } from './http-scenarios.js';
import { startSseFaults } from './sse-faults.js';
import { sseScenarios } from './sse-scenarios.js';
import { stdioScenarios, type Scenario, type World } from './stdio-scenarios.js';
import { startWebSocketFaults } from './websocket-faults.js';
import { websocketScenarios } from './websocket-scenarios.js';

const restart = { delayMs: 10, maxDelayMs: 50, failures: 3 };

/** Meets the fault, and holds what comes of it against its row; then nothing may be left. */
async function play<W extends World & { readonly events: ServerEvent[] }>(
  { expected, boundMs }: Fault,
  scenario: Scenario<ServerSpec, W>,
  world: W,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const spec = scenario.server(world);
  const hub = createMcpHub({
    servers: { fault: 'command' in spec ? { ...spec, env: { ...spec.env, ...env } } : spec },
    environment: { PATH: process.env['PATH'] },
    restart,
    onEvent: (_server, event) => world.events.push(event),
  });
  try {
    const server = hub.server('fault');
    if (scenario.afterwards !== false) await server.ready();
    const before = performance.now();
    const outcome: unknown = await scenario.meet(server, world).catch((error: unknown) => error);
    const tookMs = performance.now() - before;
    if (McpError.isInstance(outcome)) expect(outcome.code).toBe(expected);
    else if (outcome instanceof Error) throw outcome;
    else expect('recovers').toBe(expected);
    if (scenario.boundsClose !== true && expected !== 'ORCH_MCP_CIRCUIT')
      expect(tookMs).toBeLessThan(boundMs);
    await scenario.check?.(outcome, world);
    if (scenario.afterwards !== false)
      expect(await server.call('good')).toMatchObject({ text: 'well', isError: false });
  } finally {
    const before = performance.now();
    await hub.close();
    if (scenario.boundsClose === true) expect(performance.now() - before).toBeLessThan(boundMs);
  }
}

test('the table has a scenario for each row, and no other', () => {
  const scenarios = { stdio: stdioScenarios, http: httpScenarios, sse: sseScenarios };
  const all = { ...scenarios, ws: websocketScenarios };
  expect(faults.map(({ over, name }) => `${over}: ${name}`).sort()).toEqual(
    Object.entries(all)
      .flatMap(([over, those]) => Object.keys(those).map((name) => `${over}: ${name}`))
      .sort(),
  );
  expect(faults.length).toBeGreaterThanOrEqual(20);
});

const worldOf = (onTestFinished: Cleanup) => ({
  directory: temporaryDirectory(onTestFinished),
  events: [] as ServerEvent[],
});

describe('over stdio', () => {
  for (const fault of faults.filter(({ over }) => over === 'stdio')) {
    test(`${fault.name}: ${fault.expected}`, async ({ onTestFinished }) => {
      const scenario = stdioScenarios[fault.name];
      if (scenario === undefined) throw new Error('There is no scenario.');
      const before = openHandles();
      const witness = startWitness();
      await play(fault, scenario, worldOf(onTestFinished), witness.env);
      expect(witness.alive()).toEqual([]);
      expect(await handlesLeft(before)).toEqual({});
    });
  }
});

describe('over Streamable HTTP', () => {
  for (const fault of faults.filter(({ over }) => over === 'http')) {
    test(`${fault.name}: ${fault.expected}`, async ({ onTestFinished }) => {
      const scenario = httpScenarios[fault.name];
      if (scenario === undefined) throw new Error('There is no scenario.');
      const before = openHandles();
      const faulty = await startHttpFaults();
      try {
        await play(fault, scenario, { ...worldOf(onTestFinished), faulty }, {});
      } finally {
        await faulty.close();
      }
      expect(await handlesLeft(before)).toEqual({});
    });
  }
});

describe('over SSE', () => {
  for (const fault of faults.filter(({ over }) => over === 'sse')) {
    test(`${fault.name}: ${fault.expected}`, async ({ onTestFinished }) => {
      const scenario = sseScenarios[fault.name];
      if (scenario === undefined) throw new Error('There is no scenario.');
      const before = openHandles();
      const faulty = await startSseFaults();
      const stranger = await startSseFaults();
      try {
        await play(fault, scenario, { ...worldOf(onTestFinished), faulty, stranger }, {});
      } finally {
        await faulty.close();
        await stranger.close();
      }
      expect(await handlesLeft(before)).toEqual({});
    });
  }
});

describe('over a WebSocket', () => {
  for (const fault of faults.filter(({ over }) => over === 'ws')) {
    test(`${fault.name}: ${fault.expected}`, async ({ onTestFinished }) => {
      const scenario = websocketScenarios[fault.name];
      if (scenario === undefined) throw new Error('There is no scenario.');
      const before = openHandles();
      const faulty = await startWebSocketFaults();
      try {
        await play(fault, scenario, { ...worldOf(onTestFinished), faulty }, {});
      } finally {
        await faulty.close();
      }
      expect(await handlesLeft(before)).toEqual({});
    });
  }
});
