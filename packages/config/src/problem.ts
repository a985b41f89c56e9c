/** What can be wrong with settings. The set is closed; codes keep their meaning. */
export type ProblemCode =
  /** The text is not what its format allows. */
  | 'ORCH_CONFIG_SYNTAX'
  /** The bytes are no UTF-8. */
  | 'ORCH_CONFIG_ENCODING'
  /** The same key twice in one object. */
  | 'ORCH_CONFIG_DUPLICATE_KEY'
  /** A key that would reach the language's own objects. */
  | 'ORCH_CONFIG_RESERVED_KEY'
  /** A YAML anchor, alias or tag. */
  | 'ORCH_CONFIG_YAML_FEATURE'
  /** A value that JSON cannot hold exactly: not a number, a whole number beyond 2^53. */
  | 'ORCH_CONFIG_VALUE'
  /** The document is no object. */
  | 'ORCH_CONFIG_NOT_AN_OBJECT'
  /** More bytes than a settings file needs. */
  | 'ORCH_CONFIG_TOO_LARGE'
  /** Nested deeper than 64 levels, or in a circle. */
  | 'ORCH_CONFIG_TOO_DEEP'
  /** A directory, a pipe, a device where a file should be. */
  | 'ORCH_CONFIG_NOT_A_FILE'
  /** The system does not let us read it. */
  | 'ORCH_CONFIG_UNREADABLE'
  /** A link that leads out of the directory that the file must lie in. */
  | 'ORCH_CONFIG_OUTSIDE'
  /** `${NAME}` without a default, and the variable is not set. */
  | 'ORCH_CONFIG_VARIABLE_UNSET'
  /** `${NAME}` in a tier that may not see that variable. */
  | 'ORCH_CONFIG_VARIABLE_REFUSED'
  /** `${` that is neither a variable nor escaped. */
  | 'ORCH_CONFIG_VARIABLE_SYNTAX'
  /** A key that the schema does not have. */
  | 'ORCH_CONFIG_UNKNOWN_KEY'
  /** A key that the schema requires. */
  | 'ORCH_CONFIG_MISSING_KEY'
  /** A value of another type than the schema's. */
  | 'ORCH_CONFIG_WRONG_TYPE'
  /** A value of the right type that the schema does not take. */
  | 'ORCH_CONFIG_WRONG_VALUE'
  /** A tier that may only narrow tried to widen; what it says there does not count. A warning. */
  | 'ORCH_CONFIG_WIDENS'
  /** Another program would not take this; what it says does not count. A warning. */
  | 'ORCH_CONFIG_DROPPED'
  /** A policy has closed a list; what another tier adds does not count. A warning. */
  | 'ORCH_CONFIG_CLOSED';

/** One thing that is wrong, and where. No field ever holds a secret value. */
export interface Problem {
  readonly code: ProblemCode;
  /** With an `error` there is no value; a `warning` is shown. */
  readonly severity: 'error' | 'warning';
  readonly tier: string;
  /** The file's path, or the name of a value that was handed over. */
  readonly source: string;
  /** Counts from 1. Only for files. */
  readonly line?: number;
  /** Counts from 1, in UTF-16 units as editors do. Only for files. */
  readonly column?: number;
  /** Where in the settings, as {@link formatPath} writes it; empty for the whole document. */
  readonly path: string;
  /** One sentence, complete without the other fields. */
  readonly message: string;
  readonly expected?: string;
  readonly received?: string;
  /** What was probably meant. */
  readonly suggestion?: string;
}

/** What a check says before its place is known. */
export interface Finding {
  readonly code: ProblemCode;
  readonly message: string;
  readonly severity?: 'error' | 'warning';
  readonly expected?: string | undefined;
  readonly received?: string | undefined;
  readonly suggestion?: string | undefined;
}

/** `file:line:column: message (path), did you mean …`, on one line, without control characters. */
export function formatProblem(problem: Problem): string {
  const place = [problem.source, problem.line, problem.column].filter((one) => one !== undefined);
  const label = problem.severity === 'warning' ? 'warning: ' : '';
  const meant =
    problem.suggestion === undefined || problem.message.includes(problem.suggestion)
      ? ''
      : `; did you mean ${problem.suggestion}?`;
  return printable(`${place.join(':')}: ${label}${problem.message}${meant}`);
}

/** Control and direction-changing characters become visible stand-ins. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, '\uFFFD');
}
