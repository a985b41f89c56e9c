import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { gatewayScene } from '../gateway/scene.js';
import { refusal, until } from '../scene.js';

/** A client over two streams, of which the second holds little. */
async function scene(onTestFinished: (clean: () => void | Promise<void>) => void, filter = {}) {
  const whole = await gatewayScene(onTestFinished, { limits: { maxRequestBytes: 10_000 } });
  const { grant, token } = await whole.grant({ filter });
  const input = new PassThrough();
  const output = new PassThrough({ highWaterMark: 1024 });
  const served = whole.gateway.serve({ input, output, token });
  return {
    ...whole,
    ...{ input, output, served, grant },
    send: (message: object) => input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
  };
}

const call = (id: number, name: string, args = {}) => ({
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});

test('who does not read is not read from, and loses nothing', async ({ onTestFinished }) => {
  const { send, sent, output, input, served } = await scene(onTestFinished);
  send(call(0, 'one__good'));
  await until(() => sent('one', 'tools/call').length === 1, 'the first');
  await until(() => output.readableLength > 0, 'its answer');
  const say = 'x'.repeat(5000);
  let n = 0;
  const asking = setInterval(() => {
    if (n < 100) send(call((n += 1), 'one__good', { say }));
  }, 2);
  await sleep(1500);
  const before = sent('one', 'tools/call').length;
  expect(before).toBeLessThan(20);
  // The control: as soon as it reads, everything is asked and answered.
  let text = '';
  output.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await until(() => text.split('\n').length > 101, 'all answers');
  clearInterval(asking);
  const ids = text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { id: number }).id)
    .sort((a, b) => a - b);
  expect(ids).toEqual(Array.from({ length: 101 }, (_, id) => id));
  input.end();
  await served;
});

test('the filter holds, and the end of the grant is the end', async ({ onTestFinished }) => {
  const at = await scene(onTestFinished, { tools: { allow: ['one__good'] } });
  let text = '';
  at.output.on('data', (chunk: Buffer) => (text += chunk.toString()));
  at.send(call(1, 'one__pid'));
  await until(() => text.includes('"id":1'), 'the refusal');
  expect(text).toContain('not allowed');
  await at.grant.revoke();
  await at.served;
  at.send(call(2, 'one__good'));
  await sleep(100);
  expect(at.sent('one', 'tools/call')).toEqual([]);
  expect(text).not.toContain('"id":2');
});

test('lines that are no messages are said to be none, and a line without end ends it', async ({
  onTestFinished,
}) => {
  const at = await scene(onTestFinished);
  let text = '';
  at.output.on('data', (chunk: Buffer) => (text += chunk.toString()));
  at.input.write('{"half":\n[]\n\n');
  at.send({ id: 5, method: 'ping' });
  await until(() => text.includes('"id":5'), 'the answer');
  expect(text).toContain('-32700');
  expect(text).toContain('-32600');
  at.input.write('x'.repeat(20_000));
  await at.served;
});

test('a token that opens nothing serves nobody', async ({ onTestFinished }) => {
  const { gateway, grant, refusals } = await scene(onTestFinished);
  const token = readFileSync(grant.tokenFile, 'utf8');
  await grant.revoke();
  const streams = { input: new PassThrough(), output: new PassThrough(), token };
  expect(await refusal(gateway.serve(streams))).toMatchObject({ code: 'ORCH_MCP_REFUSED' });
  expect(refusals()).toMatchObject([{ attempt: 'attempt-1', what: 'token' }]);
});
