import { describe, expect, it } from 'vitest';
import { createOutputRecord } from '../../src/command/output-record.js';
import type { AgentEvent } from '../../src/index.js';

interface Printed {
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
}

async function recordAll(
  lines: readonly Printed[],
  bounds: { readonly headBytes: number; readonly tailBytes: number },
  redact = (text: string): string => text,
): Promise<AgentEvent[]> {
  const events: AgentEvent[] = [];
  const push = (event: AgentEvent): undefined => void events.push(event);
  const record = createOutputRecord({ ...bounds, redact, push });
  for (const { stream, line } of lines) void record.add(stream, line);
  await record.finish(undefined);
  return events;
}

/** What is wrong with the record of one stream; empty when it is a head, a true count, and a tail. */
function faultsOf(events: readonly AgentEvent[], stream: string, lines: readonly Printed[]) {
  const full = lines.flatMap((one) => (one.stream === stream ? [`${one.line}\n`] : [])).join('');
  const gap = events.findIndex(
    (event) => event.kind === 'notice' && event.text.includes(`bytes of ${stream} are left out`),
  );
  const textOf = (some: readonly AgentEvent[]): string =>
    some
      .flatMap((event) => (event.kind === 'output' && event.stream === stream ? [event] : []))
      .map(({ text, part }) => (part === 'start' ? text : `${text}\n`))
      .join('');
  if (gap < 0) return textOf(events) === full ? [] : ['incomplete without a word'];
  const [head, tail] = [textOf(events.slice(0, gap)), textOf(events.slice(gap))];
  const notice = events[gap];
  const told = Number(notice?.kind === 'notice' ? /^\d+/.exec(notice.text)?.[0] : NaN);
  const isExact =
    Buffer.byteLength(head) + told + Buffer.byteLength(tail) === Buffer.byteLength(full);
  return [
    ...(full.startsWith(head) ? [] : ['the head is not the beginning']),
    ...(full.endsWith(tail) ? [] : ['the tail is not the end']),
    ...(isExact ? [] : [`the count is wrong: ${told}`]),
  ];
}

/** Lines of many lengths, in bytes and characters, in both streams. */
const lines: readonly Printed[] = Array.from({ length: 400 }, (_, index) => ({
  stream: index % 3 === 0 ? 'stderr' : 'stdout',
  line: `${index} ${'aé€😀'.repeat((index * index) % 37)}`.slice(
    0,
    index % 5 === 0 ? 0 : undefined,
  ),
}));

describe('the record of what a command prints', () => {
  it.each<readonly [number, number]>([
    [0, 0],
    [0, 1000],
    [1000, 0],
    [101, 101],
    [99, 300],
    ...Array.from({ length: 40 }, (_, index) => [2000 + index, 3000 + 7 * index] as const),
    [1e6, 1e6],
  ])(
    'is a head of %i bytes, an exact count and a tail of %i bytes',
    async (headBytes, tailBytes) => {
      const events = await recordAll(lines, { headBytes, tailBytes });
      for (const stream of ['stdout', 'stderr']) {
        expect(faultsOf(events, stream, lines)).toEqual([]);
        const kept = events.filter((event) => event.kind === 'output' && event.stream === stream);
        const cost = kept.reduce(
          (sum, event) => sum + (event.kind === 'output' ? Buffer.byteLength(event.text) + 100 : 0),
          0,
        );
        expect(cost).toBeLessThanOrEqual(headBytes + tailBytes);
      }
      expect(JSON.stringify(events)).not.toContain('\uFFFD');
    },
  );

  it('would be found out if an event were missing or a character torn', async () => {
    const bounds = { headBytes: 2000, tailBytes: 3000 };
    const events = await recordAll(lines, bounds);
    const last = events.filter((event) => event.kind === 'output').at(-1);
    const without = events.filter((event) => event !== last);
    expect(faultsOf(without, last?.stream ?? '', lines)).not.toEqual([]);
    const torn = events.map((event) =>
      event === last ? { ...last, text: `\uFFFD${last.text}` } : event,
    );
    expect(faultsOf(torn, last?.stream ?? '', lines)).not.toEqual([]);
  });

  it('leaves nothing out when head and tail hold it all, also where they meet in a line', async () => {
    const line = 'x'.repeat(300);
    const events = await recordAll([{ stream: 'stdout', line }], {
      headBytes: 200,
      tailBytes: 400,
    });
    expect(events.map((event) => (event.kind === 'output' ? event.part : event.kind))).toEqual([
      'start',
      'notice',
      'end',
    ]);
    expect(faultsOf(events, 'stdout', [{ stream: 'stdout', line }])).toEqual([]);
  });

  it('keeps both streams in the order in which their last lines came', async () => {
    const printed = Array.from({ length: 100 }, (_, index) => ({
      stream: index % 2 === 0 ? ('stdout' as const) : ('stderr' as const),
      line: String(index),
    }));
    const events = await recordAll(printed, { headBytes: 0, tailBytes: 1020 });
    const numbers = events.flatMap((event) =>
      event.kind === 'output' ? [Number(event.text)] : [],
    );
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => 80 + index));
  });

  it('a flood on one stream pushes nothing of the other away', async () => {
    const flood = Array.from({ length: 5000 }, () => ({
      stream: 'stdout' as const,
      line: 'noise',
    }));
    const warning = { stream: 'stderr' as const, line: 'the one that matters' };
    const printed = [...flood, warning, ...flood];
    const events = await recordAll(printed, { headBytes: 2000, tailBytes: 2000 });
    expect(events).toContainEqual({ kind: 'output', stream: 'stderr', text: warning.line });
  });

  it('replaces a secret before it cuts: no part of one is on record, wherever the cut falls', async () => {
    const secret = 'TOKEN-0123456789';
    const redact = (text: string): string => text.replaceAll(secret, '[redacted]');
    const shows = async (redaction: typeof redact) => {
      let found = 0;
      for (let at = 0; at < 60; at += 1) {
        const line = `${'.'.repeat(40)}${secret}${'.'.repeat(40)}`;
        const printed = [line, line].map((text) => ({ stream: 'stdout' as const, line: text }));
        const events = await recordAll(
          printed,
          { headBytes: 120 + at, tailBytes: 120 + at },
          redaction,
        );
        const said = JSON.stringify(events);
        if (said.includes('TOKEN') || said.includes('6789')) found += 1;
      }
      return found;
    };
    expect(await shows(redact)).toBe(0);
    expect(await shows((text) => text)).toBeGreaterThan(0);
  });
});
