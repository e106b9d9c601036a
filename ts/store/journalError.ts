/** A journal that cannot be written or read. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
  /**
   * - `run_held`: another orchestrator has the run, and lives.
   * - `fenced`: this one had it, and another has taken it over.
   * - `damaged`: what is on record is not what was written.
   */
  readonly code: 'run_held' | 'fenced' | 'damaged';

  constructor(code: JournalError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
