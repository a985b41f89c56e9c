import type { ProblemCode } from './problem.js';

/** What a name stands for; `refused`: this text may not ask for it. */
export type Lookup = (
  name: string,
) => { readonly value: string | undefined } | { readonly refused: true };

export interface ExpansionFault {
  readonly code: Extract<ProblemCode, `ORCH_CONFIG_VARIABLE_${string}` | 'ORCH_CONFIG_TOO_LARGE'>;
  readonly message: string;
}

export interface Expanded {
  readonly text: string;
  readonly faults: readonly ExpansionFault[];
}

/** A variable with its default, as it is written in a text. */
interface Variable {
  readonly name: string;
  readonly fallback: readonly Part[] | undefined;
  readonly written: string;
}

type Part = string | Variable;

/**
 * Replaces `${NAME}` and `${NAME:-default}`; the default counts when the variable is unset or empty, ends at
 * the next `}`, and may hold variables itself. `$${` stands for `${`; a lone `$` is text. What a variable
 * holds is never read again. An unset variable without a default is a fault, and stays as written.
 *
 * @param maxLength Longest result, in UTF-16 units.
 */
export function expandText(text: string, lookup: Lookup, maxLength: number): Expanded {
  const template = parseTemplate(text);
  if (!Array.isArray(template)) return { text, faults: [template as ExpansionFault] };
  const faults: ExpansionFault[] = [];
  let length = 0;
  const add = (part: string): string => {
    length += part.length;
    return length > maxLength ? '' : part;
  };
  const write = (parts: readonly Part[]): string =>
    parts.map((part) => (typeof part === 'string' ? add(part) : fill(part))).join('');
  function fill({ name, fallback, written }: Variable): string {
    const found = lookup(name);
    if ('refused' in found) {
      const message = `this tier may not read the variable ${name}; use it in settings of your own`;
      faults.push({ code: 'ORCH_CONFIG_VARIABLE_REFUSED', message });
      return add(written);
    }
    const { value } = found;
    if (fallback !== undefined && (value === undefined || value === '')) return write(fallback);
    if (value !== undefined) return add(value);
    const message = `the variable ${name} is not set; set it, or write \${${name}:-default}`;
    faults.push({ code: 'ORCH_CONFIG_VARIABLE_UNSET', message });
    return add(written);
  }
  const result = write(template as readonly Part[]);
  if (length <= maxLength) return { text: result, faults };
  const message = `expected at most ${maxLength} characters once variables are filled in, received more`;
  return { text, faults: [{ code: 'ORCH_CONFIG_TOO_LARGE', message }] };
}

const variable = /\$\{([A-Za-z_]\w*)(:-|\})/y;

/** Defaults within defaults, deeper than anybody needs. */
const maxNesting = 16;

function parseTemplate(text: string): readonly Part[] | ExpansionFault {
  const open: { readonly name: string; readonly from: number; readonly parts: Part[] }[] = [];
  const root: Part[] = [];
  let parts = root;
  let at = 0;
  while (at < text.length) {
    const inner = open.at(-1);
    const stop = nextStop(text, at, inner !== undefined);
    if (stop > at) parts.push(text.slice(at, stop));
    at = stop;
    if (at === text.length) break;
    if (text[at] === '}' && inner !== undefined) {
      open.pop();
      at += 1;
      parts = open.at(-1)?.parts ?? root;
      const { name, from, parts: fallback } = inner;
      parts.push({ name, fallback, written: text.slice(from, at) });
    } else if (text.startsWith('$${', at)) {
      parts.push('${');
      at += 3;
    } else if (text[at + 1] !== '{') {
      parts.push('$');
      at += 1;
    } else {
      variable.lastIndex = at;
      const [written, name, ending] = variable.exec(text) ?? [];
      if (written === undefined || name === undefined || open.length === maxNesting) return syntax;
      if (ending === ':-') {
        open.push({ name, from: at, parts: [] });
        parts = open.at(-1)?.parts ?? root;
      } else parts.push({ name, fallback: undefined, written });
      at += written.length;
    }
  }
  const [unclosed] = open;
  if (unclosed === undefined) return root;
  const message = `the default of ${unclosed.name} has no end; expected }`;
  return { code: 'ORCH_CONFIG_VARIABLE_SYNTAX', message };
}

const syntax: ExpansionFault = {
  code: 'ORCH_CONFIG_VARIABLE_SYNTAX',
  message: 'expected ${NAME} or ${NAME:-default}; for the two characters ${ themselves write $${',
};

/** The next `$`, or inside of a default the next `}` if that comes first. */
function nextStop(text: string, at: number, inDefault: boolean): number {
  for (let index = at; index < text.length; index += 1) {
    const character = text[index];
    if (character === '$' || (inDefault && character === '}')) return index;
  }
  return text.length;
}
