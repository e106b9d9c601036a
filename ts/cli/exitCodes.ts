import { ConfigError } from '../config/errors.ts';
import { RunFolderError } from '../store/runFolder.ts';
import { WorkerCallError, WorkerStartError } from '../worker/errors.ts';

/** Exit codes, after sysexits.h where it has one. `rzero --help` and the README list them. */
export const EXIT = {
  ok: 0,
  bug: 1,
  usage: 2,
  badData: 65,
  unavailable: 69,
  io: 74,
  config: 78,
  interrupted: 130,
  terminated: 143,
} as const;

/** What an error means to whoever started the command: an exit code, and the sentence to print. */
export function explainError(error: unknown): { exitCode: number; message: string } {
  if (error instanceof ConfigError) return { exitCode: EXIT.config, message: error.message };
  if (error instanceof RunFolderError) return { exitCode: EXIT.usage, message: error.message };
  if (error instanceof WorkerCallError) {
    const exitCode =
      error.code === 'model_unloadable' ? EXIT.badData : error.code === 'io_error' ? EXIT.io : EXIT.unavailable;
    const details = error.details === undefined || error.code === 'model_unloadable' ? '' : `\n${error.details}`;
    return { exitCode, message: `${error.message}${details}` };
  }
  if (error instanceof WorkerStartError) {
    return { exitCode: EXIT.unavailable, message: [error.message, error.details].filter(Boolean).join('\n') };
  }
  if (isSystemError(error)) return { exitCode: EXIT.io, message: error.message };
  return { exitCode: EXIT.bug, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** By its fields: an error of Node's own may come from another realm, where `instanceof` says no. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return typeof error === 'object' && error !== null && 'syscall' in error && 'message' in error;
}
