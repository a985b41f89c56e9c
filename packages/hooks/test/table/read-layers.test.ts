import { describe, expect, it } from 'vitest';
import { readLayers } from '../../src/table/read-layers.js';

const command = { type: 'command', argv: ['true'] };
const read = (hooks: unknown) => readLayers([{ tier: 'user', source: 'user.yaml', hooks }]);
const messageOf = (hook: unknown): string | undefined =>
  read({ Stop: [{ hooks: [hook] }] }).refused[0]?.message;

describe('hooks of a settings file', () => {
  it.each<[unknown, object]>([
    [
      { type: 'command', argv: ['a', 'b'] },
      { kind: 'command', argv: ['a', 'b'], timeoutMs: 60_000, env: [] },
    ],
    [
      { type: 'command', command: 'a', args: ['b'], timeout: 2 },
      { kind: 'command', argv: ['a', 'b'], timeoutMs: 2000 },
    ],
    [
      { type: 'command', command: 'a | b', async: false },
      { kind: 'shell', line: 'a | b' },
    ],
    [
      { type: 'warm', argv: ['a'], env: ['TOKEN'] },
      { kind: 'warm', argv: ['a'], env: ['TOKEN'] },
    ],
    [
      { type: 'function', module: 'a.mjs', timeoutMs: 5 },
      { kind: 'function', module: 'a.mjs', timeoutMs: 5 },
    ],
    [
      { type: 'http', url: 'http://127.0.0.1/x' },
      { kind: 'http', url: 'http://127.0.0.1/x', headers: {} },
    ],
    [
      { type: 'webhook', url: 'http://127.0.0.1/x' },
      { kind: 'notice', url: 'http://127.0.0.1/x' },
    ],
    [{ type: 'desktop' }, { kind: 'notice' }],
  ])('%j is read', (hook, spec) => {
    const { entries, refused } = read({ Stop: [{ hooks: [hook] }] });
    expect(refused).toEqual([]);
    expect(entries[0]?.spec).toMatchObject(spec);
  });

  it.each<[unknown, string]>([
    [7, 'hooks.Stop[0].hooks[0]: expected an object, received 7'],
    [
      { type: 'comand' },
      'hooks.Stop[0].hooks[0].type: expected one of command, warm, function, http, desktop, webhook, received "comand"',
    ],
    [
      { type: 'prompt', prompt: 'ok?' },
      'hooks.Stop[0].hooks[0].type: prompt: a model does not decide here',
    ],
    [
      { ...command, if: 'Bash(git *)' },
      'hooks.Stop[0].hooks[0].if: rules inside a hook are not read',
    ],
    [
      { ...command, async: true },
      'hooks.Stop[0].hooks[0].async: a hook that decides cannot do so afterwards',
    ],
    [{ ...command, timout: 3 }, 'hooks.Stop[0].hooks[0].timout: is not a key of a command hook'],
    [{ ...command, timeout: -1 }, 'hooks.Stop[0].hooks[0].timeout: expected seconds'],
    [
      { ...command, timeout: 1, timeoutMs: 1 },
      'hooks.Stop[0].hooks[0].timeout: timeout (seconds) and timeoutMs stand side by side',
    ],
    [
      { type: 'command', argv: [] },
      'hooks.Stop[0].hooks[0].argv: expected a program and its arguments',
    ],
    [
      { type: 'http', url: 'file:///etc/passwd' },
      'hooks.Stop[0].hooks[0].url: expected an http or https address',
    ],
    [{ type: 'http', url: 'http://user:word@127.0.0.1/' }, 'without a user'],
    [{ type: 'function', module: 'a.js' }, 'expected the path of an .mjs file'],
  ])('%j is refused with its place', (hook, message) => {
    expect(messageOf(hook)).toContain(message);
  });

  it('one that is wrong takes no other with it, and all are told at once', () => {
    const { entries, refused } = read({
      Stop: [
        { hooks: [command, 7, command] },
        { matcher: 'Ba(sh', hooks: [command] },
        { hook: [] },
      ],
      Sotp: [],
      pretooluse: [],
      PreCompact: {},
    });
    expect(entries.map(({ where }) => where)).toEqual([
      'hooks.Stop[0].hooks[0]',
      'hooks.Stop[0].hooks[2]',
    ]);
    expect(refused.map(({ message }) => message.slice(0, 60))).toEqual([
      'hooks.Stop[0].hooks[1]: expected an object, received 7',
      'hooks.Stop[1].matcher: it is no regular expression (Untermin',
      'hooks.Stop[2]: "hook" is not a key here; there are matcher a',
      'hooks.Sotp: there is no such event.',
      'hooks.pretooluse: there is no such event. Did you mean PreTo',
      'hooks.PreCompact: expected a list',
    ]);
  });

  it('of higher tiers come first', () => {
    const { entries } = readLayers(
      (['project', 'managed', 'local', 'user', 'session'] as const).map((tier) => ({
        tier,
        source: tier,
        hooks: { Stop: [{ hooks: [command] }] },
      })),
    );
    expect(entries.map(({ tier }) => tier)).toEqual([
      'managed',
      'user',
      'session',
      'local',
      'project',
    ]);
  });
});
