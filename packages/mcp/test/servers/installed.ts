import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { McpServer, ToolResult } from '../../src/index.js';

const require = createRequire(import.meta.url);

const manifests = {
  everything: require.resolve('@modelcontextprotocol/server-everything/package.json'),
  filesystem: require.resolve('@modelcontextprotocol/server-filesystem/package.json'),
  github: require.resolve('@modelcontextprotocol/server-github/package.json'),
  memory: require.resolve('@modelcontextprotocol/server-memory/package.json'),
  thinking: require.resolve('@modelcontextprotocol/server-sequential-thinking/package.json'),
};

/** The program of a server that is installed from npm. */
export const installed = (name: keyof typeof manifests): string =>
  join(dirname(manifests[name]), 'dist/index.js');

export const environment = { PATH: process.env['PATH'], HOME: process.env['HOME'] };

/** Calls tools, and knows at the end which of those that the server offers were never called well. */
export function caller(server: McpServer) {
  const called = new Set<string>();
  return {
    call: async (tool: string, args = {}): Promise<ToolResult> => {
      const result = await server.call(tool, args);
      if (result.isError) throw new Error(`${tool} failed: ${result.text}`);
      called.add(tool);
      return result;
    },
    expectAllCalled: async (count: number, ...apart: string[]): Promise<void> => {
      const names = (await server.tools()).map(({ name }) => name);
      expect(names).toHaveLength(count);
      expect(names.filter((name) => !called.has(name))).toEqual(apart);
    },
  };
}
