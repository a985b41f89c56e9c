import { isList, isObject, type Json } from './json.js';
import type { SettingPath } from './setting-path.js';

/** What stands where a secret stood. */
export const redacted = '[redacted]';

/** Takes secrets out of what is shown: by the name of a key, by known values, by the look of a value. */
export interface Redactor {
  readonly text: (text: string) => string;
  /** The value as it may be shown; `path` is where it stands. */
  readonly value: (value: Json, path: SettingPath) => Json;
}

const secretWords = new Set(
  'key token secret password passphrase passwd pwd credential credentials authorization auth bearer cookie apikey pat dsn secrets passwords'.split(
    ' ',
  ),
);

/** Whether a key names a secret: `apiKey`, `GITHUB_TOKEN`, `Authorization`; not `keyHelper`, not `maxTokens`. */
export function isSecretKey(key: string): boolean {
  if (key.length > 200) return false;
  const words = key
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/);
  const last = words.at(-1) ?? '';
  return secretWords.has(last) || words.includes('secret') || words.includes('password');
}

/** Shorter values would tear ordinary text apart. */
const shortestSecret = 6;

/** What secrets of well-known makers look like, and places where secrets stand in addresses and headers. */
const looks: readonly (readonly [RegExp, string])[] = [
  [
    /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z ]{0,40}-----)?/g,
    redacted,
  ],
  [/\b(?:sk|pk|rk)-[\w-]{8,}/g, redacted],
  [/\b(?:sk|pk|rk)_(?:live|test)_\w{8,}/g, redacted],
  [/\b(?:gh[pousr]_|github_pat_|glpat-|npm_|hf_|pypi-|xox[abeprs]-)[\w-]{10,}/g, redacted],
  [/\bA(?:KIA|SIA)[0-9A-Z]{16}\b/g, redacted],
  [/\bAIza[\w-]{35}/g, redacted],
  [/\beyJ[\w-]{8,400}\.[\w-]{8,8000}\.[\w-]*/g, redacted],
  [/\b(Bearer)\s+[\w+/.~-]{8,}=*/gi, `$1 ${redacted}`],
  [/\b(Basic)\s+(?=[\w+/]{0,40}[A-Z\d])[\w+/]{8,}=*/g, `$1 ${redacted}`],
  [/(:\/\/)[^\s/?#@]{1,500}@/g, `$1${redacted}@`],
  [
    /([?&;](?:access_token|api_key|apikey|token|key|secret|password|sig|signature)=)[^\s&#"']+/gi,
    `$1${redacted}`,
  ],
];

/** A redactor for known secret values, and for what looks like one. */
export function createRedactor(secrets: Iterable<string>): Redactor {
  const needles = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < shortestSecret) continue;
    for (const one of [secret, ...secret.split(/\r?\n/).filter(({ length }) => length > 15)]) {
      needles.add(one);
      needles.add(JSON.stringify(one).slice(1, -1));
      needles.add(encodeText(one));
    }
  }
  // The longest first, so that no part of a secret is left beside the replacement of another part.
  const ordered = [...needles].sort((left, right) => right.length - left.length);

  function text(input: string): string {
    let output = input;
    for (const needle of ordered) output = output.replaceAll(needle, redacted);
    for (const [look, replacement] of looks) output = output.replace(look, replacement);
    return output;
  }

  function value(input: Json, path: SettingPath): Json {
    const secret = path.some((step) => typeof step === 'string' && isSecretKey(step));
    return shown(input, secret);
  }

  function shown(input: Json, secret: boolean): Json {
    if (typeof input === 'string') return secret && input !== '' ? redacted : text(input);
    if (typeof input === 'number') return secret ? redacted : input;
    if (isList(input)) return input.map((item) => shown(item, secret));
    if (!isObject(input)) return input;
    return Object.fromEntries(
      Object.entries(input).map(([key, item]) => [
        text(key),
        shown(item, secret || isSecretKey(key)),
      ]),
    );
  }

  return { text, value };
}

/** Half of a surrogate pair has no encoding. */
const encodeText = (text: string): string => encodeURIComponent(text.toWellFormed());

/** Values that stand under a secret key, anywhere in a value. */
export function secretsIn(value: Json): string[] {
  const found: string[] = [];
  function walk(inner: Json, secret: boolean): void {
    if (typeof inner === 'string' && secret) found.push(inner);
    else if (isList(inner)) for (const item of inner) walk(item, secret);
    else if (isObject(inner)) {
      for (const [key, item] of Object.entries(inner)) walk(item, secret || isSecretKey(key));
    }
  }
  walk(value, false);
  return found;
}

/** Values of variables whose name says that they are secret. */
export function secretVariables(
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && isSecretKey(name) ? [value] : [],
  );
}
