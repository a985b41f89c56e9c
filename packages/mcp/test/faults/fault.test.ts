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
import { stdioScenarios, type Scenario, type World } from './stdio-scenarios.js';

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
    servers: { fault: spec.type === 'http' ? spec : { ...spec, env: { ...spec.env, ...env } } },
    environment: { PATH: process.env['PATH'] },
    restart,
    ...scenario.options?.(world),
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
  expect(faults.map(({ name }) => name).sort()).toEqual(
    [...Object.keys(stdioScenarios), ...Object.keys(httpScenarios)].sort(),
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
