import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { drawLayers } from '../test/claude/layers.js';
import { compareWithClaude } from '../test/claude/oracle.js';
import { canHideEtc } from '../test/claude/real-claude.js';

it('200 combinations of layers of settings are merged as the real Claude Code merges them', async () => {
  const root = mkdtempSync(join(tmpdir(), 'orch-config-prove-'));
  const different: number[] = [];
  for (let index = 0; index < 200; index += 1) {
    const withPolicy = canHideEtc && index % 2 === 1;
    const place = join(root, String(index));
    mkdirSync(place);
    const { ours, theirs } = await compareWithClaude(place, drawLayers(5000 + index, withPolicy));
    try {
      expect(ours).toEqual(theirs);
    } catch (error) {
      different.push(5000 + index);
      console.error(`seed ${5000 + index}`, error);
    }
  }
  rmSync(root, { recursive: true });
  expect(different).toEqual([]);
});
