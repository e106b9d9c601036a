import type { Reporter } from '../ports/reporter.ts';

/** Several reporters as one: each hears of everything, in the order given. */
export function tee(...reporters: readonly Reporter[]): Reporter {
  return {
    report(event) {
      for (const reporter of reporters) reporter.report(event);
    },
  };
}
