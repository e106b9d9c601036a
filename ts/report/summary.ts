import { mean } from '../domain/statistics.ts';
import type { Audit } from '../eval/audit.ts';
import type { Comparison } from '../eval/compare.ts';
import type { Scores } from '../eval/scores.ts';
import type { Phase } from '../ports/reporter.ts';
import type { IterationSummary, MetricsRecord, PhaseSummary, RunFacts, RunSummary } from './runSummary.ts';

/** What a summary is made from. */
export interface SummaryInput {
  run: RunFacts;
  /** One an iteration, 0 for the base model, each with what changed since the base (null for the base itself). */
  evaluations: readonly { iteration: number; scores: Scores; gain: Comparison | null }[];
  /** By iteration; an exam whose truth cannot judge other questions has none. */
  audits: ReadonlyMap<number, Audit>;
  /** The lines of metrics.jsonl. Where a phase was run again after a stop, its last run counts. */
  metrics: readonly MetricsRecord[];
}

const TRAINING = ['kl', 'entropy', 'clipFraction', 'gradNorm', 'meanLength'];

/** Metrics that go into a summary, by phase. A list, so that no duration slips in under a new name. */
const KEPT: Record<Phase, readonly string[]> = {
  challenger: ['reward', 'uncertainty', 'repetition', 'wellFormed', 'distinct', 'agreement', ...TRAINING],
  questions: [
    'candidates',
    'wellFormed',
    'kept',
    'keptShare',
    'tooEasyShare',
    'tooHardShare',
    'noLabelShare',
    'agreement',
  ],
  solver: ['reward', 'uninformative', ...TRAINING],
  evaluation: ['greedy', 'mean', 'majority', 'worked'],
};

/**
 * Put a run's figures together. The result is a function of what the run computed: no time, no
 * absolute path, six significant digits.
 */
export function buildSummary(input: SummaryInput): RunSummary {
  const iterations = Array.from({ length: input.run.iterations }, (_, index) => iterationSummary(index + 1, input));
  return rounded({
    run: { ...input.run, model: modelName(input.run.model) },
    evaluations: [...input.evaluations].sort((a, b) => a.iteration - b.iteration),
    iterations,
  });
}

function iterationSummary(iteration: number, { metrics, audits }: SummaryInput): IterationSummary {
  const records = metrics.filter((record) => record.iteration === iteration);
  const phases: Partial<Record<Phase, PhaseSummary>> = {};
  for (const phase of Object.keys(KEPT) as Phase[]) {
    const ofPhase = records.filter((record) => record.phase === phase);
    if (ofPhase.length > 0) phases[phase] = phaseSummary(phase, ofPhase);
  }
  const warnings = records.flatMap(({ kind, phase, name, message }) =>
    kind === 'warning' && typeof message === 'string'
      ? [`${phase}: ${typeof name === 'string' ? `${name}: ` : ''}${message}`]
      : [],
  );
  return { iteration, phases, audit: audits.get(iteration) ?? null, warnings: [...new Set(warnings)] };
}

function phaseSummary(phase: Phase, records: readonly MetricsRecord[]): PhaseSummary {
  const byStep = new Map(records.flatMap((record) => (record.kind === 'step' ? [[record.step, record]] : [])));
  const steps = [...byStep.values()].map((record) => kept(phase, record));
  const whole = records.findLast(({ kind }) => kind === 'phase');
  const names = [...new Set(steps.flatMap((step) => Object.keys(step)))];
  const means = names.map((name) => [name, mean(steps.flatMap((step) => step[name] ?? []))] as const);
  return {
    steps: steps.length,
    mean: Object.fromEntries(means),
    last: whole === undefined ? (steps.at(-1) ?? {}) : kept(phase, whole),
  };
}

function kept(phase: Phase, record: MetricsRecord): Record<string, number> {
  const entries = KEPT[phase].map((name) => [name, record[name]] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
}

/** A model without where it lies on this machine: the last part of an absolute path. Hub names stay. */
export function modelName(model: string): string {
  const absolute = /^(?:[\\/~.]|[A-Za-z]:[\\/])/.test(model);
  return absolute ? (model.split(/[\\/]/).findLast((part) => part !== '') ?? model) : model;
}

function rounded<T>(value: T): T {
  if (typeof value === 'number') return (Number.isFinite(value) ? Number(value.toPrecision(6)) : null) as T;
  if (Array.isArray(value)) return value.map(rounded) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rounded(inner)])) as T;
}
