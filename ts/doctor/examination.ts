import { TIMED_OUT, within } from '../worker/deadline.ts';
import type { Check, Finding, Kind, Verdict } from './check.ts';

/** What an error that ended the gathering of facts means to a person. */
export type Explain = (error: unknown) => { kind: Kind; message: string };

/** Of one check. */
export interface Gathering {
  /** What to do where the facts cannot be gathered. */
  hint?: string;
  /** Milliseconds that they may take; 30,000 by default. */
  deadline?: number;
}

const DEADLINE = 30_000;

/** Makes checks, one after another, and keeps what came of them. Facts that do not come are a failed check, and no end. */
export class Examination {
  readonly findings: Finding[] = [];
  private readonly explain: Explain;
  private readonly onFinding: (finding: Finding) => void;

  constructor(explain: Explain, onFinding: (finding: Finding) => void) {
    this.explain = explain;
    this.onFinding = onFinding;
  }

  /**
   * Gather facts, and judge them.
   *
   * @returns the facts; undefined where they could not be gathered
   */
  async make<Facts, Gathered extends Facts>(
    subject: string,
    check: Check<Facts>,
    gather: () => Gathered | Promise<Gathered>,
    { hint = '', deadline = DEADLINE }: Gathering = {},
  ): Promise<Gathered | undefined> {
    try {
      const facts = await within(Promise.resolve().then(gather), deadline);
      if (facts !== TIMED_OUT) {
        this.put(subject, check, check.judge(facts));
        return facts;
      }
      const found = `nothing is known of it after ${deadline / 1000} s`;
      this.put(subject, check, { status: 'failed', kind: 'unavailable', found, ...hinted(hint) });
    } catch (error) {
      const { kind, message } = this.explain(error);
      // What is left of a longer message says what to do.
      const [found = '', ...rest] = message.split('\n');
      this.put(subject, check, {
        status: 'failed',
        kind,
        found,
        ...hinted([hint, ...rest].filter(Boolean).join('\n')),
      });
    }
    return undefined;
  }

  /** Take a check for made. */
  put(subject: string, { id, title }: Pick<Check<never>, 'id' | 'title'>, verdict: Verdict): void {
    const finding = { subject, id, title, ...verdict };
    this.findings.push(finding);
    this.onFinding(finding);
  }

  /** Whether a check of a subject has failed. */
  hasFailed(subject: string, { id }: Pick<Check<never>, 'id'>): boolean {
    return this.of(subject).some((finding) => finding.id === id && finding.status === 'failed');
  }

  /** What was found of a subject. */
  of(subject: string): Finding[] {
    return this.findings.filter((finding) => finding.subject === subject);
  }
}

function hinted(hint: string): Pick<Verdict, 'hint'> {
  return hint === '' ? {} : { hint };
}
