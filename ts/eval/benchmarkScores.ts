import { passAtK } from '../domain/passAtK.ts';
import { mean } from '../domain/statistics.ts';
import { type Answered, type AnsweredItem, byJudge, byRule, type ItemMarks, marksOf } from './answeredItem.ts';
import type { SatBenchmark } from './evaluationDocument.ts';
import { type Figure, proportion, sampledFigure } from './figures.ts';
import { agreementWith } from './judgement.ts';
import type { Accuracies, BenchmarkScores, JudgedScores, ResponseRates } from './scoresDocument.ts';

/**
 * The figures of one benchmark. Greedy accuracy and majority@k, one mark an item, have Wilson's interval, mean@k and
 * pass@n a bootstrap over items, as the embedded exam has them.
 *
 * @param answered all items that were sat, in order
 * @param seed of the resampling
 * @param judged whether a judge was asked
 */
export function scoreBenchmark(
  name: string,
  sat: SatBenchmark,
  answered: readonly AnsweredItem[],
  seed: number,
  judged: boolean,
): BenchmarkScores {
  const { title, group, items, available, samples, metric, origin, digest, maxTokens } = sat;
  const greedy = answered.flatMap((one) => one.greedy ?? []);
  const sampled = answered.flatMap((one) => one.sampled);
  return {
    benchmark: name,
    title,
    group,
    items,
    available,
    samples,
    metric,
    origin,
    digest,
    maxTokens,
    ...accuracies(answered, byRule, seed, name),
    rates: { greedy: ratesOf(greedy), sampled: ratesOf(sampled) },
    meanTokens: { greedy: meanTokens(greedy), sampled: meanTokens(sampled) },
    judged: judged ? judgedScores(answered, seed, name) : null,
  };
}

/**
 * What a benchmark counts in an average: one value an item, in [0, 1]; undefined where its metric was not sat.
 *
 * @param correct the way of grading
 */
export function metricValues(
  metric: SatBenchmark['metric'],
  answered: readonly AnsweredItem[],
  correct: (answered: Answered) => boolean,
): number[] | undefined {
  const values = answered.flatMap((one) => {
    const { greedy, sampled } = marksOf(one, correct);
    if (metric === 'greedy') return greedy === null ? [] : [Number(greedy)];
    return sampled.length === 0 ? [] : [shareOf(sampled)];
  });
  return values.length === 0 ? undefined : values;
}

function accuracies(
  answered: readonly AnsweredItem[],
  correct: (answered: Answered) => boolean,
  seed: number,
  name: string,
): Accuracies {
  const marks = answered.map((one) => marksOf(one, correct));
  const greedy = marks.flatMap((one) => (one.greedy === null ? [] : [Number(one.greedy)]));
  const majority = marks.flatMap((one) => (one.majority === null ? [] : [Number(one.majority)]));
  const sampled = marks.flatMap((one) => (one.sampled.length === 0 ? [] : [one.sampled]));
  return {
    greedy: greedy.length === 0 ? null : proportion(greedy),
    mean: sampled.length === 0 ? null : sampledFigure(sampled.map(shareOf), seed, name, 'mean'),
    majority: majority.length === 0 ? null : proportion(majority),
    passAt: powersUpTo(sampled[0]?.length ?? 0).map((n) => ({ n, figure: passFigure(sampled, n, seed, name) })),
  };
}

function passFigure(sampled: readonly ItemMarks['sampled'][], n: number, seed: number, name: string): Figure {
  const values = sampled.map((marks) => passAtK(marks.length, marks.filter(Boolean).length, n));
  // pass@1 is mean@k, and no other figure than that by another resampling.
  return n === 1
    ? sampledFigure(sampled.map(shareOf), seed, name, 'mean')
    : sampledFigure(values, seed, name, `pass@${n}`);
}

/** 1, 2, 4, ... and `most` itself; none for 0. */
function powersUpTo(most: number): number[] {
  const powers: number[] = [];
  for (let n = 1; n < most; n *= 2) powers.push(n);
  return most === 0 ? [] : [...powers, most];
}

function judgedScores(answered: readonly AnsweredItem[], seed: number, name: string): JudgedScores {
  return { ...accuracies(answered, byJudge, seed, name), ...agreementWith(answered) };
}

function shareOf(marks: readonly boolean[]): number {
  return mean(marks.map(Number));
}

function ratesOf(responses: readonly Answered[]): ResponseRates {
  const share = (is: (answered: Answered) => boolean) =>
    responses.length === 0 ? null : responses.filter(is).length / responses.length;
  return {
    truncated: share(({ response }) => response.stop === 'length'),
    noBox: share(({ mark }) => mark.answer === null),
    undecided: share(({ mark }) => mark.undecided),
  };
}

function meanTokens(responses: readonly Answered[]): number | null {
  return responses.length === 0 ? null : mean(responses.map(({ response }) => response.tokens));
}
