/** A line of metrics.jsonl. */
export type MetricsLine = Readonly<Record<string, unknown>>;

/** Optimisation steps that a phase has at most. */
export interface PhaseSteps {
  challenger: number;
  solver: number;
}

/** Figures of one moment of a run, as trackers take them. */
export interface Point {
  /** Optimisation steps of both roles before it, over all iterations: the axis that never goes back. */
  step: number;
  iteration: number;
  /** By tag: `solver/kl`. All are finite. */
  values: Record<string, number>;
}

/** Fields that say where a line belongs and are no figures. */
const PLACE = new Set(['kind', 'iteration', 'phase', 'step']);

/**
 * Steps of the phases: what the configuration says, or more where a fork shares longer phases with another run. They
 * are the same for all of a run, so that a point's step does not depend on what else is on record.
 */
export function phaseSteps(
  config: { challenger: { steps: number }; solver: { steps: number } },
  lines: readonly MetricsLine[],
): PhaseSteps {
  const steps = { challenger: config.challenger.steps, solver: config.solver.steps };
  for (const { kind, phase, step } of lines) {
    if (kind !== 'step' || (phase !== 'challenger' && phase !== 'solver')) continue;
    steps[phase] = Math.max(steps[phase], step as number);
  }
  return steps;
}

/**
 * What trackers show of a line of metrics.jsonl; undefined where it has no figures. py_worker/rzero_track/points.py does
 * the same, and test/fixtures/trackers.json holds both to it.
 */
export function pointOf(line: MetricsLine, { challenger, solver }: PhaseSteps): Point | undefined {
  const { kind, phase, iteration, step } = line;
  if (kind !== 'step' && kind !== 'phase') return undefined;
  const trains = phase === 'challenger' || phase === 'solver';
  // The figures of a phase that trains are those of its last step, which are there already.
  const isFigure = (name: string) => !PLACE.has(name) && (kind === 'step' || !trains || name === 'seconds');
  const values = Object.fromEntries(
    Object.entries(line)
      .filter((field): field is [string, number] => isFigure(field[0]) && Number.isFinite(field[1]))
      .map(([name, value]) => [`${phase}/${name}`, value]),
  );
  if (Object.keys(values).length === 0) return undefined;
  const before = ((iteration as number) - 1) * (challenger + solver);
  const begun = phase === 'solver' ? challenger : 0;
  const whole = { challenger, questions: challenger, solver, evaluation: challenger + solver }[phase as string] ?? 0;
  return {
    step: before + begun + (kind === 'step' ? (step as number) : whole),
    iteration: iteration as number,
    values,
  };
}
