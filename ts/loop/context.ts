import type { ChallengerRewardFunction } from '../domain/score.ts';
import type { Settings } from '../domain/settings.ts';
import type { Clock } from '../ports/clock.ts';
import type { Exam } from '../ports/exam.ts';
import type { LoopEvent, Phase, Reporter } from '../ports/reporter.ts';
import type { RunStore } from '../ports/runStore.ts';
import type { Worker } from '../ports/worker.ts';
import type { DrawOptions } from './draw.ts';

/** What every phase is given: the settings, and the ports to act through. */
export interface LoopContext {
  settings: Settings;
  worker: Worker;
  exam: Exam;
  store: RunStore;
  reporter: Reporter;
  clock: Clock;
  /** Aborted when the run is to stop; every worker call is cancelled by it. */
  signal: AbortSignal;
  /** Most samples of one request to a worker. */
  requestSamples: number;
  /** The user's own reward, where `rewards.challenger.module` names one. */
  challengerReward?: ChallengerRewardFunction;
}

/** What share of a phase some calls are, in the phase's unit: from `from` to `to`, of `total`. */
export interface Part {
  from: number;
  to: number;
  total: number;
}

/** Counts what several calls do together. */
export interface Tally {
  /** Options of a further call, whose progress counts. */
  call(): DrawOptions;
  /** So much will not be asked for. */
  skip(units: number): void;
}

/** One running phase: reports, metrics and progress carry its name. */
export interface PhaseScope {
  /** Options of a call whose progress nobody hears of. It ends with the phase, however that ends. */
  readonly call: DrawOptions;
  /** Report the progress of calls that make `units` samples together as that part of the phase. */
  tally(part: Part, units: number): Tally;
  report(event: LoopEvent): void;
  /** Record the metrics of one optimisation step. */
  step(step: number, steps: number, metrics: Record<string, number>): void;
  warn(message: string): void;
}

/**
 * Run `body` as a phase: announce it, time it, and record the figures it returns.
 *
 * @throws whatever `body` throws; the phase is then left unended in the metrics
 */
export async function runPhase<T extends { metrics: Record<string, number> }>(
  context: LoopContext,
  announcement: Omit<Extract<LoopEvent, { type: 'phase-started' }>, 'type'>,
  body: (scope: PhaseScope) => Promise<T>,
): Promise<T> {
  const { reporter, store, clock, requestSamples } = context;
  const { iteration, phase } = announcement;
  // What a phase that failed still has under way is of no use to anybody.
  const over = new AbortController();
  const call = { requestSamples, signal: AbortSignal.any([context.signal, over.signal]) };
  const started = clock.now();
  reporter.report({ type: 'phase-started', ...announcement });
  const scope: PhaseScope = {
    call,
    tally: ({ from, to, total }, units) => {
      let sum = 0;
      const add = (more: number): void => {
        sum += more;
        const share = Math.min(1, sum / Math.max(1, units));
        reporter.report({ type: 'progress', iteration, phase, done: from + share * (to - from), total });
      };
      return {
        call: () => {
          let before = 0;
          const onProgress = ({ done }: { done: number }): void => {
            add(done - before);
            before = done;
          };
          return { ...call, onProgress };
        },
        skip: add,
      };
    },
    report: (event) => reporter.report(event),
    step: (step, steps, metrics) => {
      store.appendMetrics({ kind: 'step', iteration, phase, step, ...metrics });
      reporter.report({ type: 'step', iteration, phase, step, steps, metrics });
    },
    warn: (message) => {
      store.appendMetrics({ kind: 'warning', iteration, phase, message });
      reporter.report({ type: 'warning', iteration, phase, message });
    },
  };
  const result = await body(scope).finally(() => over.abort());
  const seconds = clock.now() - started;
  store.appendMetrics({
    kind: 'phase',
    iteration,
    phase,
    ...result.metrics,
    seconds: Math.round(seconds * 1000) / 1000,
  });
  reporter.report({ type: 'phase-ended', iteration, phase, seconds, metrics: result.metrics });
  return result;
}

/** Folder of an iteration's records, by phase. */
export function recordName(iteration: number, phase: Phase, part?: string): string {
  return `iteration-${iteration}/${phase}${part === undefined ? '' : `/${part}`}.jsonl`;
}
