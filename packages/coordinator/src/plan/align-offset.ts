/**
 * Offset in a scalar as written for an offset in its value. Both texts are walked side by side:
 * whatever YAML drops (indentation, line folds, quote marks, escapes) is skipped on the written
 * side. Exact for everything but exotic escapes, where it stays on the same scalar.
 */
export function alignOffset(
  written: string,
  style: 'plain' | 'single' | 'double' | 'block',
  value: string,
  offset: number,
): number {
  let at = 0;
  if (style === 'single' || style === 'double') at = 1;
  if (style === 'block') at = written.indexOf('\n') + 1;
  for (let index = 0; index < offset && at < written.length;) {
    const want = value[index];
    const have = written[at];
    if (have === want) {
      index++;
      // '' stands for one quote mark.
      at += style === 'single' && have === "'" ? 2 : 1;
    } else if (style === 'double' && have === '\\') {
      const length = escapeLength(written, at);
      at += length;
      if (written[at - 1] !== '\n') index++;
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
  while (isSpace(written[at]) && !isSpace(value[offset])) at++;
  return Math.min(at, written.length);
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\n' || character === '\t' || character === '\r';
}

function escapeLength(written: string, at: number): number {
  const kind = written[at + 1];
  return kind === 'x' ? 4 : kind === 'u' ? 6 : kind === 'U' ? 10 : 2;
}
