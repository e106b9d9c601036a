import { ConfigError } from '../config/errors.ts';
import { configHash } from '../config/hash.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Phase } from '../ports/reporter.ts';
import { phaseLeft, phasesAfter, runLeft, usualSeconds } from '../report/eta.ts';
import { readJournal } from '../store/journal.ts';
import { ObjectStore } from '../store/objects.ts';
import { type RunState, runStateOf } from '../store/runState.ts';
import type { Past } from '../store/segments.ts';
import type { AttemptStatus, ConfigStatus, PlaceStatus, ScoreStatus, StatusDocument } from './document.ts';
import { type PhaseTally, Tally } from './tally.ts';

/**
 * How a run stands, by its journal. Nothing of it is touched, and it may be going on, here or elsewhere.
 *
 * @param run the run's folder
 * @throws JournalError `damaged`; an error of the file system
 */
export function readStatus(run: string): StatusDocument {
  const tally = new Tally();
  const past = readJournal(run, (dated) => tally.add(dated));
  const { state, error, begun, changed, bytes } = runStateOf(run, past);
  const config = tally.config === null ? undefined : configOf(tally.config);
  const phases = [...tally.phases.values()];
  const present = phases.at(-1);
  const at = present === undefined ? null : placeOf(present, config, changed);
  const isUnderWay = state === 'running' || state === 'elsewhere';
  return {
    run: past.run === '' ? null : past.run,
    state,
    error: error ?? null,
    holder: holderOf(past),
    config: tally.config === null ? null : configStatus(tally.config, config),
    begun: begun ?? null,
    changed: changed ?? null,
    attempts: attemptsOf(past, tally, state),
    at,
    left: isUnderWay && at !== null ? leftOf(phases, at, config) : { phase: null, run: null },
    phases: phases.map(({ iteration, phase, done, steps, metrics }) => ({
      iteration,
      phase,
      state: done === null ? 'under way' : 'done',
      seconds: done?.seconds ?? null,
      steps,
      metrics,
    })),
    scores: scoresOf(phases, config),
    kept: phases.flatMap(({ iteration, phase, done }) => {
      const { candidates, kept, keptShare: share } = done?.metrics ?? {};
      return phase === 'questions' && candidates != null && kept != null && share != null
        ? [{ iteration, candidates, kept, share }]
        : [];
    }),
    agreements: agreementsOf(run, phases),
    warnings: tally.warnings,
    recoveries: tally.recoveries,
    workers: tally.workers,
    bytes,
  };
}

/** As the program reads it; undefined where it does not know such a one. */
function configOf(recorded: object): Config | undefined {
  try {
    return loadConfig({ file: { name: 'the journal', text: JSON.stringify(recorded) } });
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

function configStatus(recorded: object, config: Config | undefined): ConfigStatus {
  const { preset, arm, seed, model, iterations } = recorded as Config;
  return { preset, arm, seed, model, iterations, hash: config === undefined ? null : configHash(config) };
}

function holderOf({ attempts }: Past): StatusDocument['holder'] {
  const last = attempts.at(-1);
  if (last === undefined) return null;
  return { attempt: last.number, host: last.host, pid: last.pid, since: last.at };
}

function attemptsOf({ attempts }: Past, tally: Tally, state: RunState['state']): AttemptStatus[] {
  return attempts.map(({ number, host, pid, version, at }, index) => {
    const { last = at, end = null } = tally.attempts.get(number) ?? {};
    const how = index === attempts.length - 1 ? state : (end?.how ?? 'lost');
    return { number, host, pid, version, begun: at, last, how, error: end?.error ?? null };
  });
}

/** Steps that a phase has, where it has any. */
function stepsOf(phase: Phase, config: Config | undefined): number | null {
  return phase === 'challenger' || phase === 'solver' ? (config?.[phase].steps ?? null) : null;
}

function placeOf(tally: PhaseTally, config: Config | undefined, changed = tally.since): PlaceStatus {
  const { iteration, phase, steps, answers, since } = tally;
  const all = stepsOf(phase, config);
  const step = phase === 'challenger' || phase === 'solver' ? steps : null;
  return { iteration, phase, step, steps: all, answers, seconds: secondsBetween(since, changed) };
}

function leftOf(phases: readonly PhaseTally[], at: PlaceStatus, config: Config | undefined): StatusDocument['left'] {
  const present = phases.at(-1) as PhaseTally;
  const { phase, iteration, since, stepAt, stepsBefore, done } = present;
  const taken = new Map<Phase, number[]>();
  for (const one of phases) {
    // Of one that several attempts worked on, only the rest is known.
    if (one.done !== null && one.isWhole) taken.set(one.phase, [...(taken.get(one.phase) ?? []), one.done.seconds]);
  }
  const { steps, seconds } = at;
  const share = (step: number) => (steps === null || steps === 0 ? 0 : Math.min(1, step / steps));
  const usual = usualSeconds(taken.get(phase) ?? []);
  // Between two steps nothing is on record: its pace is that of its steps, and what went by since is not left any more.
  const paced = stepAt === null || present.steps <= stepsBefore ? seconds : secondsBetween(since, stepAt);
  const atStep = phaseLeft(
    { elapsed: paced, share: share(present.steps) },
    { elapsed: 0, share: share(stepsBefore) },
    usual,
  );
  const left = done !== null ? 0 : atStep === undefined ? undefined : Math.max(0, atStep - (seconds - paced));
  const all =
    config === undefined
      ? undefined
      : runLeft(
          phasesAfter(
            { iterations: config.iterations, trainsChallenger: config.arm !== 'untrained-challenger' },
            iteration,
            phase,
          ),
          phase,
          { elapsed: seconds, left },
          taken,
        );
  return { phase: left ?? null, run: all ?? null };
}

function scoresOf(phases: readonly PhaseTally[], config: Config | undefined): ScoreStatus[] {
  const exams = phases.filter(({ phase, done }) => phase === 'evaluation' && done !== null);
  const base = exams.find(({ iteration }) => iteration === 0)?.metrics ?? {};
  return exams.map(({ iteration, metrics }) => {
    const of = (name: string) => metrics[name] ?? null;
    const gain = (name: string) => {
      const [one, other] = [metrics[name], base[name]];
      return one == null || other == null ? null : one - other;
    };
    return {
      iteration,
      greedy: of('greedy'),
      mean: of('mean'),
      majority: of('majority'),
      samples: config?.evaluation.samples ?? null,
      gain: iteration === 0 ? null : { greedy: gain('greedy'), mean: gain('mean'), majority: gain('majority') },
    };
  });
}

/** By what the last questions phase found: its records, with all texts, may be too large to look at. */
function agreementsOf(run: string, phases: readonly PhaseTally[]): StatusDocument['agreements'] {
  const last = phases.findLast(({ phase, done }) => phase === 'questions' && done !== null);
  if (last === undefined || last.done === null) return null;
  const found = new ObjectStore(run).peek<{ agreements?: number[] }>(last.done.value);
  return found?.agreements === undefined ? null : { iteration: last.iteration, counts: found.agreements };
}

function secondsBetween(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
}
