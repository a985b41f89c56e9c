#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from './errors.js';
import { createScriptedModel } from './scripted-model.js';
import type { ScriptedModelOptions } from './scripted-model.js';
import type { ScenarioFile } from './turn.js';

const USAGE = `Usage: scripted-model [--port N] [--scenarios FILE] [--log FILE] [--record full] [--with-parent]

Prints {"listening":"http://127.0.0.1:PORT","pid":N} when ready. SIGTERM or SIGINT stops it.
  --port N          port on 127.0.0.1; default 0 = a free one
  --scenarios FILE  JSON: {"scenarios": {NAME: {"match"?, "turns"}}, "default"?}
  --log FILE        JSON Lines; one line per model request, appended when it is received
  --record full     keep request bodies, without credentials
  --with-parent     stop when standard input closes
`;

function readArguments() {
  return parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      scenarios: { type: 'string' },
      log: { type: 'string' },
      record: { type: 'string', default: 'summary' },
      'with-parent': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values;
}

async function run(): Promise<void> {
  const { port, scenarios, log, record, 'with-parent': withParent, help } = readArguments();
  if (help) {
    process.stdout.write(USAGE);
    return;
  }
  if (!/^\d{1,5}$/.test(port)) throw new Error(`--port: expected a number, received ${port}`);
  if (record !== 'summary' && record !== 'full')
    throw new Error(`--record: expected summary or full, received ${record}`);
  const options: ScriptedModelOptions = {
    record,
    ...(log === undefined ? {} : { log }),
    ...(scenarios === undefined
      ? {}
      : { scenarios: JSON.parse(readFileSync(scenarios, 'utf8')) as ScenarioFile }),
  };
  const model = createScriptedModel(options);
  const { url } = await model.listen({ port: Number(port) });
  const stop = () => void model.close().then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  if (withParent) process.stdin.once('end', stop).once('error', stop).resume();
  process.stdout.write(`${JSON.stringify({ listening: url, pid: process.pid })}\n`);
}

run().catch((error: unknown) => {
  process.stderr.write(`scripted-model: ${messageOf(error)}\n\n${USAGE}`);
  process.exitCode = 2;
});
