import type { Phase } from '../ports/reporter.ts';
import { ACTIVITIES, type Activity, type ActivityLog, COMPUTES } from './activity.ts';

/** A phase of a run, in virtual seconds. */
export interface PhaseSpan {
  iteration: number;
  phase: Phase;
  from: number;
  to: number;
}

/** A run that was played. */
export interface Played {
  seconds: number;
  phases: readonly PhaseSpan[];
  /** Of each worker; one that failed and came back has several. */
  logs: readonly ActivityLog[];
  /** Samples that were answered, and their tokens. */
  samples: number;
  tokens: number;
  /** Samplers that failed, and tokens that were drawn for nobody. */
  failed: number;
  lostTokens: number;
}

/** How GPUs spent their time, in shares of all their seconds. */
export interface Usage {
  gpus: number;
  seconds: number;
  /** GPUs that computed: sampled, scored or trained. */
  busy: number;
  by: Readonly<Record<Activity, number>>;
  /** Mean share of the rows that held a sample while a GPU sampled. */
  filled: number;
}

/**
 * How the GPUs of a run spent a span of it, or all of it.
 *
 * @param gpus that were paid for; some may have had no part
 * @throws RangeError where a GPU would have done two things at once
 */
export function usageOf({ logs, seconds }: Played, gpus: number, span = { from: 0, to: seconds }): Usage {
  const by = Object.fromEntries(ACTIVITIES.map((activity) => [activity, 0])) as Record<Activity, number>;
  const devices = new Map<string, { from: number; to: number; worker: string; activity: Activity }[]>();
  let rows = 0;
  for (const { devices: names, intervals, worker } of logs) {
    for (const name of names) {
      const spent = devices.get(name) ?? [];
      devices.set(name, spent);
      for (const { activity, filled, ...interval } of intervals) {
        const from = Math.max(span.from, interval.from);
        const to = Math.min(span.to, interval.to);
        if (to <= from) continue;
        by[activity] += to - from;
        if (activity === 'sample') rows += filled * (to - from);
        spent.push({ from, to, worker, activity });
      }
    }
  }
  for (const [name, spent] of devices) {
    spent.sort((a, b) => a.from - b.from);
    for (const [index, one] of spent.entries()) {
      const before = spent[index - 1];
      if (before === undefined || one.from >= before.to - 1e-6) continue;
      const what = `${before.worker} (${before.activity}) and ${one.worker} (${one.activity})`;
      throw new RangeError(`at ${one.from} s, ${name} works for ${what} at once`);
    }
  }
  const all = gpus * (span.to - span.from);
  const share = (activity: Activity): number => (all === 0 ? 0 : by[activity] / all);
  const shares = Object.fromEntries(ACTIVITIES.map((activity) => [activity, share(activity)])) as typeof by;
  const busy = ACTIVITIES.reduce((sum, activity) => sum + (COMPUTES[activity] ? shares[activity] : 0), 0);
  return {
    gpus,
    seconds: span.to - span.from,
    busy,
    by: shares,
    filled: by.sample === 0 ? 0 : rows / by.sample,
  };
}

/** Seconds of each phase, over all iterations. */
export function phaseSeconds({ phases }: Played): Record<Phase, number> {
  const seconds: Record<Phase, number> = { evaluation: 0, challenger: 0, questions: 0, solver: 0 };
  for (const { phase, from, to } of phases) seconds[phase] += to - from;
  return seconds;
}
