/** What became of a check. A warning stops no run; what is skipped does not concern this configuration. */
export type Status = 'ok' | 'warning' | 'failed' | 'skipped';

/** What kind of thing has failed: something that is not there, a disk, a credential, or the configuration. */
export type Kind = 'unavailable' | 'disk' | 'credentials' | 'configuration';

/** What a check makes of its facts. */
export interface Verdict {
  status: Status;
  /** What was found, in one line; further ones may follow. */
  found: string;
  /** What to do about it: the command, or the option. */
  hint?: string;
  /** Of what has failed. */
  kind?: Kind;
}

/** A check: a name, and what it makes of facts that somebody else has gathered. */
export interface Check<Facts> {
  /** Stable; for programs that read `--json`. */
  readonly id: string;
  /** In a few words, for people. */
  readonly title: string;
  judge(facts: Facts): Verdict;
}

/** A check that was made. */
export interface Finding extends Verdict {
  /** What it is about: `this machine`, `the run`, or a worker by its name. */
  subject: string;
  id: string;
  title: string;
}

export function ok(found: string): Verdict {
  return { status: 'ok', found };
}

export function warning(found: string, hint: string): Verdict {
  return { status: 'warning', found, hint };
}

export function failed(kind: Kind, found: string, hint: string): Verdict {
  return { status: 'failed', kind, found, hint };
}

export function skipped(found: string): Verdict {
  return { status: 'skipped', found };
}
