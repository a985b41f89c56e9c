/** One challenge of a `WWW-Authenticate` header (RFC 9110, 11.6.1). Names are in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** A parameter (`name=value`, `name="value"`), or a scheme with or without a token68. Commas separate both. */
const item =
  /[\s,]*(?:([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~\w:/?@-]+))(?=[ \t]*(?:,|$))|([!#$%&'*+.^_`|~\w-]+)(?:[ \t]+([\w.~+/-]+=*)(?=[ \t]*(?:,|$)))?)/y;

/** All challenges, in order. What is not of the grammar ends the reading: what came before it holds. */
export function parseChallenges(header: string | undefined): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  if (header === undefined) return challenges;
  item.lastIndex = 0;
  for (let found = item.exec(header); found !== null; found = item.exec(header)) {
    const [, name, quoted, plain, scheme] = found;
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    else if (name !== undefined) {
      const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '';
      const parameters = challenges.at(-1)?.parameters;
      // The first of a name holds: a second is not allowed, and cannot take its place.
      if (parameters !== undefined) parameters[name.toLowerCase()] ??= value;
    }
  }
  return challenges;
}

/** Scopes are separated by spaces; those with other characters than RFC 6749 3.3 allows are left out. */
export const splitScope = (scope: string | undefined): readonly string[] => [
  ...new Set((scope ?? '').split(' ').filter((one) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(one))),
];
