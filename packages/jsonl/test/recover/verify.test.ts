import { describe, expect, it } from 'vitest';
import { verify, type Fault } from '../../src/index.js';
import { bytesFileSystem } from '../bytes-file-system.js';

const check = (text: string, options = {}) =>
  verify('memory', { ...options, fileSystem: bytesFileSystem(Buffer.from(text)) });

describe('verify()', () => {
  it('counts records, lines and bytes, and finds nothing in a whole file', async () => {
    expect(await check('{"n":1}\n\n{"n":2}\n')).toEqual({
      healthy: true,
      records: 2,
      lines: 3,
      bytes: 17,
      kinds: {},
      faults: [],
    });
    expect(await check('')).toMatchObject({ healthy: true, records: 0, lines: 0, bytes: 0 });
  });

  it('reports every fault; a file is healthy if none of them lost or altered a record', async () => {
    const harmless = await check('\ufeff{"n":1}\r\n{"n":2}{"n":3}\n');
    expect(harmless).toMatchObject({ healthy: true, records: 3, lines: 2 });
    expect(harmless.kinds).toEqual({ byte_order_mark: 1, crlf: 1, multi_record: 1 });
    expect(await check('1\n{"n":', { live: true })).toMatchObject({
      healthy: true,
      kinds: { pending_tail: 1 },
    });
    expect(await check('1\n{"n":')).toMatchObject({ healthy: false, kinds: { torn_tail: 1 } });
  });

  it('keeps 1,000 faults, and tells all of them', async () => {
    const told: Fault[] = [];
    const { faults, kinds } = await check('oops\n'.repeat(1500), {
      onFault: (fault: Fault) => told.push(fault),
    });
    expect(faults).toEqual(told.slice(0, 1000));
    expect([told.length, kinds]).toEqual([1500, { not_json: 1500 }]);
  });
});
