export interface LineSplitter {
  /** The lines that `chunk` completes, or undefined when the current line is longer than allowed. */
  add(chunk: Buffer): string[] | undefined;
  /** The line that nothing ended, if any. */
  rest(): string[];
}

const newline = 0x0a;

/** Cuts bytes into lines; decodes whole lines only, so no character is torn between chunks. */
export function createLineSplitter(maxLineBytes: number): LineSplitter {
  let parts: Buffer[] = [];
  let partsBytes = 0;

  function take(last: Buffer): string {
    const line = parts.length === 0 ? last : Buffer.concat([...parts, last]);
    parts = [];
    partsBytes = 0;
    return line.toString('utf8');
  }

  return {
    add(chunk) {
      const lines: string[] = [];
      let from = 0;
      for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
        if (partsBytes + at - from > maxLineBytes) return undefined;
        lines.push(take(chunk.subarray(from, at)));
        from = at + 1;
      }
      if (from < chunk.length) {
        parts.push(chunk.subarray(from));
        partsBytes += chunk.length - from;
      }
      return partsBytes > maxLineBytes ? undefined : lines;
    },
    rest: () => (partsBytes === 0 ? [] : [take(Buffer.alloc(0))]),
  };
}
