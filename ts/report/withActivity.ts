import type { Activity, LoopEvent, Reporter } from '../ports/reporter.ts';

/** Events of a phase that workers have done something for. */
const AFTER_WORK: ReadonlySet<LoopEvent['type']> = new Set(['phase-started', 'progress', 'step', 'phase-ended']);

/** A reporter that hears what the workers have done before it hears how far a phase is. */
export function withActivity(reporter: Reporter, activity: () => Activity): Reporter {
  return {
    report(event) {
      if (AFTER_WORK.has(event.type)) reporter.report({ type: 'activity', ...activity() });
      reporter.report(event);
    },
  };
}
