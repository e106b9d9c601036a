import type { FileMark, ModelMark } from '../ports/journal.ts';
import type { Activity, LoopEvent, Phase } from '../ports/reporter.ts';
import { Answers } from './answers.ts';
import { type LoopContext, tellRecovery } from './context.ts';
import type { DrawOptions } from './draw.ts';
import { Stopped } from './errors.ts';
import { asNumbers } from './history.ts';
import { findingsOf, obey, watch } from './watch.ts';

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

/** One running phase: reports, records and progress carry its name. */
export interface PhaseScope {
  readonly iteration: number;
  readonly phase: Phase;
  /**
   * Options of a call whose progress nobody hears of. It ends with the phase, however that ends, and when the run is
   * told to stop, unless it is held.
   */
  readonly call: DrawOptions;
  /** Report the progress of calls that make `units` samples together as that part of the phase. */
  tally(part: Part, units: number): Tally;
  report(event: LoopEvent): void;
  warn(message: string): void;
  /** What has begun is to be brought to its end, also when the run is told to stop; and no longer. */
  hold(): void;
  letGo(): void;
}

/** What a phase comes to. */
export interface PhaseResult<T extends object> {
  metrics: Record<string, number>;
  /** Its records. */
  files: FileMark[];
  /** The model that it leaves. */
  model?: ModelMark;
  /** What later phases need to know of it. */
  value: T;
}

/**
 * Run `body` as a phase: announce it, time it, and record what it comes to. A phase that is on record as done is not run
 * again.
 *
 * @throws Stopped where the run is told to stop; StoppedByWarning after a phase whose figures gave a warning that says so;
 *   whatever `body` throws, and the phase is unended on record then
 */
export async function runPhase<T extends object>(
  context: LoopContext,
  announcement: Omit<Extract<LoopEvent, { type: 'phase-started' }>, 'type'>,
  body: (scope: PhaseScope) => Promise<PhaseResult<T>>,
): Promise<Pick<PhaseResult<T>, 'metrics' | 'value'>> {
  const { reporter, store, clock, history, stopping } = context;
  const { iteration, phase } = announcement;
  const recalled = recallPhase<T>(context, iteration, phase);
  if (recalled !== undefined) {
    obey(findingsOf(context, iteration, phase), { iteration, phase });
    return recalled;
  }
  if (stopping.aborted) throw new Stopped();
  const { begun, answers } = history.phase(iteration, phase);
  if (!begun) history.record({ type: 'phase', iteration, phase });
  const started = clock.now();
  const before = context.activity?.();
  reporter.report({ type: 'phase-started', ...announcement, ...(begun && { recorded: answers.size }) });
  const { scope, end } = openScope(context, iteration, phase);
  const { metrics, files, model, value } = await body(scope).finally(end);
  const seconds = clock.now() - started;
  const now = context.activity?.();
  // First, so that whoever is cut short in between does the phase again, and nothing is left unsaid.
  watch(context, { iteration, phase, step: null, metrics });
  history.record(
    {
      type: 'done',
      iteration,
      phase,
      metrics,
      seconds: inMilliseconds(seconds),
      ...(before && now && { activity: since(before, now) }),
      files,
      ...(model === undefined ? {} : { model }),
      value: history.put(value),
    },
    true,
  );
  store.tidy();
  reporter.report({ type: 'phase-ended', iteration, phase, seconds, metrics });
  obey(findingsOf(context, iteration, phase), { iteration, phase });
  return { metrics, value };
}

/** What a phase came to that is done, if all that it left is there; else it is put down as undone. */
function recallPhase<T extends object>(
  { history, store, reporter }: LoopContext,
  iteration: number,
  phase: Phase,
): Pick<PhaseResult<T>, 'metrics' | 'value'> | undefined {
  const { done } = history.phase(iteration, phase);
  if (done === undefined) return undefined;
  const { files, model, seconds } = done;
  const damaged = files.find((file) => !store.holds(file));
  // A model that is gone as a whole was freed (`storage.keepModels`); who needs it looks for it.
  const damage = model !== undefined && store.has(model.name) ? store.damageOf(model) : undefined;
  const value = history.journal.get<T>(done.value);
  const metrics = asNumbers(done.metrics);
  if (damaged === undefined && damage === undefined && value !== undefined) {
    reporter.report({ type: 'phase-skipped', iteration, phase, seconds, metrics });
    return { metrics, value };
  }
  const reason = damaged === undefined ? (damage ?? 'what it found is damaged') : `${damaged.name} is damaged or gone`;
  history.record({ type: 'undone', iteration, phase, reason });
  tellRecovery({ history, reporter }, `iteration ${iteration}, ${phase}: ${reason}, so it is done again`);
  return undefined;
}

/** What the workers have done since. */
function since(before: Activity, now: Activity): Activity {
  return {
    tokens: now.tokens - before.tokens,
    deviceSeconds: inMilliseconds(now.deviceSeconds - before.deviceSeconds),
    busySeconds: inMilliseconds(now.busySeconds - before.busySeconds),
  };
}

/** Seconds with three digits behind the point. */
function inMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

function openScope(context: LoopContext, iteration: number, phase: Phase): { scope: PhaseScope; end(): void } {
  const { reporter, requestSamples, history, stopping } = context;
  // What a phase that failed still has under way is of no use to anybody.
  const over = new AbortController();
  let held = false;
  const stop = (): void => {
    if (!held) over.abort();
  };
  stopping.addEventListener('abort', stop);
  const call: DrawOptions = {
    requestSamples,
    signal: AbortSignal.any([context.signal, over.signal]),
    answers: new Answers(history, { iteration, phase }),
  };
  const scope: PhaseScope = {
    iteration,
    phase,
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
    warn: (message) => {
      if (!history.phase(iteration, phase).warnings.has(message)) {
        history.record({ type: 'warning', iteration, phase, message });
      }
      reporter.report({ type: 'warning', iteration, phase, message });
    },
    hold: () => {
      held = true;
    },
    letGo: () => {
      held = false;
      if (stopping.aborted) over.abort();
    },
  };
  const end = (): void => {
    stopping.removeEventListener('abort', stop);
    over.abort();
  };
  return { scope, end };
}
