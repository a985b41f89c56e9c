import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createClaudeDriver } from '../../src/index.js';
import { realClaude } from './real-claude.js';

/** A directory with a program that tells this version. */
function installed(version: string): string {
  const directory = fs.mkdtempSync(join(tmpdir(), 'orch-agents-'));
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true }));
  fs.writeFileSync(join(directory, 'claude'), `#!/bin/sh\necho '${version}'\n`, { mode: 0o755 });
  return directory;
}

describe('detect() of the claude driver', () => {
  it('finds the real program, its version, and credentials by name alone', async () => {
    const HOME = installed('unused');
    const environment = { ORCH_CLAUDE: realClaude(), HOME, ANTHROPIC_API_KEY: 'sk-value' };
    const found = await createClaudeDriver().detect(environment);
    expect(found).toMatchObject({
      available: true,
      version: expect.stringMatching(/^2\.\d+\.\d+/) as string,
      credentials: ['ANTHROPIC_API_KEY'],
      warnings: [],
    });
    expect(JSON.stringify(found)).not.toContain('sk-value');
  });

  it('looks along PATH, warns of an old version and of missing credentials', async () => {
    const PATH = installed('2.1.149 (Claude Code)');
    const found = await createClaudeDriver().detect({ PATH, HOME: PATH });
    expect(found).toMatchObject({ available: true, executable: join(PATH, 'claude') });
    expect(found.available && found.warnings).toHaveLength(2);
    const newer = installed('2.1.150 (Claude Code)');
    fs.writeFileSync(join(newer, '.credentials.json'), '{}');
    const well = await createClaudeDriver().detect({
      PATH: newer,
      HOME: '/',
      CLAUDE_CONFIG_DIR: newer,
    });
    expect(well).toMatchObject({ warnings: [], credentials: [join(newer, '.credentials.json')] });
  });

  it('says why it is not available, and what to do', async () => {
    const nowhere = await createClaudeDriver().detect({ PATH: '/nowhere' });
    expect(nowhere).toMatchObject({
      available: false,
      reason: expect.stringContaining('npm install') as string,
    });
    const PATH = installed('no idea');
    const mute = await createClaudeDriver().detect({ PATH, HOME: PATH });
    expect(mute).toMatchObject({
      available: false,
      reason: expect.stringContaining('no idea') as string,
    });
    const wrong = await createClaudeDriver({ executable: '/etc/hostname' }).detect({});
    expect(wrong).toMatchObject({ available: false });
  });
});
