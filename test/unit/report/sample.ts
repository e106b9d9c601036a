import type { Audit, QuestionFigures } from '../../../ts/eval/audit.ts';
import type { Comparison } from '../../../ts/eval/compare.ts';
import type { Scores } from '../../../ts/eval/scores.ts';
import type { IterationSummary, RunSummary } from '../../../ts/report/runSummary.ts';

/** A finished run of three iterations with round figures, to be changed by the test that uses it. */
export function sampleSummary(): RunSummary {
  const means = [38.2, 61, 79.5, 91];
  return {
    run: {
      preset: 'embedded',
      arm: 'full',
      seed: 1,
      model: 'embedded',
      iterations: 3,
      exam: 'two-digit arithmetic chains',
    },
    evaluations: means.map((mean, iteration) => ({
      iteration,
      scores: scores(mean),
      gain: iteration === 0 ? null : comparison(mean - 38.2),
    })),
    iterations: [1, 2, 3].map(iterationSummary),
  };
}

/** Scores around a mean accuracy in percent. */
export function scores(mean: number): Scores {
  return {
    questions: 640,
    samples: 4,
    greedy: { value: mean - 17.2, low: mean - 20.2, high: mean - 13.9 },
    mean: { value: mean, low: mean - 2.4, high: mean + 2.4 },
    majority: { value: mean + 9, low: mean + 5.1, high: mean + 9 },
    worked: { value: 71.4, low: 69.2, high: 73.5 },
    greedyStyle: { answers: 640, workedShare: 0.1, accuracyWorked: 0.9, accuracyTerse: 0.1 },
    sampledStyle: { answers: 640, workedShare: mean / 100, accuracyWorked: 0.7, accuracyTerse: 0.1 },
    bySteps: Array.from({ length: 10 }, (_, index) => ({
      steps: index + 1,
      questions: 64,
      greedy: mean - index,
      mean: mean - 3 * index,
      majority: mean,
    })),
  };
}

/** A gain of mean@k by so many points, three fifths of it from choosing to work problems out. */
export function comparison(points: number): Comparison {
  const figure = { value: points, low: points - 2.7, high: points + 2.6 };
  return {
    greedy: { figure, parts: { choosing: points, slips: 0 } },
    mean: { figure, parts: { choosing: 0.6 * points, slips: 0.4 * points } },
    majority: { figure },
    withinReach: 0.97,
  };
}

function iterationSummary(iteration: number): IterationSummary {
  return {
    iteration,
    phases: {
      challenger: { steps: 10, mean: { reward: 0.4 }, last: { reward: 0.5 } },
      questions: {
        steps: 0,
        mean: {},
        last: { candidates: 400, wellFormed: 0.99, kept: 171 + iteration, keptShare: 0.43 },
      },
      solver: { steps: 15, mean: { reward: 0.6 }, last: { reward: 0.7 } },
    },
    audit: audit(iteration),
    warnings: [],
  };
}

function audit(iteration: number): Audit {
  const asked: QuestionFigures = {
    count: 396,
    wellPosed: 0.985,
    meanSteps: 1.7 + iteration,
    multiplications: 0.12 * iteration,
    distinct: 0.98,
    heldOut: 0.06,
    inExam: 0,
    labelAccuracy: 0.9,
    labelAccuracyWellPosed: 0.91,
  };
  return { asked, kept: { ...asked, count: 171 + iteration, meanSteps: 2.9 + iteration, labelAccuracy: 0.82 } };
}
