/** Exit codes; those above 2 are sysexits.h's. */
export const EXIT = { ok: 0, bug: 1, usage: 2, unavailable: 69, config: 78 };

/** Something a person can put right: one sentence that says what to do, and an exit code. */
export class SetupProblem extends Error {
  /**
   * @param {number} exitCode one of EXIT
   * @param {string} sentence what is wrong and what to do about it
   * @param {string} [detail] shown before the sentence: the end of a log, a list
   */
  constructor(exitCode, sentence, detail = '') {
    super(sentence);
    this.name = 'SetupProblem';
    this.exitCode = exitCode;
    this.detail = detail;
  }
}

/** Ctrl-C or a `kill` during the set-up; exits with 128 + the signal's number, as a shell would say it. */
export class Interrupted extends SetupProblem {
  /** @param {'SIGINT' | 'SIGTERM' | 'SIGHUP'} signal */
  constructor(signal) {
    const number = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal];
    super(128 + number, 'the set-up was interrupted: run the command again to take it up.');
    this.name = 'Interrupted';
  }
}

/** What a failing system call means to a person, by its code. */
const SYSTEM = {
  ENOSPC: 'the disk is full: free some space and run this again.',
  EDQUOT: 'your disk quota is used up: free some space and run this again.',
  EACCES: 'cannot write there: give yourself write access to this folder and run this again.',
  EPERM: 'cannot write there: give yourself write access to this folder and run this again.',
  EROFS: 'the file system is read-only: copy the project to a place you can write to and run this again.',
};

/**
 * Print an error as a person needs it: a problem as its sentence, anything else with its stack.
 *
 * @param {unknown} error
 * @param {{write(text: string): unknown}} stream
 * @returns {number} the exit code
 */
export function report(error, stream) {
  if (error instanceof SetupProblem) {
    if (error.detail) stream.write(`${error.detail}\n`);
    stream.write(`rzero: ${error.message}\n`);
    return error.exitCode;
  }
  const sentence = SYSTEM[error?.code];
  if (sentence) {
    stream.write(`rzero: ${error.path ? `${error.path}: ` : ''}${sentence}\n`);
    return EXIT.unavailable;
  }
  stream.write(`rzero: this is a bug, please report it: ${error?.stack ?? error}\n`);
  return EXIT.bug;
}
