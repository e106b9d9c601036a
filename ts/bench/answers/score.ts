import type { Outcome } from './grader.ts';
import type { Pair } from './pair.ts';

/** Verdicts of one grader on pairs whose truth is known. */
export interface Tally {
  pairs: number;
  right: number;
  /** Of pairs that are not the same. */
  falseAccepts: number;
  /** Of pairs that are. */
  falseRejects: number;
  /** Neither, hangs and errors among them. */
  undecided: number;
}

/** All of one grader's outcomes. */
export interface Score extends Tally {
  /** Share of right verdicts. */
  accuracy: number;
  hangs: number;
  failures: number;
  milliseconds: { median: number; p99: number; max: number };
  pairsPerSecond: number;
  kinds: Record<string, Tally>;
  /** Up to ten wrong verdicts, ids. */
  wrong: string[];
}

/** @param outcomes one for each pair */
export function score(pairs: readonly Pair[], outcomes: readonly Outcome[]): Score {
  const all = tally();
  const kinds: Record<string, Tally> = {};
  const wrong: string[] = [];
  for (const [index, { id, kind, truth }] of pairs.entries()) {
    if (truth === null) continue;
    const { equal } = outcomes[index] as Outcome;
    kinds[kind] ??= tally();
    for (const each of [all, kinds[kind]]) count(each, truth, equal);
    if (equal !== truth) wrong.push(id);
  }
  const times = outcomes.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
  const quantile = (q: number): number => times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? 0;
  const total = times.reduce((sum, ms) => sum + ms, 0);
  return {
    ...all,
    accuracy: all.pairs === 0 ? 0 : all.right / all.pairs,
    hangs: outcomes.filter(({ hung }) => hung).length,
    failures: outcomes.filter(({ failed }) => failed).length,
    milliseconds: { median: quantile(0.5), p99: quantile(0.99), max: times.at(-1) ?? 0 },
    pairsPerSecond: total === 0 ? 0 : (1000 * times.length) / total,
    kinds,
    wrong: wrong.slice(0, 10),
  };
}

function tally(): Tally {
  return { pairs: 0, right: 0, falseAccepts: 0, falseRejects: 0, undecided: 0 };
}

function count(to: Tally, truth: boolean, equal: boolean | null): void {
  to.pairs += 1;
  if (equal === null) to.undecided += 1;
  else if (equal === truth) to.right += 1;
  else if (equal) to.falseAccepts += 1;
  else to.falseRejects += 1;
}
