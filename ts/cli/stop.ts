import { constants } from 'node:os';
import { Stopped } from '../loop/errors.ts';
import { EXIT } from './exitCodes.ts';

/**
 * Signals that ask for a stop: the first one for one that leaves all in order, a second one for one at once. SIGTERM and
 * SIGUSR1 are what schedulers send before they take a machine away.
 */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

/** The exit code of a process that ended at once. */
export function killedCode(name: StopSignal): number {
  return 128 + constants.signals[name];
}

/** Whether whoever owns the machine wants it back. */
export function isPreemption(reason: unknown): boolean {
  return reason === 'SIGTERM' || reason === 'SIGUSR1';
}

/**
 * The exit code of a command that was told to stop: a run that a scheduler took the machine from is to be started again.
 *
 * @param error what the command ended with
 */
export function stoppedCode(name: StopSignal, error: unknown): number {
  return isPreemption(name) && error instanceof Stopped ? EXIT.retry : killedCode(name);
}
