/** The command line itself is wrong. */
export class UsageError extends Error {
  readonly code = 'ORCH_USAGE_ARGUMENTS';
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** The plan is wrong. Everything that is wrong with it is in `problems`. */
export class PlanError extends Error {
  readonly code = 'ORCH_PLAN_INVALID';
  readonly problems: readonly unknown[];
  /** The problems as a person reads them, each with its place in the file. */
  readonly text: readonly string[];
  constructor(message: string, problems: readonly unknown[], text: readonly string[]) {
    super(message);
    this.name = 'PlanError';
    this.problems = problems;
    this.text = text;
  }
}
