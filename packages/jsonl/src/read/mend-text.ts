const quote = 0x22;
const backslash = 0x5c;

const short: Readonly<Record<number, string>> = {
  8: '\\b',
  9: '\\t',
  10: '\\n',
  12: '\\f',
  13: '\\r',
};

/** Text with more of them than this is not text, and mending it would take many times its memory. */
const maxRawControls = 1_000_000;

function escapeControl(code: number): string {
  return short[code] ?? `\\u${code.toString(16).padStart(4, '0')}`;
}

/**
 * JSON text with the characters below U+0020 that stand raw in its strings escaped, as their writer
 * must have meant them; `undefined` when there are none, or far too many.
 */
export function escapeRawControls(text: string): string | undefined {
  const parts: string[] = [];
  let copied = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === quote) inString = !inString;
    else if (code === backslash) index += 1;
    else if (code < 0x20 && inString) {
      if (parts.length >= 2 * maxRawControls) return undefined;
      parts.push(text.slice(copied, index), escapeControl(code));
      copied = index + 1;
    }
  }
  if (parts.length === 0) return undefined;
  parts.push(text.slice(copied));
  return parts.join('');
}

/** How far a text has come, so that it can be followed from one line to the next. */
export interface Nesting {
  readonly inString: boolean;
  /** Brackets that are open; below 0 when one was closed that never opened. */
  readonly depth: number;
}

/** Follows quotes and brackets over `[start, end)`. A newline after a backslash is taken as escaped. */
export function followNesting(
  bytes: Uint8Array,
  start: number,
  end: number,
  before: Nesting,
): Nesting {
  let { inString, depth } = before;
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index];
    if (byte === quote) inString = !inString;
    else if (inString) {
      if (byte === backslash) index += 1;
    } else if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
  return { inString, depth };
}
