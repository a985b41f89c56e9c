import type { Spot } from './source-text.js';
import { formatPath, type Path } from './path.js';

/** What can be wrong with a plan. The set is closed; codes keep their meaning for ever. */
export type PlanProblemCode =
  /** The text is no YAML (or JSON). */
  | 'ORCH_PLAN_SYNTAX'
  /** More than 1 MiB, or more values than a plan can need. */
  | 'ORCH_PLAN_TOO_LARGE'
  /** Nested deeper than 64 levels. */
  | 'ORCH_PLAN_TOO_DEEP'
  /** A NUL or another control character. */
  | 'ORCH_PLAN_CONTROL_CHARACTER'
  /** A tab where indentation belongs. */
  | 'ORCH_PLAN_TAB'
  /** More than one YAML document in the file. */
  | 'ORCH_PLAN_MULTIPLE_DOCUMENTS'
  /** An anchor, an alias or a merge key. */
  | 'ORCH_PLAN_ALIAS'
  /** A YAML tag. */
  | 'ORCH_PLAN_TAG'
  /** A glob that YAML reads as a tag or an alias. */
  | 'ORCH_PLAN_UNQUOTED_GLOB'
  /** Text that YAML cuts off at ` #`. */
  | 'ORCH_PLAN_UNQUOTED_COMMENT'
  /** A number that YAML changes: `3.10` becomes 3.1. */
  | 'ORCH_PLAN_UNQUOTED_NUMBER'
  /** `${{ … }}` inside `[…]` or `{…}` without quotes. */
  | 'ORCH_PLAN_UNQUOTED_REFERENCE'
  /** The same key twice in one mapping. */
  | 'ORCH_PLAN_DUPLICATE_KEY'
  /** A key that the grammar does not have. */
  | 'ORCH_PLAN_UNKNOWN_KEY'
  /** A required key is missing. */
  | 'ORCH_PLAN_MISSING_KEY'
  /** A value of another type than the key takes. */
  | 'ORCH_PLAN_WRONG_TYPE'
  /** A value of the right type that the key does not take. */
  | 'ORCH_PLAN_WRONG_VALUE'
  /** A time without a unit. */
  | 'ORCH_PLAN_DURATION'
  /** Reserved grammar that does not work in this version. */
  | 'ORCH_PLAN_NOT_YET'
  /** Keys that exclude or require each other. */
  | 'ORCH_PLAN_CONFLICTING_KEYS'
  /** Two tasks, waves or definitions with one name. */
  | 'ORCH_PLAN_DUPLICATE_NAME'
  /** A name that means something else already. */
  | 'ORCH_PLAN_RESERVED_NAME'
  /** `needs` or `each` names no task. */
  | 'ORCH_PLAN_UNKNOWN_TASK'
  /** A gate that is not defined. */
  | 'ORCH_PLAN_UNKNOWN_GATE'
  /** An agent that is not defined. */
  | 'ORCH_PLAN_UNKNOWN_AGENT'
  /** Tasks that wait for each other. */
  | 'ORCH_PLAN_CYCLE'
  /** A task that waits for a later wave. */
  | 'ORCH_PLAN_WAVE_ORDER'
  /** A file that the plan names is not there, cannot be read, or holds nothing usable. */
  | 'ORCH_PLAN_FILE'
  /** An absolute path, or one that leaves the plan's directory or the repository. */
  | 'ORCH_PLAN_FILE_PATH'
  /** A command string that the splitting rule refuses. */
  | 'ORCH_PLAN_COMMAND'
  /** Something between `${{` and `}}` that is no path. */
  | 'ORCH_PLAN_REFERENCE_SYNTAX'
  /** A root, task or field that does not exist. */
  | 'ORCH_PLAN_REFERENCE_UNKNOWN'
  /** A task's output that this task does not wait for. */
  | 'ORCH_PLAN_REFERENCE_UNREACHABLE'
  /** A value of a type that does not fit its place. */
  | 'ORCH_PLAN_REFERENCE_TYPE'
  /** A reference where none may stand. */
  | 'ORCH_PLAN_REFERENCE_PLACE'
  /** An `if:` that does not parse or cannot be what was meant. */
  | 'ORCH_PLAN_CONDITION'
  /** A fan-out that is incomplete or contradicts itself. */
  | 'ORCH_PLAN_FAN_OUT'
  /** An output declaration that means nothing. */
  | 'ORCH_PLAN_OUTPUT'
  /** A task of which nothing could show that it succeeded. */
  | 'ORCH_PLAN_EFFECT'
  /** Untrusted content where the plan claims trust. */
  | 'ORCH_PLAN_TRUST'
  /** A gate or an agent that nothing uses. Always a warning. */
  | 'ORCH_PLAN_UNUSED'
  /** `--input` names no declared input. */
  | 'ORCH_PLAN_INPUT_UNKNOWN'
  /** A required input was not given. */
  | 'ORCH_PLAN_INPUT_MISSING'
  /** An input does not have its declared type. */
  | 'ORCH_PLAN_INPUT_TYPE';

/** One thing that is wrong, where it is, and what to write instead. */
export interface PlanProblem {
  readonly code: PlanProblemCode;
  /** An `error` stops the run; a `warning` is shown. */
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
  /** Counts from 1, in UTF-16 units as editors do. */
  readonly column: number;
  /** Where in the plan: `tasks[2].gates[0]`; empty for the whole document. */
  readonly path: string;
  /** One sentence, complete without the other fields. */
  readonly message: string;
  readonly expected?: string;
  readonly received?: string;
  /** What to write instead, ready to paste. */
  readonly suggestion?: string;
  /** The source line; of a very long line, the part around the place. */
  readonly excerpt: string;
  /** Where in the excerpt the place is, from 0. */
  readonly caret: number;
}

/** What a check says; place and path are added by the {@link Report}. */
export interface Finding {
  readonly code: PlanProblemCode;
  readonly message: string;
  readonly severity?: 'error' | 'warning';
  readonly expected?: string | undefined;
  readonly received?: string | undefined;
  readonly suggestion?: string | undefined;
}

/** Collects problems. */
export interface Report {
  readonly add: (spot: Spot, path: Path, finding: Finding) => void;
  /** Takes over a problem of another report. */
  readonly adopt: (problem: PlanProblem) => void;
  readonly problems: readonly PlanProblem[];
  /** Whether there is so much wrong that looking further helps nobody. */
  readonly isFull: () => boolean;
}

/** More than this many problems are counted, not listed. */
export const MAX_PROBLEMS = 500;

export function createReport(): Report {
  const problems: PlanProblem[] = [];
  const add = (spot: Spot, path: Path, finding: Finding): void => {
    problems.push({
      code: finding.code,
      severity: finding.severity ?? 'error',
      file: spot.file,
      line: spot.line,
      column: spot.column,
      path: formatPath(path),
      message: shorten(finding.message),
      ...(finding.expected === undefined ? {} : { expected: shorten(finding.expected) }),
      ...(finding.received === undefined ? {} : { received: shorten(finding.received) }),
      // A suggestion is pasted: whole, or not at all.
      ...(finding.suggestion === undefined || finding.suggestion.length > MAX_TEXT
        ? {}
        : { suggestion: finding.suggestion }),
      excerpt: spot.excerpt,
      caret: spot.caret,
    });
  };
  const adopt = (problem: PlanProblem): void => void problems.push(problem);
  return { add, adopt, problems, isFull: () => problems.length > MAX_PROBLEMS };
}

/** A problem quotes the plan, and a plan may hold a text of a mebibyte. */
const MAX_TEXT = 1000;

function shorten(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/** Plan file first, then by line and column; at most {@link MAX_PROBLEMS}, the last one counting the rest. */
export function sortProblems(problems: readonly PlanProblem[], planFile: string): PlanProblem[] {
  const seen = new Set<string>();
  const unique = problems.filter((problem) => {
    const key = JSON.stringify([problem.file, problem.line, problem.column, problem.message]);
    return seen.has(key) ? false : (seen.add(key), true);
  });
  const rank = (problem: PlanProblem): string => (problem.file === planFile ? '' : problem.file);
  unique.sort((left, right) => {
    if (rank(left) !== rank(right)) return rank(left) < rank(right) ? -1 : 1;
    return left.line - right.line || left.column - right.column;
  });
  const kept = unique.slice(0, MAX_PROBLEMS);
  const last = kept.at(-1);
  if (last === undefined || unique.length === kept.length) return kept;
  const rest = `${unique.length - kept.length} more problems are not listed`;
  kept.push({ ...last, code: 'ORCH_PLAN_TOO_LARGE', message: rest });
  return kept;
}
