/** Exit codes, after sysexits.h where it has one. `rzero --help` and the README list them. */
export const EXIT = {
  ok: 0,
  bug: 1,
  usage: 2,
  /** A model or data that a run cannot be made of, or an early warning that stops it: EX_DATAERR. */
  badData: 65,
  unavailable: 69,
  io: 74,
  /** The run was stopped by whoever owns the machine, and can go on from where it is: EX_TEMPFAIL. */
  retry: 75,
  /** A worker breaks the contract: EX_PROTOCOL. */
  protocol: 76,
  /** A token is missing, or the hub does not accept it: EX_NOPERM. */
  noPermission: 77,
  config: 78,
} as const;

/** The end of every command's help. */
export const EXIT_CODES = `
Exit codes:
  0 done   1 a bug   2 wrong usage   65 unusable model or data, or a warning stopped the run
  69 worker unavailable   74 input/output   75 told to stop, can go on: start it again
  76 a worker breaks the contract   77 no permission: a token is missing or refused
  78 wrong configuration   129, 130, 143 stopped by a signal`;
