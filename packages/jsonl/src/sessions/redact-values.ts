/** Replaces secrets in a line. */
export interface Redactor {
  (line: string): string;
  /** How many of the declared values are too short to be replaced. */
  readonly skipped: number;
}

/** Shorter values occur by chance in ordinary text, which would become unreadable. */
const minimumLength = 8;
const replacement = '[redacted]';

/** A value as it stands inside a JSON string. */
function escapeJson(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

/** Every form of these values, from plain to escaped `depth` times, as one expression. */
function matchForms(values: readonly string[], depth: number): RegExp {
  const forms = new Set<string>();
  for (const value of values) {
    let form = value;
    for (let level = 0; level <= depth; level += 1) {
      forms.add(form);
      form = escapeJson(form);
    }
  }
  // The longest first: of two values one may begin with the other.
  const longestFirst = [...forms].sort((left, right) => right.length - left.length);
  const escaped = longestFirst.map((form) => form.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(escaped.join('|'), 'g');
}

/**
 * Makes a redactor that puts `[redacted]` in place of each declared value of 8 characters or more,
 * wherever it stands in a record: in strings, keys and numbers, and in JSON text inside strings (two
 * levels). The result is JSON if the line was. Other encodings of a value (base64, percent) and a
 * value divided between two records are not found. The redactor can be given any text.
 *
 * @throws TypeError when a value is not a string
 */
export function redactValues(values: readonly string[]): Redactor {
  for (const value of values) {
    if (typeof value !== 'string')
      throw new TypeError(`A secret must be a string, received a ${typeof value}`);
  }
  const long = values.filter((value) => value.length >= minimumLength);
  const skipped = values.length - long.length;
  if (long.length === 0) return Object.assign((line: string) => line, { skipped });

  const inText = matchForms(long, 3);
  const inValue = matchForms(long, 2);

  function redactObject(value: object): object {
    // fromEntries defines properties, so that a key "__proto__" stays a key.
    const entries = Object.entries(value).map(([key, item]): [string, unknown] => [
      key.replace(inValue, replacement),
      item,
    ]);
    const names = new Set(entries.map(([key]) => key));
    // Two keys that differ in their secrets only: numbered, so that neither replaces the other.
    if (names.size < entries.length) entries.forEach((entry, index) => (entry[0] += ` ${index}`));
    return Object.fromEntries(entries);
  }

  function redactItem(_key: string, item: unknown): unknown {
    if (typeof item === 'string') return item.replace(inValue, replacement);
    if (typeof item === 'number') {
      const text = String(item);
      const redacted = text.replace(inValue, replacement);
      return redacted === text ? item : redacted;
    }
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item;
    const isTold = Object.keys(item).some((key) => key.search(inValue) !== -1);
    return isTold ? redactObject(item) : item;
  }

  function redact(line: string): string {
    if (line.search(inText) === -1) return line;
    let value: unknown;
    try {
      // Replacing in the text of the line could cut an escape in two, or leave a bare word for a number.
      value = JSON.parse(line, redactItem);
    } catch {
      return line.replace(inText, replacement);
    }
    return JSON.stringify(value);
  }

  return Object.assign(redact, { skipped });
}
