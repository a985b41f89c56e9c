import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { openReplay } from '../../src/recording/index.js';
import { serveLines } from '../../src/recording/serve-lines.js';
import type { OpenWire, Transport, WireEvents } from '../../src/transport/transport.js';
import { nested, nestedLog } from '../faults/nested.js';
import { refusal, temporaryDirectory } from '../scene.js';

/** A client in front of this way: what it is told, line by line, and how its line ends. */
function client(open: OpenWire) {
  const input = new PassThrough();
  const output = new PassThrough();
  const told = createInterface({ input: output })[Symbol.asyncIterator]();
  const over = serveLines(open, { input, output, signal: new AbortController().signal });
  const say = (line: string): void => void input.write(`${line}\n`);
  const next = async (): Promise<unknown> => JSON.parse((await told.next()).value as string);
  return { say, next, over, end: () => input.end() };
}

/** A transport that only notes what it is sent. */
function silent() {
  const sent: unknown[] = [];
  let tell: ((events: WireEvents) => void) | undefined;
  const told = new Promise<WireEvents>((resolve) => (tell = resolve));
  const transport: Transport = {
    send: (text, id) => void sent.push([text, id]),
    forget: () => undefined,
    ready: () => undefined,
    close: () => Promise.resolve({}),
  };
  const open: OpenWire = (events) => {
    tell?.(events);
    return Promise.resolve(transport);
  };
  return { open, sent, told };
}

test('what a client says is passed on as it came, however deeply it is nested', async () => {
  const { open, sent } = silent();
  const { say, over, end } = client(open);
  const line = `{ "id":1, "method":"tools/call", "params":{"x":${nested}}}`;
  say(line);
  end();
  await over;
  expect(sent).toEqual([[line, 1]]);
});

test('a message of the server that cannot be passed on ends it', async () => {
  const { open, told } = silent();
  const { over } = client(open);
  const events = await told;
  const ended = refusal(over);
  events.message(JSON.parse(nestedLog) as Record<string, never>);
  expect(await ended).toMatchObject({ code: 'ORCH_MCP_RESULT' });
});

test('a replay that cannot look through what it is asked says so, and goes on', async ({
  onTestFinished,
}) => {
  const file = join(temporaryDirectory(onTestFinished), 'short.jsonl');
  writeFileSync(
    file,
    '{"v":1,"type":"recording","at":"2026-01-01T00:00:00.000Z"}\n{"ms":0,"server":"one","connection":1,"type":"opened"}\n',
  );
  const { wire } = await openReplay(file);
  const bare: OpenWire = () => Promise.reject(new Error('A replay starts nothing.'));
  const { say, next, over, end } = client(wire({ name: 'one', secrets: [] }, bare));
  say(`{"id":1,"method":"tools/call","params":{"x":${nested}}}`);
  expect(await next()).toMatchObject({ id: 1, error: { code: -32_603 } });
  say(`{"method":"notifications/odd","params":{"x":${nested}}}`);
  say('{"id":2,"method":"ping"}');
  expect(await next()).toMatchObject({ id: 2, result: {} });
  end();
  await over;
});
