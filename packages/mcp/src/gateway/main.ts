#!/usr/bin/env node
/**
 * `orch-mcp-bridge URL TOKENFILE`: what an agent starts as its MCP server. It carries its messages to the gateway.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { McpError } from '../mcp-error.js';
import { runBridge } from './bridge.js';

const usage = 'orch-mcp-bridge URL TOKENFILE: carries stdin and stdout to the gateway at URL.\n';

async function main(words: readonly string[]): Promise<number> {
  if (words.includes('--help') || words.includes('-h')) {
    process.stdout.write(usage);
    return 0;
  }
  const [url, tokenFile, another] = words;
  const isUsage = url === undefined || tokenFile === undefined || another !== undefined;
  if (isUsage || !URL.canParse(url)) {
    process.stderr.write(usage);
    return 2;
  }
  let token: string;
  try {
    token = (await readFile(tokenFile, 'utf8')).trim();
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unknown';
    process.stderr.write(`The token in ${tokenFile} could not be read (${why}).\n`);
    return 7;
  }
  try {
    await runBridge({ url, token, input: process.stdin, output: process.stdout });
    return 0;
  } catch (error) {
    if (!McpError.isInstance(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 7;
  }
}

process.exitCode = await main(process.argv.slice(2));
