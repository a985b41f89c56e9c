import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  notFired,
  observeClaude,
  observeOurs,
  readTable,
  relate,
  tableFile,
  type Cell,
} from '../test/claude/differential.js';
import { behaviours, play, type Seen } from '../test/claude/play.js';
import { situations } from '../test/claude/situations.js';

/** With ORCH_WRITE_TABLE=1 the table is written anew, to be looked at and committed. */
const isWriting = process.env['ORCH_WRITE_TABLE'] === '1';

describe('the same hooks in the real Claude Code and here', () => {
  it('come to what the table says, in all 130 cells', async () => {
    const cells: Cell[] = [];
    for (const situation of situations) {
      let baseline: Seen | undefined;
      for (const hook of behaviours) {
        let claude = notFired[situation.event];
        if (claude === undefined) {
          const { seen, said } = await observeClaude(situation, hook, baseline);
          baseline ??= seen;
          claude = said;
        }
        const ours = await observeOurs(situation.event, hook);
        cells.push({
          event: situation.event,
          hook,
          claude,
          ours,
          relation: relate(hook, claude, ours),
        });
      }
    }
    expect(cells).toHaveLength(130);
    if (isWriting) writeFileSync(tableFile, `${JSON.stringify(cells, undefined, 2)}\n`);
    expect(cells).toEqual(readTable());
  });

  it('and what Claude Code does not fire, it does not fire', async () => {
    for (const situation of situations.filter(({ event }) => event in notFired))
      expect((await play(situation, 'allow')).fired).toBe(0);
  });
});
