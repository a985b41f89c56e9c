import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { createCapture } from '../src/capture.js';
import { createProcessOwner } from '../src/index.js';
import { createLineSplitter } from '../src/line-splitter.js';
import { bundle } from './bundle.js';
import { environment } from './witness.js';

const memory = await bundle('memory.ts');
const stoppable = await bundle('stoppable.ts');
const owner = createProcessOwner({ marker: `output-${process.pid}` });
afterAll(() => owner.close());

const shell = (script: string) => ({
  argv: ['sh', '-c', script] as [string, ...string[]],
  cwd: '/',
  env: environment,
});
const sha256 = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex');

/** `bytes` cut at arbitrary places. */
const chunked = (bytes: fc.Arbitrary<Uint8Array>) =>
  fc.tuple(bytes, fc.array(fc.nat())).map(([all, cuts]) => {
    const places = [
      0,
      ...cuts.map((cut) => cut % (all.length + 1)).sort((a, b) => a - b),
      all.length,
    ];
    return {
      all: Buffer.from(all),
      chunks: places.slice(1).map((end, index) => Buffer.from(all.slice(places[index], end))),
    };
  });
const textBytes = fc.string({ unit: 'binary' }).map((text) => new TextEncoder().encode(text));
const linesOf = (chunks: readonly Buffer[]) => {
  const splitter = createLineSplitter(1000, false);
  return [...chunks.flatMap((chunk) => splitter.add(chunk) ?? ['too long']), ...splitter.rest()];
};

describe('lines', () => {
  test('are the same however the bytes are cut into chunks', () => {
    const withNewlines = fc
      .array(fc.oneof(textBytes, fc.constant(new TextEncoder().encode('\né\n'))))
      .map((parts) => new Uint8Array(Buffer.concat(parts)));
    fc.assert(
      fc.property(chunked(withNewlines), ({ all, chunks }) => {
        const expected = all.toString('utf8').split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(linesOf(chunks)).toEqual(expected);
      }),
    );
  });

  test('control: decoding chunk by chunk tears the same characters', () => {
    const chunks = [Buffer.from([0xc3]), Buffer.from([0xa9, 0x0a])];
    expect(linesOf(chunks)).toEqual(['é']);
    expect(chunks.map((chunk) => chunk.toString('utf8')).join('')).not.toBe('é\n');
  });

  test('arrive whole from a process that writes half a character at a time', async () => {
    const lines: string[] = [];
    const script = String.raw`printf 'caf\303'; sleep 0.1; printf '\251\n\360\237'; sleep 0.1; printf '\230\200 end'`;
    const ended = await owner.run({
      ...shell(script),
      onStdoutLine: (line) => void lines.push(line),
    });
    expect(lines).toEqual(['café', '😀 end']);
    expect(ended.stdout).toEqual({
      text: 'café\n😀 end',
      bytes: 14,
      truncated: false,
      sha256: sha256('café\n😀 end'),
    });
  });

  test('come in order, one at a time, and all before `ended`, however slow the handler is', async () => {
    const lines: string[] = [];
    let busy = 0;
    const ended = await owner.run({
      ...shell('seq 1 200; seq 201 400 >&2'),
      async onStdoutLine(line) {
        expect((busy += 1)).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, Number(line) % 50 === 0 ? 200 : 0));
        busy -= 1;
        lines.push(line);
      },
      onStderrLine: (line) => void lines.push(line),
    });
    expect(ended.reason).toBe('exited');
    expect(lines.filter((line) => Number(line) <= 200)).toEqual(
      Array.from({ length: 200 }, (_, n) => String(n + 1)),
    );
    expect(lines).toHaveLength(400);
  });

  test('come in order also when the process exits while its lines are still being handled', async () => {
    const lines: string[] = [];
    const ended = await owner.run({
      ...shell('head -c 1000 /dev/zero; echo; seq 1 20000; printf end'),
      async onStdoutLine(line) {
        // Long enough for the process to be gone before the second line is handled.
        if (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 500));
        else if (lines.length % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
        lines.push(line);
      },
    });
    expect(ended).toMatchObject({ reason: 'exited', code: 0 });
    expect(lines.slice(1)).toEqual([
      ...Array.from({ length: 20_000 }, (_, n) => String(n + 1)),
      'end',
    ]);
  });

  test('of a flood leave everything else its turn of the event loop', async () => {
    const [ofChunk, enough] = [32 * 1024, 2_000_000];
    let [seen, before, most] = [0, 0, 0];
    const stop = new AbortController();
    const look = (): void => {
      most = Math.max(most, seen - before);
      before = seen;
      if (seen > enough) stop.abort();
      else setImmediate(look);
    };
    look();
    const ended = await owner.run({
      ...shell('yes'),
      signal: stop.signal,
      onStdoutLine: () => void (seen += 1),
    });
    expect(ended).toMatchObject({ reason: 'cancelled', survivors: [] });
    // Node reads up to 32 chunks in a turn, if it is let.
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(3 * ofChunk);
  });

  test('longer than allowed come in pieces, in their place, however the bytes are cut', () => {
    const withNewlines = fc
      .array(fc.oneof(textBytes, fc.constant(new TextEncoder().encode('\n'))))
      .map((parts) => new Uint8Array(Buffer.concat(parts)));
    fc.assert(
      fc.property(chunked(withNewlines), ({ all, chunks }) => {
        const splitter = createLineSplitter(4, true);
        const given = [...chunks.flatMap((chunk) => splitter.add(chunk) ?? []), ...splitter.rest()];
        const lines: string[] = [];
        let pieces: Buffer[] = [];
        for (const one of given) {
          if (typeof one === 'string') expect(Buffer.byteLength(one)).toBeLessThanOrEqual(12);
          else pieces.push(one.bytes);
          if (typeof one !== 'string' && !one.isLast) continue;
          lines.push(typeof one === 'string' ? one : Buffer.concat(pieces).toString('utf8'));
          if (typeof one !== 'string') expect(Buffer.concat(pieces).length).toBeGreaterThan(4);
          pieces = [];
        }
        const expected = all.toString('utf8').split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(lines).toEqual(expected);
        expect(pieces).toEqual([]);
      }),
    );
  });

  test('longer than maxLineBytes end nothing if their pieces are taken, and wait for who takes them', async () => {
    const heard: string[] = [];
    let long = 0;
    const { reason, code } = await owner.run({
      ...shell(`echo before; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo after`),
      maxLineBytes: 100,
      onStdoutLine: (line) => void heard.push(line),
      async onLongStdoutLine(piece, isLast) {
        await new Promise((resolve) => setImmediate(resolve));
        long += piece.length;
        if (isLast) heard.push(`long ${long}`);
      },
    });
    expect({ reason, code }).toEqual({ reason: 'exited', code: 0 });
    expect(heard).toEqual(['before', 'long 3000000', 'after']);
  });

  test('longer than maxLineBytes end the process with output_limit; shorter ones do not', async () => {
    const script = 'printf %0100d 1; echo; printf %0101d 1; sleep 100';
    const limited = await owner.run({
      ...shell(script),
      maxLineBytes: 100,
      onStdoutLine: () => undefined,
    });
    expect(limited).toMatchObject({ reason: 'output_limit', signal: 'SIGTERM', survivors: [] });
    const lines: string[] = [];
    const free = await owner.run({
      ...shell('printf %0100d 1; echo'),
      maxLineBytes: 100,
      onStdoutLine: (line) => void lines.push(line),
    });
    expect(free.reason).toBe('exited');
    expect(lines.map((line) => line.length)).toEqual([100]);
  });

  test('whose handler throws end the process, and `ended` rejects with both the error and the value', async () => {
    const cause = new Error('no room');
    const started = await owner.start({
      ...shell('echo one; sleep 1000'),
      onStdoutLine: () => {
        throw cause;
      },
    });
    const error: unknown = await started.ended.catch((rejected: unknown) => rejected);
    expect(error).toMatchObject({
      code: 'ORCH_PROCESS_HANDLER',
      cause,
      details: { ended: { reason: 'cancelled', signal: 'SIGTERM', stdout: { text: 'one\n' } } },
    });
  });
});

describe('what is captured', () => {
  test('is everything, or a head and a tail of whole characters, and the digest is always of everything', () => {
    fc.assert(
      fc.property(chunked(textBytes), fc.nat(40), ({ all, chunks }, limit) => {
        const capture = createCapture(limit, true);
        for (const chunk of chunks) capture.add(chunk);
        const { text, bytes, truncated, sha256: digest } = capture.end();
        expect(bytes).toBe(all.length);
        expect(digest).toBe(sha256(all));
        expect(truncated).toBe(all.length > limit);
        if (!truncated) {
          expect(text).toBe(all.toString('utf8'));
          return;
        }
        const [head = '', left = '', tail = ''] = text.split(
          /\n\[\.\.\. (\d+) bytes left out \.\.\.\]\n/,
        );
        expect(all.toString('utf8').startsWith(head) && all.toString('utf8').endsWith(tail)).toBe(
          true,
        );
        const kept = Buffer.byteLength(head) + Buffer.byteLength(tail);
        expect(kept + Number(left)).toBe(all.length);
        expect(kept).toBeGreaterThan(limit - 8);
        expect(kept).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 500 },
    );
  });

  test('has no digest if none is wanted, and is the same otherwise', async () => {
    const spec = { ...shell('echo first; seq 1 1000; echo last'), captureBytes: 100 };
    const [plain, without, silent] = await Promise.all([
      owner.run(spec),
      owner.run({ ...spec, digest: false }),
      owner.run({ ...shell('true'), digest: false }),
    ]);
    expect(plain.stdout.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(without.stdout).toEqual({ ...plain.stdout, sha256: '' });
    expect(silent.stdout).toEqual({ text: '', bytes: 0, truncated: false, sha256: '' });
  });

  test('of a process is bounded, with the middle counted', async () => {
    const ended = await owner.run({
      ...shell('echo first; seq 1 100000; echo last'),
      captureBytes: 1000,
    });
    const whole = `first\n${Array.from({ length: 100_000 }, (_, n) => `${n + 1}\n`).join('')}last\n`;
    expect(ended.stdout).toMatchObject({
      bytes: whole.length,
      truncated: true,
      sha256: sha256(whole),
    });
    expect(ended.stdout.text).toMatch(
      /^first\n1\n2\n[^]*\n\[\.\.\. 587906 bytes left out \.\.\.\]\n[^]*\n100000\nlast\n$/,
    );
    expect(ended.stderr).toEqual({ text: '', bytes: 0, truncated: false, sha256: sha256('') });
  });

  test('includes what the leader wrote last, when it is more than a reader takes at once', async () => {
    const ended = await owner.run({ ...shell('head -c 200000 /dev/zero'), drainMs: 0 });
    expect(ended.stdout.bytes).toBe(200_000);
  });

  test('of 200 MB costs at most 64 MiB of memory; control: captured whole, it costs more', async () => {
    const measure = async (captureBytes: number) => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [memory, String(captureBytes)],
        { env: environment },
      );
      return JSON.parse(stdout) as { bytes: number; lines: number; grownBytes: number };
    };
    const bounded = await measure(1024 * 1024);
    expect(bounded).toMatchObject({ bytes: 200_000_000, lines: 200_000 });
    expect(bounded.grownBytes).toBeLessThanOrEqual(64 * 1024 * 1024);
    const whole = await measure(400 * 1024 * 1024);
    expect(whole.grownBytes).toBeGreaterThan(64 * 1024 * 1024);
  }, 60_000);
});

describe.concurrent('time', () => {
  test('is not wasted on a line handler that waits for the end of its own process', async () => {
    const started: { end?: () => Promise<unknown> } = {};
    const owned = await owner.start({
      ...shell('sleep 0.1; echo one; sleep 1000'),
      onStdoutLine: async () => {
        await started.end?.();
      },
    });
    started.end = () => owned.end();
    await expect(owned.ended).rejects.toMatchObject({ code: 'ORCH_PROCESS_HANDLER' });
  });

  test('of silence, idleMs long, ends the process as stalled', async () => {
    const ended = await owner.run({ ...shell('echo start; sleep 1000'), idleMs: 300 });
    expect(ended).toMatchObject({
      reason: 'stalled',
      code: null,
      signal: 'SIGTERM',
      stdout: { text: 'start\n' },
    });
  });

  test('of silence shorter than idleMs does not, on either stream', async () => {
    const ended = await owner.run({
      ...shell('for n in 1 2 3 4 5; do sleep 0.2; echo $n >&2; done; sleep 0.2; echo done'),
      idleMs: 900,
    });
    expect(ended).toMatchObject({ reason: 'exited', code: 0 });
  });

  test('that a handler takes is not silence', async () => {
    const ended = await owner.run({
      ...shell('echo one; echo two'),
      idleMs: 300,
      onStdoutLine: () => new Promise((resolve) => setTimeout(resolve, 700)),
    });
    expect(ended).toMatchObject({ reason: 'exited', code: 0 });
  });

  test('in which the owner itself was stopped is not taken for silence', async ({
    onTestFinished,
  }) => {
    const child = spawn(process.execPath, [stoppable], {
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('running');
    child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    child.kill('SIGCONT');
    expect(JSON.parse(String((await lines.next()).value))).toEqual({ reason: 'exited', code: 0 });
    await once(child, 'exit');
  });
});
