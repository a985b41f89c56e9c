import fc from 'fast-check';
import { eventFacts, eventNames } from '../../src/index.js';
import { excerpt, parseJson, type Json } from '../../src/json.js';
import { matches, readMatcher } from '../../src/matcher/matcher.js';
import { readAnswer } from '../../src/run/answer.js';
import { expandAllowed, hookEnvironment } from '../../src/run/environment.js';
import { noticeText } from '../../src/run/notice.js';
import { identityOf, readHookSpec } from '../../src/table/hook-spec.js';
import { readLayers } from '../../src/table/read-layers.js';
import { answer, expansion, hook, hooks, matcher, printed, subject } from './arbitrary-hooks.js';

export interface FuzzOptions {
  /** Inputs for all properties together. */
  readonly inputs: number;
  readonly seed: number;
  /** What reads JSON; another one is the negative control. */
  readonly parse?: (text: string) => Json;
}

const names = Object.getOwnPropertyNames(Object.prototype).join();

/** Throws if a value, or what all objects inherit, was changed by reading something. */
function requireClean(value: unknown): void {
  if (Object.getOwnPropertyNames(Object.prototype).join() !== names || 'polluted' in {})
    throw new Error('Object.prototype was changed');
  JSON.stringify(value ?? null, (key, inner: unknown) => {
    if (key === '__proto__') throw new Error('a key __proto__ came through');
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) {
      const parent: unknown = Object.getPrototypeOf(inner);
      if (parent !== null && parent !== Object.prototype && !(inner instanceof RegExp))
        throw new Error('a value has another prototype');
    }
    return inner;
  });
}

/** Feeds every reader of this package with what its grammar makes. Throws with the smallest input that fails. */
export function fuzz({ inputs, seed, parse = parseJson }: FuzzOptions): void {
  const share = (part: number) => ({ numRuns: Math.ceil(inputs * part), seed });
  fc.assert(
    fc.property(matcher, subject, fc.boolean(), (text, value, isGuarded) => {
      const read = readMatcher(text);
      if ('fault' in read) {
        if (read.position < 0 || read.position > text.length)
          throw new Error('the position is outside');
      } else if (read.kind !== 'pattern' || (value?.length ?? 0) < 20)
        matches(read, value, isGuarded);
    }),
    share(0.2),
  );
  fc.assert(
    fc.property(hook, (value) => {
      const read = readHookSpec(parse(JSON.stringify(value)));
      requireClean(read);
      if ('fault' in read) return;
      if (!(read.timeoutMs >= 1 && read.timeoutMs < 2 ** 31))
        throw new Error(`timeoutMs is ${read.timeoutMs}`);
      identityOf(read);
    }),
    share(0.25),
  );
  fc.assert(
    fc.property(hooks, fc.constantFrom(undefined, 'unreadable'), (value, problem) => {
      const layer = {
        tier: 'project',
        source: 'fuzz',
        hooks: value,
        ...(problem === undefined ? {} : { problem }),
      } as const;
      const { entries, refused } = readLayers([layer, { ...layer, tier: 'user' }]);
      requireClean([entries, refused]);
    }),
    share(0.15),
  );
  const event = fc.constantFrom(...eventNames);
  const said = event.chain((name) => fc.tuple(fc.constant(name), printed(answer(name))));
  fc.assert(
    fc.property(said, ([name, text]) => {
      requireClean(parse(validJson(text)));
      requireClean(readAnswer(text, name, eventFacts(name)));
    }),
    share(0.3),
  );
  fc.assert(
    fc.property(
      expansion,
      fc.subarray(['TOKEN', 'HOME', '__proto__']),
      fc.string({ maxLength: 700 }),
      (text, allowed, any) => {
        const outer = { TOKEN: 'fa\r\nke', HOME: '/home/user', LC_ALL: 'C', UNSET: undefined };
        const expanded = expandAllowed(text, allowed, outer);
        if (!allowed.includes('HOME') && expanded.includes('/home/user'))
          throw new Error('it was not allowed');
        const env = hookEnvironment({ outer, path: '/bin', allowed, project: '/', event: 'Stop' });
        if (env['TOKEN'] !== undefined && !allowed.includes('TOKEN'))
          throw new Error('it was not allowed');
        if (/[\n\r\0]/.test(excerpt(any)) || excerpt(any).length > 500)
          throw new Error('an excerpt is one short line');
        if (noticeText({ event: 'Stop', payload: JSON.stringify({ task: any }) }).includes('\n'))
          throw new Error('two lines');
      },
    ),
    share(0.1),
  );
}

function validJson(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return 'null';
  }
}

/** How settings were merged in many a program: whoever writes `__proto__` writes to all objects. */
export function plantedPollution(text: string): Json {
  const into = (target: Record<string, unknown>, value: object): Record<string, unknown> => {
    for (const key of Object.keys(value)) {
      const inner: unknown = (value as Record<string, unknown>)[key];
      if (typeof inner === 'object' && inner !== null && typeof target[key] === 'object')
        into(target[key] as Record<string, unknown>, inner);
      else if (key !== '__proto__') target[key] = inner;
    }
    return target;
  };
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? (into({}, value) as Json) : (value as Json);
}
