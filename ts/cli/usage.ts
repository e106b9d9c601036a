/** A command line that cannot be meant. The message names the flag, the value seen and what is allowed. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'wrong_usage';
}
