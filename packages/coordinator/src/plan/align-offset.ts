/**
 * From offsets in the value of a scalar to offsets in the scalar as written. Both texts are walked
 * side by side: whatever YAML drops (indentation, line folds, quote marks, escapes) is skipped on
 * the written side. Exact for everything but exotic escapes, where it stays in the same scalar.
 * Ascending offsets cost one walk altogether.
 */
export function createAligner(
  written: string,
  style: 'plain' | 'single' | 'double' | 'block',
  value: string,
): (offset: number) => number {
  const begin = style === 'block' ? written.indexOf('\n') + 1 : style === 'plain' ? 0 : 1;
  let index = 0;
  let at = begin;
  return (offset) => {
    if (offset < index) [index, at] = [0, begin];
    while (index < offset && at < written.length) step();
    let end = at;
    while (isSpace(written[end]) && !isSpace(value[offset])) end++;
    return Math.min(end, written.length);
  };

  function step(): void {
    const want = value[index];
    const have = written[at];
    if (style === 'double' && have === '\\') {
      at += escapeLength(written, at);
      // An escaped line break stands for nothing.
      if (written[at - 1] !== '\n') index++;
    } else if (have === want) {
      index++;
      // '' stands for one quote mark.
      at += style === 'single' && have === "'" ? 2 : 1;
    } else if (isSpace(have)) {
      at++;
      // A folded line break is one space of the value.
      if (have === '\n' && want === ' ' && !isSpace(value[index + 1])) index++;
    } else if (isSpace(want)) {
      index++;
    } else {
      at++;
      index++;
    }
  }
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\n' || character === '\t' || character === '\r';
}

function escapeLength(written: string, at: number): number {
  const kind = written[at + 1];
  return kind === 'x' ? 4 : kind === 'u' ? 6 : kind === 'U' ? 10 : 2;
}
