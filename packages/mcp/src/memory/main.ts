#!/usr/bin/env node
/**
 * `orch-mcp-memory FILE [--as NAME] [--trusted]`: a shared memory, over stdin and stdout.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { McpError } from '../mcp-error.js';
import { serveLines } from '../serving/line-endpoint.js';
import { createMemoryService } from './memory-service.js';
import { openMemory } from './memory.js';

const usage = `orch-mcp-memory FILE [--as NAME] [--trusted]

Serves the memory in FILE (JSON lines, begun if it is not there) over stdin and stdout.
  --as NAME   who writes, as others see it (default: agent)
  --trusted   what is written here may be believed (default: it is marked untrusted)
`;

async function main(): Promise<number> {
  let values: { as?: string; trusted?: boolean; help?: boolean };
  let positionals: string[];
  try {
    ({ values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        as: { type: 'string' },
        trusted: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}; see orch-mcp-memory --help\n`);
    return 2;
  }
  const [file, another] = positionals;
  if (values.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  if (file === undefined || another !== undefined) {
    process.stderr.write(`Give one file.\n${usage}`);
    return 2;
  }
  try {
    const memory = await openMemory(file);
    await serveLines({
      input: process.stdin,
      output: process.stdout,
      service: createMemoryService(memory),
      caller: {
        attempt: values.as ?? 'agent',
        trust: values.trusted === true ? 'trusted' : 'untrusted',
      },
      maxRequestBytes: 1024 * 1024,
      requestsMost: 64,
    });
    await memory.close();
    return 0;
  } catch (error) {
    if (!McpError.isInstance(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 7;
  }
}

process.exitCode = await main();
