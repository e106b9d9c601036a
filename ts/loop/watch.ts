import type { Figures } from '../domain/warnings/figures.ts';
import { type Finding, judge } from '../domain/warnings/judge.ts';
import type { Phase } from '../ports/reporter.ts';
import type { LoopContext } from './context.ts';
import { StoppedByWarning } from './errors.ts';
import { asNumbers } from './history.ts';

/** Phases of an iteration in their order; the base model's evaluation is all there is of iteration 0. */
const PHASES: readonly Phase[] = ['challenger', 'questions', 'solver', 'evaluation'];

type Watching = Pick<LoopContext, 'settings' | 'history' | 'reporter'>;

/**
 * The early warnings that the figures of a step, or of a phase as a whole, give. They are put on record and told, each
 * once a phase.
 */
export function watch(context: Watching, figures: Figures): Finding[] {
  const { history, reporter } = context;
  const { iteration, phase } = figures;
  const findings = judge([...before(context, figures), figures], context.settings.warnings, factsOf(context));
  for (const { name, message, action } of findings) {
    if (history.phase(iteration, phase).warnings.has(name)) continue;
    const warning = { type: 'warning', iteration, phase, message, name, action } as const;
    history.record(warning);
    reporter.report(warning);
  }
  return findings;
}

/** @throws StoppedByWarning where one of them says so */
export function obey(findings: readonly Finding[], { iteration, phase }: { iteration: number; phase: Phase }): void {
  const stop = findings.find(({ action }) => action === 'stop');
  if (stop !== undefined) throw new StoppedByWarning(`iteration ${iteration}, ${phase}`, stop);
}

/**
 * The early warnings of all that is on record of a phase, as the settings are now. Nothing is told or recorded: it is for
 * what follows from them.
 */
export function findingsOf(context: Watching, iteration: number, phase: Phase): Finding[] {
  const known = figuresOf(context, iteration, phase);
  const past = known[0] === undefined ? [] : before(context, known[0]);
  const facts = factsOf(context);
  return known.flatMap((figures, index) =>
    judge([...past, ...known.slice(0, index), figures], context.settings.warnings, facts),
  );
}

/** The warnings of an iteration because of which the next one is to begin from the best Solver, each once. */
export function rollBacks(context: Watching, iteration: number): string[] {
  const findings = PHASES.flatMap((phase) => findingsOf(context, iteration, phase));
  return [...new Set(findings.flatMap(({ name, action }) => (action === 'roll-back' ? [name] : [])))];
}

function factsOf({ settings }: Watching) {
  return { prompts: settings.solver.prompts, shortfall: settings.questions.shortfall };
}

/** All figures on record of what comes before. */
function before(context: Watching, { iteration, phase, step }: Figures): Figures[] {
  const earlier: Figures[] = [];
  for (let one = 0; one <= iteration; one++) {
    for (const each of PHASES) {
      const isNow = one === iteration && each === phase;
      const known = figuresOf(context, one, each);
      earlier.push(...known.filter((other) => !isNow || isBefore(other.step, step)));
      if (isNow) return earlier;
    }
  }
  return earlier;
}

/** The whole comes after its steps. */
function isBefore(step: number | null, other: number | null): boolean {
  return (step ?? Number.POSITIVE_INFINITY) < (other ?? Number.POSITIVE_INFINITY);
}

function figuresOf({ history }: Watching, iteration: number, phase: Phase): Figures[] {
  const { steps, done } = history.phase(iteration, phase);
  const made = [...steps.values()].sort((one, other) => one.step - other.step);
  return [
    ...made.map(({ step, metrics }) => ({ iteration, phase, step, metrics: asNumbers(metrics) })),
    ...(done === undefined ? [] : [{ iteration, phase, step: null, metrics: asNumbers(done.metrics) }]),
  ];
}
