import { ContractFailure } from './expect.ts';
import { showError } from './show.ts';
import type { Exchanges } from './watch.ts';

/** How a promise was broken, each part in one line but for the details. */
export interface Failure {
  /** What was looked at; empty when an error came up where nothing was looked at. */
  subject: string;
  expected: string;
  actual: string;
  /** The last requests with what came of them. */
  sent: string[];
  /** Long: a traceback, what the process printed. */
  details?: string;
}

/** What became of a case. `not_run`: there was no worker any more. */
export type Outcome =
  | { status: 'passed'; seconds: number }
  | { status: 'failed'; seconds: number; failure: Failure }
  | { status: 'skipped' | 'not_run'; reason: string };

/** Requests that a failure shows. */
const SHOWN = 3;

/** What an error that ended a case says of the worker. */
export function failureOf(error: unknown, exchanges: Exchanges): Failure {
  const sent = exchanges.last(SHOWN);
  if (error instanceof ContractFailure) {
    const { subject, expected, actual } = error;
    return { subject, expected, actual, sent };
  }
  if (!(error instanceof Error)) return { subject: '', expected: 'no error', actual: String(error), sent };
  const given = 'details' in error && typeof error.details === 'string' ? error.details : undefined;
  // Without a code it is no failure of a call but something that the case tripped over.
  const details = 'code' in error ? given : error.stack;
  const failure = { subject: '', expected: 'an answer', actual: showError(error), sent };
  return details === undefined ? failure : { ...failure, details };
}

/** The failure of a case that was not done in time. */
export function lateFailure(seconds: number, exchanges: Exchanges): Failure {
  const unanswered = exchanges.unanswered();
  const actual = unanswered.length === 0 ? 'still going on' : `no answer to ${unanswered.join(', ')}`;
  return { subject: '', expected: `an end within ${seconds} s`, actual, sent: exchanges.last(SHOWN) };
}
