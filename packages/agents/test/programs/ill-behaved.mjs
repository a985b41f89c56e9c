#!/usr/bin/env node
// Speaks Claude Code's protocol, and breaks it in the way that ILL_BEHAVED names.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const stayForEver = () => setInterval(() => undefined, 1000);
const init = { type: 'system', subtype: 'init', session_id: 's-1', tools: [], model: 'm' };
const result = {
  type: 'result',
  subtype: 'success',
  is_error: false,
  result: 'done',
  num_turns: 1,
};

const ways = {
  'never exits'() {
    process.on('SIGTERM', () => undefined);
    say(init);
    say(result);
    spawn('tail', ['-f', '/dev/null'], { stdio: 'ignore', detached: true });
    stayForEver();
  },
  'exits without a result'() {
    say(init);
    process.exit(0);
  },
  'says nothing'() {
    process.on('SIGTERM', () => undefined);
    stayForEver();
  },
  'leaves a shell command running'() {
    say(init);
    say({
      type: 'system',
      subtype: 'background_tasks_changed',
      tasks: [{ task_id: 'b1', task_type: 'local_bash' }],
    });
    say(result);
    stayForEver();
  },
  'asks for what nobody serves'(lines) {
    say(init);
    say({ type: 'control_request', request_id: 'r-1', request: { subtype: 'hook_callback' } });
    lines.once('line', (answer) => {
      say({ ...result, result: answer });
      lines.once('close', () => process.exit(0));
    });
  },
  floods() {
    say(init);
    process.stdout.write('x'.repeat(1000).concat('\n').repeat(20_000));
    say(result);
  },
};

const lines = createInterface({ input: process.stdin });
lines.once('line', (line) => {
  const { request_id } = JSON.parse(line);
  const refuses = process.env.ILL_BEHAVED === 'refuses to begin';
  const subtype = refuses ? 'error' : 'success';
  say({
    type: 'control_response',
    response: { subtype, request_id, error: refuses ? 'no' : undefined },
  });
  lines.once('line', () => ways[process.env.ILL_BEHAVED]?.(lines));
});
