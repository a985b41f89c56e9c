import { afterEach, describe, expect, it } from 'vitest';
import type { Json } from '../src/json.js';
import { fuzz, realSubject } from './fuzz.js';

describe('fuzzing', () => {
  afterEach(() => {
    for (const key of Object.keys(Object.prototype)) Reflect.deleteProperty(Object.prototype, key);
  });

  it('100,000 texts and templates: nothing thrown, nothing polluted, every fault has a place', async () => {
    fuzz(await realSubject(), 1, 100_000);
  });

  it('finds a planted pollution: a merge that walks into __proto__', async () => {
    const subject = await realSubject();
    const naive = (target: Record<string, unknown>, value: Json): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const [key, inner] of Object.entries(value)) {
        if (typeof inner === 'object' && inner !== null) {
          naive((target[key] ??= {}) as Record<string, unknown>, inner);
        } else target[key] = inner;
      }
    };
    // A program that is not careful with what JSON.parse gave it.
    const parse: typeof subject.parse = (text, format, duplicates) => {
      try {
        naive({}, JSON.parse(text) as Json);
      } catch {
        // No JSON: nothing to be careless with.
      }
      return subject.parse(text, format, duplicates);
    };
    expect(() => fuzz({ ...subject, parse }, 1, 100_000)).toThrow(/polluted with/);
  });

  it('finds a planted expansion that reads what variables hold', async () => {
    const subject = await realSubject();
    const expand: typeof subject.expand = (text, lookup, most) => {
      const once = subject.expand(text, lookup, most);
      return { ...once, text: once.text.replace('one', '${') };
    };
    expect(() => fuzz({ ...subject, expand }, 1, 100_000)).toThrow(/not filled in/);
  });

  it('finds a planted parser that throws', async () => {
    const subject = await realSubject();
    const parse: typeof subject.parse = (text, format, duplicates) => {
      if (text.includes('\u0000')) throw new RangeError('planted');
      return subject.parse(text, format, duplicates);
    };
    expect(() => fuzz({ ...subject, parse }, 1, 100_000)).toThrow(/thrown RangeError: planted/);
  });
});
