import { shown } from './scan.js';

/** What of a server's definition decides what runs, as it is written: a variable is not filled in. */
export interface WrittenServer {
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly type?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly headersHelper?: string | readonly string[];
  /** Its resources are not pinned. */
  readonly dataResources?: boolean;
}

/** How a value of a variable or header is shown, by its name. */
type Showing = (value: string, name: string) => string;

/** What runs or is asked, with all that it is given, on one line, for the person who decides about it. Nothing is cut off. */
export const describeForPerson = (written: WrittenServer): string =>
  shown(describe(written, withoutSecret), Infinity);

/** The same for errors, which end in logs: of values no more than the variables of the user that they name. */
export const describeForLog = (written: WrittenServer): string =>
  shown(describe(written, referencesOf), 4000);

function describe(written: WrittenServer, showing: Showing): string {
  const { command, args = [], env = {}, cwd, url, headers = {}, dataResources } = written;
  const helper = helperWords(written);
  const words = command === undefined ? [] : [command, ...args];
  const given = (values: Readonly<Record<string, string>>, between: string): string =>
    Object.keys(values)
      .sort()
      .map((name) => `${quoted(name)}${between}${quoted(showing(values[name] ?? '', name))}`)
      .join(', ');
  const parts = [url ?? words.map(quoted).join(' ')];
  if (cwd !== undefined) parts.push(`in ${quoted(cwd)}`);
  if (Object.keys(env).length > 0) parts.push(`with the variables ${given(env, '=')}`);
  if (Object.keys(headers).length > 0) parts.push(`with the headers ${given(headers, ': ')}`);
  if (helper.length > 0)
    parts.push(`with the headers that this prints: ${helper.map(quoted).join(' ')}`);
  return `${parts.join(' ')}${dataResources === true ? ', its resources not pinned' : ''}`;
}

/** The words of the program that prints its headers, if it has one. */
export function helperWords({ headersHelper: helper }: WrittenServer): readonly string[] {
  return typeof helper === 'string' ? [helper] : (helper ?? []);
}

/** As a shell would want it; a line break within is a character that is seen. */
function quoted(word: string): string {
  const line = word.replaceAll(/[^\S ]/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`);
  return /^[\w@%+=:,./~${}-]+$/.test(line) ? line : `'${line.replaceAll("'", String.raw`'\''`)}'`;
}

/** `${NAME}` and `${NAME:-default}`; what stands between comes beside it. */
const reference = /(\$\{[A-Za-z_]\w*)((?::-[^}]*)?\})/;

function referencesOf(value: string): string {
  // Behind the last brace is none: each that begins there would be looked for up to the end.
  const end = value.lastIndexOf('}') + 1;
  const pieces = value.slice(0, end).split(reference);
  return [...pieces.slice(0, -1), `${pieces.at(-1) ?? ''}${value.slice(end)}`]
    .map((piece, at) => {
      if (at % 3 === 1) return piece;
      if (at % 3 === 2) return /^(?::-)?\}$/.test(piece) ? piece : ':-[redacted]}';
      return piece === '' ? '' : '[redacted]';
    })
    .join('');
}

const secretName =
  /(?:^|[^a-z])(?:api_?key|key|token|secret|password|passwd|pwd|credentials?|authorization|auth|cookie|pat)$/i;
const secretLook =
  /^(?:(?:sk|pk|rk)[-_]|gh[pousr]_|github_pat_|glpat-|npm_|hf_|xox[abeprs]-|AKIA|ASIA|AIza|eyJ)/;

/**
 * A password or key that somebody wrote into the file is not shown whole: whoever shares their screen would share it. Only
 * a single long word is taken for one, without a slash, a dot or a reference: no program, option or file hides in it.
 */
function withoutSecret(value: string, name: string): string {
  const [, scheme = '', word = ''] = /^((?:basic|bearer|dpop|token) +)?(.*)$/is.exec(value) ?? [];
  const isOneWord = /^\w[\w+=-]{15,}$/.test(word) || /^eyJ[\w.-]{15,}$/.test(word);
  const isSecret = secretLook.test(word) || scheme !== '' || secretName.test(snake(name));
  return isOneWord && isSecret ? `${scheme}${word.slice(0, 4)}[${word.length - 4} more]` : value;
}

/** `apiKey` is `api_Key`. */
const snake = (name: string): string => name.replaceAll(/([a-z\d])([A-Z])/g, '$1_$2');
