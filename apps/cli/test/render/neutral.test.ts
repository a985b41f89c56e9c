import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { behindGutter, inertJson, neutral, oneLine, onlyStyles } from '../../src/render/neutral.js';

/** Everything that a terminal or a CI service acts on. */
const acts = new RegExp('[^\\P{Cc}\\n\\t]|\\p{Cf}|##(?:\\w*)\\[', 'u');

/** What an agent, a command or a repository may send, and what is left of it. */
const corpus: readonly (readonly [name: string, payload: string, left: string])[] = [
  ['colour', '\u001b[31mred\u001b[0m', 'red'],
  ['clear screen', '\u001b[2J\u001b[Hx', 'x'],
  ['cursor up and overwrite', 'a\u001b[1A\u001b[2Kb', 'ab'],
  ['alternate screen', '\u001b[?1049hx', 'x'],
  ['terminal reset', '\u001bcx', 'x'],
  ['window title', '\u001b]0;evil\u0007x', 'x'],
  ['title ended by ST', '\u001b]2;evil\u001b\\x', 'x'],
  ['link', '\u001b]8;;https://example.org\u001b\\text\u001b]8;;\u001b\\', 'text'],
  ['clipboard', '\u001b]52;c;ZXZpbA==\u0007x', 'x'],
  ['device control', '\u001bPq#0;2;0;0;0\u001b\\x', 'x'],
  ['application command', '\u001b_Gf=100;AAAA\u001b\\x', 'x'],
  ['eight-bit CSI', '\u009b31mx', 'x'],
  ['eight-bit OSC', '\u009d0;evil\u009cx', 'x'],
  ['an OSC without an end hides nothing', '\u001b]0;still here', '0;still here'],
  ['a sequence inside a sequence', '\u001b[\u001b[31m31mx', '31mx'],
  ['a sequence around a NUL', '\u001b\u0000[31mx', '[31mx'],
  ['carriage return', 'good\revil', 'good\nevil'],
  ['CR LF', 'a\r\nb', 'a\nb'],
  ['backspaces', 'evil\b\b\b\bgood', 'evilgood'],
  ['bell, NUL, DEL', '\u0007\u0000\u007fx', 'x'],
  ['vertical tab, form feed', 'a\u000bb\u000cc', 'a\nb\nc'],
  ['line separators', 'a\u2028b\u2029c\u0085d', 'a\nb\nc\nd'],
  ['right-to-left override', '\u202egnp.exe', 'gnp.exe'],
  ['isolates', '\u2066a\u2069', 'a'],
  ['zero width', 'pass\u200bword\ufeff', 'password'],
  ['tags', 'x\u{e0041}\u{e0042}', 'x'],
  ['a lone surrogate', 'a\ud800b', 'ab'],
  ['piled marks', `x${'\u0301'.repeat(50)}`, `x${'\u0301'.repeat(4)}`],
  ['a CI command', '##[error]evil', '## [error]evil'],
  ['another one', 'x ##vso[task.setvariable]y', 'x ## vso[task.setvariable]y'],
  ['plain text, tabs, lines', 'a\tb\nc: é 漢字 🙂', 'a\tb\nc: é 漢字 🙂'],
];

describe('neutral', () => {
  it.each(corpus)('%s', (_name, payload, left) => {
    expect(neutral(payload)).toBe(left);
    expect(neutral(payload)).not.toMatch(acts);
  });

  it('the same payloads act when nothing is taken out: the check can fail', () => {
    const harmless = ['plain text', 'lone surrogate', 'piled', 'line sep', 'surrogate'];
    for (const [name, payload] of corpus) {
      if (harmless.some((one) => name.includes(one))) continue;
      expect(payload, name).toMatch(acts);
    }
  });

  it('leaves nothing that acts of any text, and changes nothing when it is applied again', () => {
    const hostile = fc.string({
      unit: fc.oneof(
        fc.constantFrom(
          '\u001b',
          '[',
          ']',
          '\u009b',
          '\u009d',
          '\u0007',
          '\\',
          ';',
          '0',
          'm',
          'P',
          '#',
        ),
        fc.string({ unit: 'binary', maxLength: 2 }),
      ),
      maxLength: 60,
    });
    fc.assert(
      fc.property(hostile, (text) => {
        const once = neutral(text);
        return !acts.test(once) && neutral(once) === once;
      }),
      { numRuns: 2000 },
    );
  });

  it('takes time in proportion to the text: a million openings without an end come through', () => {
    for (const opening of ['\u001b]', '\u001b[', '\u009d', '##', 'e\u0301'])
      expect(neutral(opening.repeat(500_000)).length).toBeLessThanOrEqual(1_500_000);
  });
});

describe('lines of others', () => {
  const forged = '20/20 succeeded · 4 gates · $0.00\n✔ evil merged\n::error::x';

  it('stay on one line where a line is ours', () => {
    expect(oneLine(`Done.\n${forged}`)).not.toContain('\n');
    expect(oneLine('  a \n\n b\t c ')).toBe('a b c');
  });

  it('stand behind a gutter where they are several', () => {
    for (const line of behindGutter(forged)) expect(line).toMatch(/^│ /);
    // Without the gutter they would pass for ours.
    for (const line of forged.split('\n')) expect(line).not.toMatch(/^│ /);
  });
});

describe('the guard before the screen', () => {
  it('lets our colours pass where there are colours, and nothing else', () => {
    const text = '\u001b[32mok\u001b[39m \u001b[2J\u001b]0;x\u0007\u009b31m';
    expect(onlyStyles(text, true)).toBe('\u001b[32mok\u001b[39m [2J]0;x31m');
    expect(onlyStyles(text, false)).toBe('ok [2J]0;x31m');
  });
});

describe('JSON for programs', () => {
  it('has nothing in it that acts on a terminal, and the same value when it is read', () => {
    for (const [, payload] of corpus) {
      expect(inertJson({ payload })).not.toMatch(/[^\P{Cc}]|\p{Cf}/u);
      expect(JSON.parse(inertJson({ payload }))).toEqual({ payload });
    }
    // What JSON alone leaves in.
    expect(JSON.stringify({ text: '\u009b31m\u202e' })).toMatch(/\p{Cc}|\p{Cf}/u);
  });
});
