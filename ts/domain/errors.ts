/**
 * A caller gave the domain something outside its contract (a length that does not fit, a number out
 * of range). The message names the argument, the value seen and what is allowed.
 */
export class InvalidArgument extends Error {
  /** Stable, for programs; the message is for people. */
  readonly code = 'invalid_argument';

  constructor(message: string) {
    super(message);
    this.name = 'InvalidArgument';
  }
}
