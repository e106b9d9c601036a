import { quantile } from '../wire/timing.ts';
import { type Measured, type Round, SIDES, type SideName } from './measure.ts';

/** One side in numbers. Rates and ratios are medians over the rounds. */
export interface SideResult {
  tokensPerSecond: number;
  /** Of the processor: what else the machine does costs the rate above more. */
  tokensPerProcessorSecond: number;
  /** Our rate by this side's: above 1, ours is faster; ours has 1. */
  ratio: number;
  processorRatio: number;
  seconds: number[];
  processorSeconds: number[];
  tokens: number[];
  /** Mean over the rounds; null where a side does not tell. All sides draw from one distribution. */
  logprob: number | null;
}

export interface Comparison {
  sides: Partial<Record<SideName, SideResult>>;
  /** The sides' ratios, under names of their own. */
  ratioToGenerate?: number;
  ratioToScored?: number;
  ratioToVllm?: number;
}

/** Set all sides beside ours. */
export function compare(rounds: Readonly<Measured['rounds']> & { ours: Round[] }): Comparison {
  const sides: Comparison['sides'] = {};
  for (const name of SIDES) {
    const side = rounds[name];
    if (side !== undefined) sides[name] = besideOurs(side, rounds.ours);
  }
  const { generate, scored, vllm } = sides;
  return {
    sides,
    ...(generate && { ratioToGenerate: generate.ratio }),
    ...(scored && { ratioToScored: scored.ratio }),
    ...(vllm && { ratioToVllm: vllm.ratio }),
  };
}

function besideOurs(side: readonly Round[], ours: readonly Round[]): SideResult {
  const ratio = (rate: (round: Round) => number): number =>
    quantile(
      side.map((round, at) => rate(ours[at] as Round) / rate(round)),
      0.5,
    );
  const logprobs = side.map(({ logprob }) => logprob).filter((logprob) => logprob !== null);
  return {
    tokensPerSecond: quantile(side.map(perSecond), 0.5),
    tokensPerProcessorSecond: quantile(side.map(perProcessorSecond), 0.5),
    ratio: ratio(perSecond),
    processorRatio: ratio(perProcessorSecond),
    seconds: side.map(({ seconds }) => seconds),
    processorSeconds: side.map(({ processorSeconds }) => processorSeconds),
    tokens: side.map(({ tokens }) => tokens),
    logprob: logprobs.length === 0 ? null : logprobs.reduce((sum, logprob) => sum + logprob, 0) / logprobs.length,
  };
}

const perSecond = ({ tokens, seconds }: Round): number => tokens / seconds;
const perProcessorSecond = ({ tokens, processorSeconds }: Round): number => tokens / processorSeconds;
