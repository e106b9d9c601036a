import type { ErrorCode, WorkerError } from '../protocol/generated.ts';

/** The worker's own codes, and `worker_gone` for a process that ended or a connection that was lost. */
export type WorkerCallErrorCode = ErrorCode | 'worker_gone';

/** One call failed. `code` is stable; `details` is long text (a traceback, the tail of the log). */
export class WorkerCallError extends Error {
  override readonly name = 'WorkerCallError';
  readonly code: WorkerCallErrorCode;
  readonly details: string | undefined;

  constructor(code: WorkerCallErrorCode, message: string, details?: string) {
    super(message);
    this.code = code;
    this.details = details;
  }

  /** The error that a worker sent. */
  static from(error: WorkerError): WorkerCallError {
    return new WorkerCallError(error.code, error.message, error.details);
  }
}

/**
 * - `worker_start_failed`: the program could not be run, ended, or said nothing in time
 * - `unauthorized`: it spoke another protocol than ours
 */
export type WorkerStartErrorCode = 'worker_start_failed' | 'unauthorized';

/** No worker came up. `details` holds what the process printed, `end` how it ended where it did: `exit code 3`. */
export class WorkerStartError extends Error {
  override readonly name = 'WorkerStartError';
  readonly code: WorkerStartErrorCode;
  readonly details: string | undefined;
  readonly end: string | undefined;

  constructor(code: WorkerStartErrorCode, message: string, details?: string, end?: string) {
    super(message);
    this.code = code;
    this.details = details;
    this.end = end;
  }
}
