import fc from 'fast-check';
import { eventNames } from '../../src/index.js';

/** Pieces of regular expressions, put together by their grammar: most of it valid, much of it slow. */
export const pattern: fc.Arbitrary<string> = fc.letrec<{
  pattern: string;
  part: string;
  atom: string;
}>((tie) => ({
  pattern: fc.array(tie('part'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')),
  part: fc
    .tuple(tie('atom'), fc.constantFrom('', '', '', '*', '+', '?', '{1,3}', '{2,}', '*?', '+?'))
    .map(([atom, times]) => atom + times),
  atom: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom('a', 'b', '_', '.', '\\w', '\\d', '[a-z]', '[^a]', '\\.', '^', '$', 'mcp__'),
    tie('pattern').map((inner) => `(${inner})`),
    // What goes wrong most often: something repeated inside of something repeated.
    fc
      .tuple(tie('atom'), fc.constantFrom('', 'b', '$', '.'))
      .map(([inner, after]) => `(${inner}+)+${after}`),
    tie('pattern').map((inner) => `(?:${inner})`),
    fc.tuple(tie('pattern'), tie('pattern')).map(([one, other]) => `(?:${one}|${other})`),
    tie('pattern').map((inner) => `(?!${inner})`),
    fc.constantFrom('(', ')', '[', '*', '(?<n>a)', '\\1', '{'),
  ),
})).pattern;

const list = fc
  .array(fc.constantFrom('Bash', 'Edit', 'Task', 'Agent', 'mcp__a__b', '', ' Read ', 'a-b'), {
    maxLength: 4,
  })
  .chain((names) => fc.constantFrom('|', ', ', ',').map((separator) => names.join(separator)));

export const matcher: fc.Arbitrary<string> = fc.oneof(
  pattern,
  list,
  fc.constantFrom('', '*', 'Bash', '|', 'x'.repeat(501), '('.repeat(501)),
  fc.string({ maxLength: 40 }),
);

export const subject: fc.Arbitrary<string | undefined> = fc.oneof(
  fc.constantFrom('Bash', 'Edit', 'Agent', 'Task', 'mcp__a__b', undefined),
  fc.string({ maxLength: 300 }),
  fc
    .tuple(fc.constantFrom('a', 'ab', 'mcp__', '_'), fc.nat(400))
    .map(([text, times]) => text.repeat(times)),
);

/** Keys that reach a prototype, where something copies carelessly. */
const poison = fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString');
const json: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.dictionary(fc.oneof(poison, fc.string({ maxLength: 5 })), fc.jsonValue({ maxDepth: 1 }), {
    maxKeys: 3,
  }),
);

/** Mostly what fits, sometimes something else. */
const or = (fitting: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 6, arbitrary: fitting }, { weight: 1, arbitrary: json });

/** An object of which every key may be missing; now and then with one more. */
function shaped(keys: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> {
  const record = fc.record(
    Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, or(value)])),
    {
      requiredKeys: [],
      noNullPrototype: true,
    },
  );
  return fc.oneof(
    { weight: 8, arbitrary: record },
    {
      weight: 1,
      arbitrary: fc
        .tuple(record, poison, json)
        .map(([value, key, more]) => withOwn(value, key, more)),
    },
    { weight: 1, arbitrary: json },
  );
}

/** Also `__proto__` becomes a key, as a parser of JSON makes it one. */
function withOwn(value: object, key: string, more: unknown): object {
  const copy = { ...value };
  Object.defineProperty(copy, key, {
    value: more,
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return copy;
}

const text = fc.constantFrom('one', '', 'x\0', '/bin/true', './guard.sh', 'guard.mjs');
const texts = fc.array(text, { maxLength: 3 });
const names = fc.array(fc.constantFrom('TOKEN', 'HOME', '1', ''), { maxLength: 2 });
const number = fc.constantFrom(0, 1, -1, 0.5, 60, 1e12, Number.NaN);
const common = { timeout: number, timeoutMs: number, env: names, statusMessage: text };
const url = fc.constantFrom(
  'http://127.0.0.1:1/',
  'https://[::1]/',
  'ftp://a/',
  'http://u:p@a/',
  'nothing',
  'http://a/',
);
const typed = (
  type: string,
  keys: Readonly<Record<string, fc.Arbitrary<unknown>>>,
): fc.Arbitrary<unknown> => shaped({ type: fc.constant(type), ...keys });

export const hook: fc.Arbitrary<unknown> = fc.oneof(
  typed('command', { argv: texts, ...common }),
  typed('command', { command: text, args: texts, timeout: number }),
  typed('command', {
    command: text,
    async: fc.boolean(),
    once: fc.boolean(),
    shell: text,
    if: text,
  }),
  typed('warm', { argv: texts, ...common }),
  typed('function', { module: text, env: names }),
  typed('http', {
    url,
    headers: fc.dictionary(
      fc.constantFrom('A', 'X-Token', 'b d', ''),
      fc.constantFrom('v', '$TOKEN', 'a\nb', 'é'),
    ),
    allowedEnvVars: names,
  }),
  typed('webhook', { url }),
  typed('desktop', { timeoutMs: number }),
  shaped({ type: fc.constantFrom('prompt', 'agent', 'mcp_tool', 'other', 'if') }),
);

const group = shaped({ matcher, hooks: fc.array(hook, { maxLength: 3 }) });
export const hooks: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.dictionary(
      fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(...eventNames, 'attempt.ended') },
        {
          weight: 1,
          arbitrary: fc.constantFrom('pretooluse', 'PreTool', '__proto__', 'before.lunch'),
        },
      ),
      or(fc.array(group, { maxLength: 2 })),
      { maxKeys: 3 },
    ),
  },
  { weight: 1, arbitrary: json },
  { weight: 1, arbitrary: fc.constantFrom(undefined, null, 7n, () => undefined) },
);

const decision = fc.constantFrom(
  'allow',
  'deny',
  'ask',
  'defer',
  'approve',
  'block',
  'accept',
  'decline',
  'cancel',
  'maybe',
);
/** What a hook may print for an event. */
export const answer = (event: string): fc.Arbitrary<unknown> =>
  shaped({
    continue: fc.boolean(),
    stopReason: text,
    suppressOutput: fc.boolean(),
    systemMessage: text,
    decision,
    reason: text,
    async: fc.boolean(),
    hookSpecificOutput: shaped({
      hookEventName: fc.constant(event),
      permissionDecision: decision,
      permissionDecisionReason: text,
      decision: shaped({ behavior: decision, message: text }),
      action: decision,
      content: shaped({}),
      additionalContext: text,
      updatedInput: shaped({ command: text }),
      watchPaths: texts,
      sessionTitle: text,
      retry: fc.boolean(),
      reloadSkills: fc.boolean(),
      displayContent: text,
      worktreePath: text,
    }),
  });

/** Text that is JSON, nearly JSON, or none. */
export const printed = (value: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: value.map((one) => JSON.stringify(one)) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(value, fc.nat(60))
        .map(([one, length]) => JSON.stringify(one).slice(0, length)),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '{"a":{"__proto__":{"polluted":1}}}',
        '{"\\u005f_proto__":{"polluted":1}}',
        '  ',
        'words',
        '{"x":1}',
      ),
    },
  );

export const expansion = fc
  .array(
    fc.constantFrom(
      '$TOKEN',
      '${TOKEN}',
      '$HOME',
      '${HOME',
      '$',
      '$$',
      '${}',
      '$1',
      'text',
      '\r\nX: y',
    ),
    { maxLength: 5 },
  )
  .map((parts) => parts.join(''));
