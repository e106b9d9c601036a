import { answerKey } from './answers/key.ts';

/** The outcome of a majority vote among the samples for one question. */
export interface Vote {
  /** The pseudo-label: the winning group's answer as its first member wrote it; null when nobody boxed an answer. */
  label: string | null;
  /** Members of the winning group. */
  votes: number;
  /** m: all samples, with or without a box. */
  samples: number;
  /** The paper's empirical accuracy p-hat = votes / samples, in [0, 1]; 0 without samples. */
  agreement: number;
  /** Samples without a box. They cannot win, yet they count in `samples`. */
  unboxed: number;
  /** Different answers among the boxed. */
  groups: number;
}

/**
 * Majority vote (R-Zero, "Solver data curation": y~ is the most frequent of m answers). Answers that
 * {@link answerKey} maps to one key vote together. Of groups of the same size, the one whose first member
 * comes first wins.
 *
 * A missing box is no answer of its own. Were it one, a question that makes the Solver fail to
 * finish half of the time would look perfectly hard.
 *
 * @param answers boxed answers in sample order; null where a sample has none
 */
export function majorityVote(answers: readonly (string | null)[]): Vote {
  const counts = new Map<string, { label: string; votes: number }>();
  let unboxed = 0;
  for (const answer of answers) {
    if (answer === null) {
      unboxed++;
      continue;
    }
    const key = answerKey(answer);
    const group = counts.get(key);
    if (group === undefined) counts.set(key, { label: answer, votes: 1 });
    else group.votes++;
  }
  // A Map iterates in order of insertion, and only a larger group replaces the winner.
  let label: string | null = null;
  let votes = 0;
  for (const group of counts.values()) {
    if (group.votes > votes) ({ label, votes } = group);
  }
  const samples = answers.length;
  return { label, votes, samples, agreement: samples === 0 ? 0 : votes / samples, unboxed, groups: counts.size };
}
