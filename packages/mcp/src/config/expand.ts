/** A text whose variables are filled in. */
export interface Expanded {
  readonly text: string;
  /** Variables that are not set and have no default. */
  readonly unset: readonly string[];
  /** The values that were filled in. */
  readonly values: readonly string[];
}

/**
 * Fills in `${NAME}` and `${NAME:-default}`, as Claude Code does: `$NAME` is text, what a variable holds is not read
 * again, and the default is for a variable that is not set. One that is not set and has no default stays as written.
 */
export function expandVariables(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): Expanded {
  const unset: string[] = [];
  const values: string[] = [];
  // Behind the last brace is none: each that begins there would be looked for up to the end.
  const end = text.lastIndexOf('}') + 1;
  const expanded = text
    .slice(0, end)
    .replaceAll(
      /\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g,
      (written, name: string, fallback: string | undefined) => {
        const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
        if (value !== undefined) {
          values.push(value);
          return value;
        }
        if (fallback === undefined) unset.push(name);
        return fallback ?? written;
      },
    );
  return { text: expanded + text.slice(end), unset, values };
}
