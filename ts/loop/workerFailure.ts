import type { ErrorCode } from '../protocol/generated.ts';

/** Whether a worker's call failed with this code; `worker_gone` is that there is no worker to answer it any more. */
export function failedWith(error: unknown, code: ErrorCode | 'worker_gone'): error is Error {
  return error instanceof Error && 'code' in error && error.code === code;
}
