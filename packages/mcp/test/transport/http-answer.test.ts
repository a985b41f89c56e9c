import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { readBody } from '../../src/transport/http-answer.js';

test('an answer that has closed before it is read has broken off', async () => {
  const response = new PassThrough();
  response.write('its beginning');
  response.destroy();
  await once(response, 'close');
  const reading = readBody(response as unknown as IncomingMessage, 1000);
  await expect(reading).rejects.toThrow('it ended in the middle of its answer');
});
