import { mean } from '../domain/statistics.ts';
import { describe } from './arithmetic.ts';
import { type Figure, proportion, sampledFigure } from './figures.ts';
import type { EvaluationRecord, Mode } from './records.ts';
import { type StyleProfile, styleProfile } from './style.ts';

export type { Figure } from './figures.ts';

/** Accuracy in percent on the questions of one length. */
export interface StepScores {
  steps: number;
  questions: number;
  greedy?: number;
  mean?: number;
  majority?: number;
}

/** The marks of one model on the exam. A mode that was not sat has no figure. */
export interface Scores {
  questions: number;
  /** Samples a question, the k of mean@k and majority@k; 0 where nothing was sampled. */
  samples: number;
  /** Accuracy of the greedy answers. */
  greedy?: Figure;
  /** mean@k: accuracy of a single sampled answer. */
  mean?: Figure;
  /** majority@k: accuracy of the majority among a question's k answers. */
  majority?: Figure;
  /** mean@k when every answer is made to begin as a worked one. */
  worked?: Figure;
  greedyStyle?: StyleProfile;
  sampledStyle?: StyleProfile;
  /** By number of steps, shortest first; empty where the questions are not of the embedded domain. */
  bySteps: StepScores[];
}

/**
 * The figures of one evaluation. mean@k has a bootstrap interval over questions, since the samples of a
 * question are not independent; greedy and majority@k, one mark a question, have Wilson's, which does
 * not shrink to nothing where every answer is right.
 *
 * @param records an iteration's evaluation records, in any order
 * @param seed of the resampling
 */
export function scoreEvaluation(records: readonly EvaluationRecord[], seed: number): Scores {
  const of = (mode: Mode) => records.filter((record) => record.mode === mode);
  const greedy = of('greedy');
  const sampled = of('sampled');
  const worked = of('worked');
  const voted = sampled.filter(({ majorityCorrect }) => majorityCorrect !== undefined);
  return {
    questions: new Set(records.map(({ question }) => question)).size,
    samples: sampled[0]?.responses.length ?? 0,
    ...(greedy.length === 0 ? {} : { greedy: proportion(greedy.map(accuracy)), greedyStyle: styleOf(greedy) }),
    ...(sampled.length === 0
      ? {}
      : { mean: sampledFigure(sampled.map(accuracy), seed, 'mean'), sampledStyle: styleOf(sampled) }),
    ...(voted.length === 0 ? {} : { majority: proportion(voted.map(majority)) }),
    ...(worked.length === 0 ? {} : { worked: sampledFigure(worked.map(accuracy), seed, 'worked') }),
    bySteps: scoresBySteps(greedy, sampled, voted),
  };
}

/** Share of a question's responses that are right, [0, 1]. */
export function accuracy(record: EvaluationRecord): number {
  return mean(record.correct.map(Number));
}

/** 1 where the majority answer is right, else 0. */
export function majority(record: EvaluationRecord): number {
  return Number(record.majorityCorrect ?? false);
}

function styleOf(records: readonly EvaluationRecord[]): StyleProfile {
  return styleProfile(
    records.map(({ responses }) => responses),
    records.map(({ correct }) => correct),
  );
}

function scoresBySteps(
  greedy: readonly EvaluationRecord[],
  sampled: readonly EvaluationRecord[],
  voted: readonly EvaluationRecord[],
): StepScores[] {
  const groups = { greedy: byLength(greedy), mean: byLength(sampled), majority: byLength(voted) };
  const lengths = [...new Set([...groups.greedy.keys(), ...groups.mean.keys()])];
  const percent = (records: readonly EvaluationRecord[] | undefined, mark: (record: EvaluationRecord) => number) =>
    records === undefined ? undefined : 100 * mean(records.map(mark));
  return lengths
    .sort((a, b) => a - b)
    .map((steps) => {
      const figures = {
        greedy: percent(groups.greedy.get(steps), accuracy),
        mean: percent(groups.mean.get(steps), accuracy),
        majority: percent(groups.majority.get(steps), majority),
      };
      const questions = (groups.greedy.get(steps) ?? groups.mean.get(steps) ?? []).length;
      const present = Object.entries(figures).filter(([, value]) => value !== undefined);
      return { steps, questions, ...Object.fromEntries(present) };
    });
}

function byLength(records: readonly EvaluationRecord[]): Map<number, EvaluationRecord[]> {
  const groups = new Map<number, EvaluationRecord[]>();
  for (const record of records) {
    const steps = describe(record.question)?.steps;
    if (steps === undefined) continue;
    const group = groups.get(steps);
    if (group === undefined) groups.set(steps, [record]);
    else group.push(record);
  }
  return groups;
}
