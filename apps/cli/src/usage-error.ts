/** The command line itself is wrong. */
export class UsageError extends Error {
  readonly code = 'ORCH_USAGE_ARGUMENTS';
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
