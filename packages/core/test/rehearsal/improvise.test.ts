import { describe, expect, it } from 'vitest';
import { improvise } from '../../src/rehearsal/improvise.js';
import type { AgentRequest } from '@orch/coordinator';

const request = (more: Partial<AgentRequest> = {}): AgentRequest => ({
  run: 'r',
  task: 'fix',
  label: 'fix',
  attempt: 1,
  place: 'fix',
  agent: { driver: 'claude', project: 'memory' },
  argv: undefined,
  prompt: 'p',
  original: 'p',
  workspace: '/ws',
  session: { id: 's', mode: 'new' },
  inputs: {},
  env: {},
  output: undefined,
  writes: undefined,
  timeoutMs: 1,
  idleMs: 1,
  ...more,
});

describe('improvise()', () => {
  it.each([
    [undefined, '/ws/rehearsal-fix.md'],
    [['src/**'], '/ws/src/rehearsal-fix.md'],
    [['docs/*.md'], '/ws/docs/rehearsal-fix.md'],
    [['src/index.js'], '/ws/src/index.js'],
    [['**/*.ts'], '/ws/rehearsal-fix.ts'],
    [['docs/'], '/ws/docs/rehearsal-fix.md'],
  ])('writes where %j allows it', (writes, file) => {
    expect(improvise(request(), writes ?? [], 'diff')[0]).toMatchObject({
      tool: 'Write',
      input: { file_path: file },
    });
  });

  it('gives a declared output a value that fits', () => {
    const schema = {
      type: 'object',
      properties: {
        good: { type: 'boolean' },
        level: { enum: ['low', 'high'] },
        files: { type: 'array', items: { type: 'string' } },
        n: { type: 'integer', minimum: 3 },
      },
      required: ['good'],
    };
    expect(
      improvise(request({ output: { kind: 'schema', schema, from: 'agent' } }), [], 'none')[0],
    ).toEqual({
      tool: 'StructuredOutput',
      input: { good: true, level: 'low', files: ['REHEARSAL'], n: 3 },
    });
  });

  it('says REHEARSAL in everything it leaves', () => {
    expect(
      JSON.stringify(improvise(request(), [], 'diff')).match(/REHEARSAL/g)?.length,
    ).toBeGreaterThan(1);
  });
});
