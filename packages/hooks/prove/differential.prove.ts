import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  observeClaude,
  observeOurs,
  readTable,
  relate,
  tableFile,
  type Cell,
} from '../test/claude/differential.js';
import { behaviours, type Seen } from '../test/claude/play.js';
import { situations } from '../test/claude/situations.js';

/** With ORCH_WRITE_TABLE=1 the table is written anew, to be looked at and committed. */
const isWriting = process.env['ORCH_WRITE_TABLE'] === '1';

describe('the same hooks in the real Claude Code and here', () => {
  it('come to what the table says, in all 130 cells', async () => {
    const cells: Cell[] = [];
    for (const situation of situations) {
      let baseline: Seen | undefined;
      for (const hook of behaviours) {
        const { seen, said: claude } = await observeClaude(situation, hook, baseline);
        baseline ??= seen;
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
});
