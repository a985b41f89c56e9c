import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProcessOwner } from '@orch/process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCommandDriver, type AgentEvent, type CommandTurnRequest } from '../../src/index.js';
import { readAll } from '../read-all.js';

async function run(shell: string, more: Partial<CommandTurnRequest> = {}) {
  const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'orch-agents-')));
  const owner = createProcessOwner({ marker: `agents-test-${randomUUID()}` });
  onTestFinished(async () => {
    await owner.close();
    fs.rmSync(root, { recursive: true, force: true });
  });
  const request = {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '' },
    command: { shell },
    ...more,
  };
  const turn = await createCommandDriver().start(request, { owner });
  const events = await readAll(turn.events);
  const end = events.at(-1);
  if (end?.kind !== 'end') throw new Error('A turn must end with an end event.');
  const printed = events.flatMap((event) => (event.kind === 'output' ? [event] : []));
  return { events, end, printed, notices: noticesOf(events) };
}

const noticesOf = (events: readonly AgentEvent[]): string[] =>
  events.flatMap((event) => (event.kind === 'notice' ? [event.text] : []));

const mebibyte = 1024 * 1024;
/** Of head and tail together, at the 100 bytes that a line counts at least. */
const mostEvents = (2 * mebibyte) / 100;

describe('a command that prints much', () => {
  it('100 MB become a head, a notice that says exactly what is left out, and a tail', async () => {
    const last = 12_500_000;
    const { end, printed, notices } = await run(`seq 1 ${last}`);
    expect(end).toMatchObject({ outcome: 'completed', left: 0 });
    expect(printed.length).toBeLessThan(mostEvents);
    expect(printed.length).toBeGreaterThan(mostEvents * 0.9);

    // Numbers tell which lines are on record: each of the first ones, each of the last ones.
    const whole = printed.filter(({ part }) => part === undefined).map(({ text }) => Number(text));
    const gap = whole.findIndex((number, index) => number !== index + 1);
    const tail = whole.slice(gap);
    expect(gap).toBeGreaterThan(5000);
    expect(tail).toEqual(tail.map((_, index) => last - tail.length + 1 + index));

    const bytesUpTo = (number: number): number =>
      Array.from({ length: 8 }, (_, digits) => Math.max(0, number - 10 ** digits + 1)).reduce(
        (sum, count) => sum + count,
        number,
      );
    expect(bytesUpTo(12)).toBe('1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n'.length);
    const cut = printed
      .filter(({ part }) => part !== undefined)
      .reduce((sum, { text, part }) => sum + text.length + (part === 'end' ? 1 : 0), 0);
    const between = bytesUpTo(last - tail.length) - bytesUpTo(gap) - cut;
    expect(between).toBeGreaterThan(95_000_000);
    expect(notices.at(-1)).toContain(`${between} bytes of stdout are left out`);
    expect(notices.at(-1)).toContain('kept nowhere');
  });

  it('every line is an event where the bounds allow it: the count above is due to them', async () => {
    const all = await run('seq 1 50000', { headBytes: 1e9 });
    expect(all.printed).toHaveLength(50_000);
    expect(all.notices).toEqual([]);
    const few = await run('seq 1 50000');
    expect(few.printed.length).toBeLessThan(mostEvents);
    expect(few.notices).toHaveLength(2);
  });

  it('10 MB of short lines are an output of every line, from a bounded number of events', async () => {
    const { end, printed, notices } = await run('yes abc | head -c 10000000', { output: 'lines' });
    const output = end.output as string[];
    expect(output).toHaveLength(2_500_000);
    expect(output.every((line) => line === 'abc')).toBe(true);
    expect(printed.length).toBeLessThan(mostEvents);
    expect(notices.at(-1)).toContain('All of it is the output of this task');
  });

  it('an output that would have to be cut is none: the turn fails and says so', async () => {
    const limits = { outputBytes: 1000 } as const;
    for (const output of ['lines', 'json'] as const) {
      const { end, notices } = await run('seq 1 300000', { output, ...limits });
      expect(end).toMatchObject({ outcome: 'failed', error: { reason: 'output' } });
      expect(end).not.toHaveProperty('output');
      expect(end.error?.message).toContain('1000 bytes allowed for an output');
      expect(notices.at(-1)).toContain('kept nowhere');
    }
    const fitting = await run('seq 1 10', { output: 'lines', ...limits });
    expect(fitting.end.output).toHaveLength(10);
  });

  it('what was stopped hands on no part of its output', async () => {
    const shell = 'echo "[1]"; echo "[2]"; exec tail -f /dev/null';
    const { end, printed } = await run(shell, { output: 'lines', limits: { wallMs: 300 } });
    expect(end.outcome).toBe('timed_out');
    expect(printed).toHaveLength(2);
    expect(end).not.toHaveProperty('output');
  });

  it('without a newline: the line is cut between characters, and its parts are named', async () => {
    // 3 bytes a character: neither the head nor the tail ends where a character does.
    const { end, printed, notices } = await run("yes '€' | tr -d '\\n' | head -c 9000000");
    expect(end.outcome).toBe('completed');
    expect(printed.map(({ part }) => part)).toEqual(['start', 'end']);
    for (const { text } of printed) expect(text).toMatch(/^€+$/);
    const kept = printed.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
    expect(kept).toBeGreaterThan(2 * mebibyte - 300);
    expect(notices.at(-1)).toContain(`${9_000_000 - kept} bytes of stdout are left out`);
  });

  it('a line of more than 16 MiB ends the command, and no output is made of the lines around it', async () => {
    const shell = 'echo first; head -c 100000000 /dev/zero; echo; echo last';
    const { end, printed } = await run(shell, { output: 'lines' });
    expect(end).toMatchObject({ outcome: 'failed', error: { reason: 'output_limit' } });
    expect(end.error?.message).toContain('16 MiB');
    expect(end).not.toHaveProperty('output');
    expect(printed.map(({ text }) => text)).toEqual(['first']);
  });
});
