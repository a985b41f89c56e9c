const SPACE = new Set([' ', '\t', '\n', '\r']);
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;

/**
 * The offset of the first character that keeps `text` from being JSON (its length when it ends too
 * early), or undefined when it is JSON. Engines disagree on whether their error names a position.
 */
export function locateJsonError(text: string): number | undefined {
  let at = 0;
  const open: ('[' | '{')[] = [];
  let expected: 'value' | 'first-value' | 'first-key' | 'key' | 'end-of-value' = 'value';

  const lengthAt = (pattern: RegExp): number => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0].length ?? 0;
  };
  const skipSpace = () => {
    while (SPACE.has(text.charAt(at))) at += 1;
  };
  // Moves over one string; false leaves `at` on the offending character.
  const skipString = (): boolean => {
    at += 1;
    for (;;) {
      const character = text.charAt(at);
      if (character === '"') {
        at += 1;
        return true;
      }
      const length = character === '\\' ? lengthAt(ESCAPE) : character >= ' ' ? 1 : 0;
      if (length === 0) return false;
      at += length;
    }
  };
  const skipScalar = (): boolean => {
    if (text.charAt(at) === '"') return skipString();
    for (const word of ['true', 'false', 'null']) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return true;
      }
    }
    const length = lengthAt(NUMBER);
    at += length;
    return length > 0;
  };

  for (;;) {
    skipSpace();
    const character = text.charAt(at);
    if (expected === 'end-of-value') {
      const container = open.at(-1);
      if (container === undefined) return at === text.length ? undefined : at;
      if (character === ',') expected = container === '[' ? 'value' : 'key';
      else if (character === (container === '[' ? ']' : '}')) open.pop();
      else return at;
      at += 1;
    } else if (expected === 'first-key' || expected === 'key') {
      if (expected === 'first-key' && character === '}') {
        open.pop();
        at += 1;
        expected = 'end-of-value';
      } else {
        if (character !== '"' || !skipString()) return at;
        skipSpace();
        if (text.charAt(at) !== ':') return at;
        at += 1;
        expected = 'value';
      }
    } else if (expected === 'first-value' && character === ']') {
      open.pop();
      at += 1;
      expected = 'end-of-value';
    } else if (character === '[' || character === '{') {
      open.push(character);
      at += 1;
      expected = character === '[' ? 'first-value' : 'first-key';
    } else {
      if (!skipScalar()) return at;
      expected = 'end-of-value';
    }
  }
}

/** Describes an offset for a person: line, column, what is there, and the text around it. */
export function describePosition(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  const column = offset - (before.lastIndexOf('\n') + 1) + 1;
  const found = offset >= text.length ? 'the end' : showPart(text.charAt(offset));
  const left = showPart(text.slice(Math.max(0, offset - 24), offset));
  const right = showPart(text.slice(offset, offset + 24));
  return `line ${line}, column ${column} (character ${offset}): found ${found} in ... ${left} >>> ${right} ...`;
}

// One line, without quotes of its own: it is quoted again wherever it is shown.
function showPart(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
