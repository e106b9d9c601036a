import { pairedTest } from '../domain/pairedTest.ts';
import { stream } from '../domain/random.ts';
import { average, type Figure } from './figures.ts';
import type { EvaluationRecord, Mode } from './records.ts';
import { accuracy, majority } from './scores.ts';
import { type GainParts, splitGain, styleProfile } from './style.ts';

/** A gain in percentage points, paired by question. */
export interface Gain {
  figure: Figure;
  /** The gain by cause, in percentage points; they add up to it. Absent for a majority, which has no style. */
  parts?: GainParts;
}

/** What changed from one model to a later one. A mode that either of them did not sit has no gain. */
export interface Comparison {
  greedy?: Gain;
  mean?: Gain;
  majority?: Gain;
  /**
   * Of the questions that the later model answers right (by its majority, or greedily where nothing was
   * sampled), the share that the earlier one answered right at least once in any mode; null where the
   * later one answers none.
   */
  withinReach: number | null;
}

/**
 * Compare two evaluations on the questions that both were asked. Intervals are bootstrapped over the
 * differences question by question, so what makes a question hard for both cancels out.
 *
 * @param before evaluation records of the earlier model, the base say
 * @param after those of the later one
 * @param seed of the resampling
 */
export function compareEvaluations(
  before: readonly EvaluationRecord[],
  after: readonly EvaluationRecord[],
  seed: number,
): Comparison {
  const greedy = pairs(before, after, 'greedy');
  const sampled = pairs(before, after, 'sampled');
  const voted = sampled.filter((pair) => pair.every((record) => record.majorityCorrect !== undefined));
  return {
    ...(greedy.length === 0 ? {} : { greedy: gain(greedy, accuracy, seed, 'greedy') }),
    ...(sampled.length === 0 ? {} : { mean: gain(sampled, accuracy, seed, 'mean') }),
    ...(voted.length === 0 ? {} : { majority: { figure: difference(voted, majority, seed, 'majority') } }),
    withinReach: withinReach(before, after),
  };
}

/**
 * The p-value of a gain, by the sign-flip test over the questions that both were asked: of mean@k, or of greedy answers
 * where nothing was sampled. Null where there is no such question.
 *
 * @param seed of the test, where it is not exact
 */
export function gainPValue(
  before: readonly EvaluationRecord[],
  after: readonly EvaluationRecord[],
  seed: number,
): number | null {
  const sampled = pairs(before, after, 'sampled');
  const both = sampled.length > 0 ? sampled : pairs(before, after, 'greedy');
  const differences = both.map(([one, other]) => accuracy(other) - accuracy(one));
  return both.length === 0 ? null : pairedTest(differences, stream(seed, 'paired-test', 'gain')).pValue;
}

type Pair = readonly [EvaluationRecord, EvaluationRecord];

function pairs(before: readonly EvaluationRecord[], after: readonly EvaluationRecord[], mode: Mode): Pair[] {
  const earlier = new Map(before.filter((record) => record.mode === mode).map((record) => [record.question, record]));
  return after.flatMap((record) => {
    const other = record.mode === mode ? earlier.get(record.question) : undefined;
    return other === undefined ? [] : [[other, record] as const];
  });
}

function gain(pairs: readonly Pair[], mark: (record: EvaluationRecord) => number, seed: number, name: string): Gain {
  const style = (side: 0 | 1) =>
    styleProfile(
      pairs.map((pair) => pair[side].responses),
      pairs.map((pair) => pair[side].correct),
    );
  const { choosing, slips } = splitGain(style(0), style(1));
  return {
    figure: difference(pairs, mark, seed, name),
    parts: { choosing: 100 * choosing, slips: 100 * slips },
  };
}

function difference(
  pairs: readonly Pair[],
  mark: (record: EvaluationRecord) => number,
  seed: number,
  name: string,
): Figure {
  return average(
    pairs.map(([before, after]) => mark(after) - mark(before)),
    seed,
    'gain',
    name,
  );
}

function withinReach(before: readonly EvaluationRecord[], after: readonly EvaluationRecord[]): number | null {
  const reached = new Set(before.filter(({ correct }) => correct.includes(true)).map(({ question }) => question));
  const voted = after.filter(({ mode, majorityCorrect }) => mode === 'sampled' && majorityCorrect !== undefined);
  const right =
    voted.length > 0
      ? voted.filter(({ majorityCorrect }) => majorityCorrect)
      : after.filter(({ mode, correct }) => mode === 'greedy' && correct[0] === true);
  return right.length === 0 ? null : right.filter(({ question }) => reached.has(question)).length / right.length;
}
