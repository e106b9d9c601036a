import type { ErrorCode } from '../protocol/generated.ts';

/** Whether a worker's call failed with this code. */
export function failedWith(error: unknown, code: ErrorCode): error is Error {
  return error instanceof Error && 'code' in error && error.code === code;
}
