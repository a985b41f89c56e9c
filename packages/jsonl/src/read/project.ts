import type { Projector } from './decode.js';
import { decodeAscii, decodeText } from './decode-text.js';
import { FieldLocator } from './locate-fields.js';
import type { FindObject } from './scan-buffer.js';
import { isPlain, none, quote } from './scan-value.js';
import type { Where } from './select-lines.js';

/** A string up to this long is looked through before it is decoded, as most need no parsing. */
const plainString = 64;

/** The string at `[start, end)`, when it is short and its bytes stand for themselves. */
function takePlainString(
  view: Buffer,
  words: DataView,
  start: number,
  end: number,
): string | undefined {
  if (view[start] !== quote || end - start > plainString) return undefined;
  return isPlain(words, start + 1, end - 1) ? decodeAscii(view, start + 1, end - 1) : undefined;
}

/** A class for the reason that `LineDecoder` is one. */
class FieldProjector implements Projector {
  private readonly fields: readonly string[];
  private readonly locator: FieldLocator;

  constructor(fields: readonly string[]) {
    this.fields = fields;
    this.locator = new FieldLocator(fields);
  }

  onChunk(view: Buffer, findObject: FindObject | undefined): void {
    this.locator.onChunk(view, findObject);
  }

  project(view: Buffer, from: number, end: number): object | undefined {
    const { fields, locator } = this;
    if (locator.locate(view, from, end, true) === 'unclear') return undefined;
    const { starts, ends, plain } = locator;
    const picked: Record<string, unknown> = {};
    for (let index = 0; index < fields.length; index += 1) {
      const start = starts[index] ?? none;
      if (start === none) continue;
      const end = ends[index] ?? start;
      const known =
        plain[index] === true
          ? decodeAscii(view, start + 1, end - 1)
          : takePlainString(view, locator.words, start, end);
      if (known !== undefined) {
        picked[fields[index] ?? ''] = known;
        continue;
      }
      const text = decodeText(view, start, end);
      if (text.includes('\ufffd')) return undefined;
      try {
        picked[fields[index] ?? ''] = JSON.parse(text);
      } catch {
        return undefined;
      }
    }
    return picked;
  }
}

/**
 * Takes fields out of the bytes of a record by following its brackets and quotes, so that only what
 * is wanted is decoded and parsed, and no further than the last of them if the rest of the line looks
 * like the rest of one record. A line about which anything is unusual is left to be parsed whole: no
 * object, a name with an escape, brackets that do not fit. `undefined` when that is all that helps.
 */
export function projectFields(fields: readonly string[], where: Where): Projector | undefined {
  // What `where` compares must be in what is made, and would have to be taken out of it again.
  if (Object.keys(where).some((name) => !fields.includes(name))) return undefined;
  // Assigning it would change the prototype.
  if (fields.includes('__proto__')) return undefined;
  return new FieldProjector(fields);
}
