import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createMcpHub,
  type HubOptions,
  type McpHub,
  type ServerEvent,
  type StdioServerSpec,
} from '../../src/index.js';
import { openPins, type PinPolicy } from '../../src/safety/index.js';
import { programs, temporaryDirectory, type Cleanup } from '../scene.js';

export const tool = (name: string, description = 'Reads a file.', more = {}) => ({
  name,
  description,
  inputSchema: { type: 'object', properties: { path: { type: 'string' } } },
  ...more,
});

/** A server whose definitions are in a file that the test rewrites behind its back. */
export interface Defined {
  readonly spec: StdioServerSpec;
  define(definitions: object): void;
  /** What it was asked, in order: `method name`. */
  asked(): string[];
}

export function defined(directory: string, name: string, definitions: object): Defined {
  const file = join(directory, `${name}.json`);
  const log = join(directory, `${name}.log`);
  const define = (what: object): void => writeFileSync(file, JSON.stringify(what));
  define(definitions);
  const program = join(programs, 'defined-server.mjs');
  return {
    spec: { command: process.execPath, args: [program, file, log] },
    define,
    asked: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
  };
}

export interface Scene {
  readonly hub: McpHub;
  readonly events: (ServerEvent & { readonly server: string })[];
  readonly one: Defined;
  readonly two: Defined;
  readonly directory: string;
}

/** Two servers and a hub over them; `one` is defined as given. */
export function scene(
  onTestFinished: Cleanup,
  definitions: object,
  options: Partial<HubOptions> = {},
  other: object = {},
): Scene {
  const directory = temporaryDirectory(onTestFinished);
  const one = defined(directory, 'one', definitions);
  const two = defined(directory, 'two', other);
  const events: Scene['events'] = [];
  const hub = createMcpHub({
    servers: { one: one.spec, two: two.spec },
    environment: { PATH: process.env['PATH'] },
    restart: { delayMs: 10 },
    onEvent: (server, event) => events.push({ ...event, server }),
    ...options,
  });
  onTestFinished(() => hub.close());
  return { hub, events, one, two, directory };
}

/** Pins in a directory of the test's own. */
export const pinsIn = (directory: string, more: Partial<PinPolicy> = {}): PinPolicy => ({
  policy: 'block',
  store: openPins(directory),
  project: '/project',
  ...more,
});
