import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAll, repair, verify } from '../../src/index.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { jsonText } from '../read/arbitrary-lines.js';

interface Quarantined {
  readonly kind: string;
  readonly byteStart: number;
  readonly byteEnd: number;
  readonly base64: string;
}

const damage = fc.constantFrom(
  Buffer.from('{"n":1,"te{"n":2}\n'),
  Buffer.from('\0\0\0{"n":3}\n'),
  Buffer.from('{"n":4}{"n":5}\r\n'),
  Buffer.from('{"n":6,"t":"a\nb"}\n'),
  Buffer.from('{\n "n": 7\n}\n'),
  Buffer.from('{"n":8,"t":"\t\x01"}\n'),
  Buffer.concat([Buffer.from('{"t":"'), Buffer.of(0xff), Buffer.from('"}\n')]),
  Buffer.from('\ufeff{"n":9,"big":12345678901234567890,"f":1.0}\n'),
  Buffer.from('oops\n'),
);

describe('repair()', () => {
  it('makes a file without faults that has every whole record, and keeps every other byte', async () => {
    const at = temporaryDirectory();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            damage,
            jsonText.map((text) => Buffer.from(`${text}\n`)),
          ),
          {
            maxLength: 8,
          },
        ),
        fc.constantFrom('', '{"n":1,"te', '42', '{"n":1}'),
        async (lines, tail) => {
          run += 1;
          const content = Buffer.concat([...lines, Buffer.from(tail)]);
          const [from, to] = [at(`${run}.jsonl`), at(`${run}.repaired.jsonl`)];
          writeFileSync(from, content);
          const before = await readAll(from);
          const done = await repair(from, { to });
          expect(done.records).toBe(before.records.length);
          expect(done.faults).toEqual(before.faults);
          expect(readFileSync(from).equals(content)).toBe(true);
          expect(await readAll(to)).toEqual({ records: before.records, faults: [] });
          expect(await verify(to)).toMatchObject({ healthy: true, kinds: {} });

          // Every byte that is not white space is in a record or set aside.
          const aside: Quarantined[] = [];
          if (done.quarantine !== undefined) {
            aside.push(...(await readAll<Quarantined>(done.quarantine)).records);
            expect(aside.length).toBeGreaterThan(0);
          }
          let rest = content.toString('latin1');
          for (const { base64, byteStart, byteEnd } of aside) {
            const bytes = Buffer.from(base64, 'base64');
            expect(bytes.equals(content.subarray(byteStart, byteEnd))).toBe(true);
            const blank = ' '.repeat(byteEnd - byteStart);
            rest = rest.slice(0, byteStart) + blank + rest.slice(byteEnd);
          }
          const mended = new Set(['control_character', 'multi_line']);
          const plain = before.faults.every(({ kind }) => !mended.has(kind));
          const squeeze = (text: string): string => text.replace(/\s|\xef\xbb\xbf/g, '');
          if (plain) expect(squeeze(rest)).toBe(squeeze(readFileSync(to, 'latin1')));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('keeps the text of a record as it is', async () => {
    const at = temporaryDirectory();
    const line = '{ "big" : 12345678901234567890, "a":1.0,"a":2e0 }';
    writeFileSync(at('a.jsonl'), `${line}\r\n{"to`, { mode: 0o640 });
    const done = await repair(at('a.jsonl'), { to: at('b.jsonl'), quarantine: at('q.jsonl') });
    expect(readFileSync(at('b.jsonl'), 'utf8')).toBe(`${line}\n`);
    expect(statSync(at('b.jsonl')).mode & 0o777).toBe(0o640);
    expect(done).toMatchObject({ to: at('b.jsonl'), quarantine: at('q.jsonl'), records: 1 });
    const set = {
      kind: 'torn_tail',
      line: 2,
      byteStart: line.length + 2,
      byteEnd: line.length + 6,
    };
    expect((await readAll(at('q.jsonl'))).records).toEqual([
      { ...set, base64: Buffer.from('{"to').toString('base64') },
    ]);
  });

  it('makes no quarantine file when nothing is set aside', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '1\r\n2');
    expect((await repair(at('a.jsonl'), { to: at('b.jsonl') })).quarantine).toBeUndefined();
    expect(readdirSync(at('.')).sort()).toEqual(['a.jsonl', 'b.jsonl']);
  });

  it('sets a huge line aside in parts, without holding it', async () => {
    const at = temporaryDirectory();
    const huge = Buffer.alloc(3_000_000, 'x');
    writeFileSync(at('a.jsonl'), Buffer.concat([Buffer.from('1\n'), huge, Buffer.from('\n2\n')]));
    await repair(at('a.jsonl'), { to: at('b.jsonl'), maxLineBytes: 1000 });
    expect(readFileSync(at('b.jsonl'), 'utf8')).toBe('1\n2\n');
    const { records } = await readAll<Quarantined>(at('b.jsonl.quarantine.jsonl'));
    expect(records.length).toBe(4);
    const bytes = Buffer.from(records.map(({ base64 }) => base64).join(''), 'base64');
    expect(bytes.equals(huge)).toBe(true);
  });

  it('never replaces a file, not even itself, and leaves nothing behind when it fails', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '{"n":1}\n{"to');
    writeFileSync(at('there.jsonl'), 'mine');
    symlinkSync(at('nowhere'), at('link.jsonl'));
    const refused = { code: 'ORCH_JSONL_EXISTS' };
    for (const name of ['a.jsonl', 'there.jsonl', 'link.jsonl']) {
      await expect(repair(at('a.jsonl'), { to: at(name) })).rejects.toMatchObject(refused);
    }
    await expect(
      repair(at('a.jsonl'), { to: at('b.jsonl'), quarantine: at('there.jsonl') }),
    ).rejects.toMatchObject(refused);
    await expect(
      repair(at('a.jsonl'), { to: at('b.jsonl'), quarantine: at('b.jsonl') }),
    ).rejects.toMatchObject(refused);
    await expect(repair(at('a.jsonl'), { to: at('no/b.jsonl') })).rejects.toMatchObject({
      code: 'ORCH_JSONL_NOT_FOUND',
    });
    await expect(repair(at('absent.jsonl'), { to: at('b.jsonl') })).rejects.toMatchObject({
      code: 'ORCH_JSONL_NOT_FOUND',
    });
    expect(readFileSync(at('there.jsonl'), 'utf8')).toBe('mine');
    expect(existsSync(at('nowhere'))).toBe(false);
    expect(readdirSync(at('.')).sort()).toEqual(['a.jsonl', 'link.jsonl', 'there.jsonl']);
  });

  it('leaves nothing behind when its signal aborts', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '{"n":1}\noops\n');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(repair(at('a.jsonl'), { to: at('b.jsonl'), signal })).rejects.toThrow('enough');
    expect(readdirSync(at('.'))).toEqual(['a.jsonl']);
  });
});
