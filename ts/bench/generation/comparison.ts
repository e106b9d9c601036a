import { quantile } from '../wire/timing.ts';
import { type Measured, type Round, SIDES, type SideName } from './measure.ts';

/** One side in numbers. */
export interface SideResult {
  /** Median over the rounds. */
  tokensPerSecond: number;
  seconds: number[];
  tokens: number[];
  /** Mean over the rounds; null where a side does not tell. All sides draw from one distribution. */
  logprob: number | null;
}

export interface Comparison {
  sides: Partial<Record<SideName, SideResult>>;
  /** Medians over the rounds of our tokens a second by the other's: above 1, ours is faster. */
  ratioToGenerate?: number;
  ratioToScored?: number;
  ratioToVllm?: number;
}

/** Set all sides beside ours. */
export function compare(rounds: Readonly<Measured['rounds']>): Comparison {
  const ratio = (name: SideName): number | undefined => {
    const theirs = rounds[name]?.map(speed);
    return (
      theirs &&
      quantile(
        (rounds.ours ?? []).map((round, at) => speed(round) / (theirs[at] as number)),
        0.5,
      )
    );
  };
  const sides: Comparison['sides'] = {};
  for (const name of SIDES) {
    const side = rounds[name];
    if (side !== undefined) sides[name] = summary(side);
  }
  const ratios = { ratioToGenerate: ratio('generate'), ratioToScored: ratio('scored'), ratioToVllm: ratio('vllm') };
  return { sides, ...Object.fromEntries(Object.entries(ratios).filter(([, value]) => value !== undefined)) };
}

function summary(rounds: readonly Round[]): SideResult {
  const logprobs = rounds.map(({ logprob }) => logprob).filter((logprob) => logprob !== null);
  return {
    tokensPerSecond: quantile(rounds.map(speed), 0.5),
    seconds: rounds.map(({ seconds }) => seconds),
    tokens: rounds.map(({ tokens }) => tokens),
    logprob: logprobs.length === 0 ? null : logprobs.reduce((sum, logprob) => sum + logprob, 0) / logprobs.length,
  };
}

const speed = ({ tokens, seconds }: Round): number => tokens / seconds;
