import { describe, expect, it } from 'vitest';
import { node, on, prints, setScene, sh } from '../scene.js';

const allow = '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow"}}';

/** The part of a program that is JSON of so many levels. */
const nested = (levels: number): string => `'['.repeat(${levels}) + ']'.repeat(${levels})`;

describe('a hook that gives no valid answer', () => {
  it.each([
    ['crash', node('process.exit(1)'), 'exit code 1'],
    ['crash', node('throw new Error("no such guard")'), 'no such guard'],
    ['signal', node('process.kill(process.pid, "SIGKILL")'), 'SIGKILL'],
    ['missing', sh('exit 127'), '127'],
    ['missing', sh('exit 126'), '126'],
    ['timeout', node('setInterval(() => {}, 1000)', { timeoutMs: 300 }), '300 ms'],
    ['timeout', sh('trap "" TERM; while :; do sleep 0.1; done', { timeoutMs: 300 }), '300 ms'],
    ['invalid', prints('{not json'), 'none'],
    ['invalid', prints('{"decision":"maybe"}'), 'approve or block'],
    ['invalid', prints(allow.replace('PreToolUse', 'PostToolUse')), 'must be PreToolUse'],
    ['invalid', prints(allow.replace('"allow"', '"banana"')), 'allow, deny, ask or defer'],
    ['invalid', prints('{"async":true}'), 'async'],
    ['invalid', prints('{"continue":"no"}'), 'true or false'],
    ['invalid', node(`console.log('{"decision":' + ${nested(12_000)} + '}')`), '1000 levels'],
    ['invalid', node(`console.log('{"any":' + ${nested(1000)} + '}')`), '1000 levels'],
    ['flood', node('process.stdout.write("x".repeat(2e6))'), 'bytes'],
    ['flood', sh('yes'), 'bytes'],
  ])('%s: %j blocks the tool', async (kind, hook, said) => {
    const scene = setScene();
    const outcome = await scene.dispatch(on('PreToolUse', hook), 'PreToolUse');
    expect(outcome.results[0]?.failure?.kind).toBe(kind);
    expect(outcome).toMatchObject({ blocked: true, decision: 'deny' });
    expect(outcome.reason).toContain(said);
    expect(await scene.owner.left()).toEqual([]);
  });

  it('blocks also beside one that allows', async () => {
    const outcome = await setScene().dispatch(
      on('PreToolUse', prints(allow), sh('exit 1')),
      'PreToolUse',
    );
    expect(outcome).toMatchObject({ blocked: true, decision: 'deny' });
  });

  it('blocks nothing where nothing can be blocked, and is told', async () => {
    const outcome = await setScene().dispatch(on('PostCompact', sh('exit 1')), 'PostCompact', {});
    expect(outcome.blocked).toBe(false);
    expect(outcome.results[0]?.failure?.kind).toBe('crash');
  });

  // Negative control: the same programs without their fault.
  it.each([
    ['quiet', sh('exit 0')],
    ['allowing', prints(allow)],
    ['talking', prints('all is well')],
    ['nested', node(`console.log('{"any":' + ${nested(999)} + '}')`)],
  ])('a %s one blocks nothing', async (_name, hook) => {
    const outcome = await setScene().dispatch(on('PreToolUse', hook), 'PreToolUse');
    expect(outcome.blocked).toBe(false);
  });
});

describe('a hook that has ended', () => {
  it('is not waited for because something else holds its output', async () => {
    const scene = setScene();
    const outcome = await scene.dispatch(on('PreToolUse', sh('sleep 60 & echo hi')), 'PreToolUse');
    expect(outcome.blocked).toBe(false);
    expect(outcome.durationMs).toBeLessThan(30_000);
    expect(await scene.owner.left()).toEqual([]);
  });
});
