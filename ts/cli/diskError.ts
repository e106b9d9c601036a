import { freeLine } from '../report/disk.ts';
import { freeSpace } from '../store/freeSpace.ts';
import { WorkerCallError } from '../worker/errors.ts';

/** A file of a run could not be written or read, by the orchestrator or a worker; the run can go on when that is mended. */
export class RunDiskError extends Error {
  override readonly name = 'RunDiskError';
  readonly code = 'run_disk_error';

  /**
   * @param name the run's folder as people type it
   * @param path where it is
   * @param begun whether there is something to go on with
   */
  constructor(cause: Error, { name, path, begun }: { name: string; path: string; begun: boolean }) {
    const next = begun
      ? `What is on record is safe. When that is mended, go on with: rzero resume ${name}`
      : `Nothing was done yet: when that is mended, remove ${name} and start the run again`;
    super(`${describeDiskError(cause, path)}\n${next}`, { cause });
  }
}

/**
 * Whether an error is the file system's. By its fields: an error of Node's own may come from another realm, where
 * `instanceof` says no.
 */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return typeof error === 'object' && error !== null && 'syscall' in error && 'message' in error;
}

/** Whether a run met the file system's limits: its own, or a worker's. */
export function isDiskError(error: unknown): error is Error {
  return isSystemError(error) || (error instanceof WorkerCallError && error.code === 'io_error');
}

/** What there is no room for, in the words of Node, of Python and of safetensors. */
const NO_ROOM = /ENOSPC|EDQUOT|No space left|[Qq]uota exceeded/;

/**
 * An error of the file system for people, with what is free where it was a matter of that.
 *
 * @param path where to look, unless the error itself says where
 */
export function describeDiskError(error: Error, path?: string): string {
  const where = (error as NodeJS.ErrnoException).path ?? path;
  const room = NO_ROOM.test(error.message) && where !== undefined ? freeSpace(where) : undefined;
  if (room === undefined) return error.message;
  const quota = /EDQUOT|[Qq]uota/.test(error.message) ? ', but the quota is used up' : '';
  return `${error.message}: ${freeLine(room)}${quota}`;
}
