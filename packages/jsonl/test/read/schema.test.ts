import { describe, expect, expectTypeOf, it } from 'vitest';
import { read, readAll, readBackwards, readSync, type StandardSchema } from '../../src/index.js';
import { writeFileSync } from 'node:fs';
import { bytesFileSystem } from '../bytes-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';

interface Event {
  readonly n: number;
}

/** By hand, as a validation library would make it; `n` is doubled to see that its output is used. */
function eventSchema(later: boolean): StandardSchema<Event> {
  const validate = (value: unknown) => {
    const { n } = (value ?? {}) as Partial<Event>;
    return typeof n === 'number'
      ? { value: { n: n * 2 } }
      : { issues: [{ message: 'n must be a number', path: ['n'] }] };
  };
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => (later ? Promise.resolve(validate(value)) : validate(value)),
    },
  };
}

const text = '{"n":1}\n{"n":"x"}\n{"n":3}\noops\n{"n":4}\n';
const fileSystem = bytesFileSystem(Buffer.from(text));
const invalid = {
  kind: 'invalid_schema',
  byteStart: 8,
  byteEnd: 18,
  line: 2,
  issues: [{ message: 'n must be a number' }],
};

describe('schema', () => {
  it.each([
    ['answers at once', false],
    ['answers later', true],
  ])('that %s: what does not fit is a fault, what fits is its output', async (_name, later) => {
    const reader = read('memory', { schema: eventSchema(later), fileSystem });
    expectTypeOf(reader).toExtend<AsyncIterable<Event>>();
    const records: Event[] = [];
    for await (const record of reader) records.push(record);
    expect(records).toEqual([{ n: 2 }, { n: 6 }, { n: 8 }]);
    expect(reader.faults).toContainEqual(invalid);
    expect(reader.faults).toHaveLength(2);
    const backwards = readBackwards('memory', { schema: eventSchema(later), fileSystem });
    const reversed: unknown[] = [];
    for await (const record of backwards) reversed.push(record);
    expect(reversed).toEqual([...records].reverse());
    expect(backwards.faults).toContainEqual({ ...invalid, line: 0 });
  });

  it.each([false, true])(
    "with onCorrupt 'throw' ends the pass there (later: %s)",
    async (later) => {
      const reader = read('memory', { schema: eventSchema(later), fileSystem, onCorrupt: 'throw' });
      const records: Event[] = [];
      const work = (async () => {
        for await (const record of reader) records.push(record);
      })();
      await expect(work).rejects.toMatchObject({ code: 'ORCH_JSONL_CORRUPT' });
      if (!later) expect(reader.faults).toEqual([invalid]);
      expect(records.slice(0, 1)).toEqual([{ n: 2 }]);
    },
  );

  it('validates what where and fields have left', async () => {
    const seen: unknown[] = [];
    const schema: StandardSchema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => {
          seen.push(value);
          return { value };
        },
      },
    };
    const bytes = Buffer.from('{"a":1,"b":2}\n{"a":2,"b":3}\n');
    await readAll('memory', {
      schema,
      where: { a: 2 },
      fields: ['b'],
      fileSystem: bytesFileSystem(bytes),
    });
    expect(seen).toEqual([{ b: 3 }]);
  });

  it('must be one, and must answer at once for readSync', () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), text);
    expect([...readSync(at('a.jsonl'), { schema: eventSchema(false) })]).toHaveLength(3);
    const asynchronous = readSync(at('a.jsonl'), { schema: eventSchema(true) });
    expect(() => [...asynchronous]).toThrow(TypeError);
    expect(() => read('a.jsonl', { schema: {} as StandardSchema })).toThrow(/Standard Schema/);
  });
});
