import type { KlEstimator, Loss, LossSpec } from '../../protocol/generated.ts';

// Bound once, as in random.ts.
const { abs, exp, max, min } = Math;

/** Bounds of log-ratios and of one token's KL estimate, those of py_worker/rzero_worker/losses.py. */
const LOG_RATIO_BOUND = 20;
const KL_BOUND = 10;

/** Log-probs of a trained token. */
export interface Scored {
  /** Under the policy being trained, and under it as it was; absent: its own, so that their ratio is 1. */
  logprob: number;
  old?: number | undefined;
  /** Under the reference, and as the sampler reported it. */
  ref?: number | undefined;
  sampled?: number | undefined;
}

/** What a token adds to the loss, the derivative of its sequence's loss by its log-prob, and what is reported of it. */
export interface TokenLoss {
  loss: number;
  slope: number;
  kl: number;
  ratio: number;
  clipped: boolean;
  weight: number;
  capped: boolean;
  samplerKl: number;
}

/** A policy term, its derivative by the log-ratio, the ratio, and whether a bound decides the term. */
interface Term {
  value: number;
  slope: number;
  ratio: number;
  clipped: boolean;
}

/**
 * The losses of a sequence's trained tokens, as proto/README.md has them; with aggregation `sequence` they sum to
 * their mean.
 */
export function sequenceLosses(tokens: readonly Scored[], advantage: number, spec: LossSpec): TokenLoss[] {
  const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;
  const isGspo = spec.name === 'gspo';
  let logRatios = tokens.map(({ logprob, old }) => (old === undefined ? 0 : logprob - old));
  if (isGspo) logRatios = logRatios.fill(mean(logRatios));
  const weights = tokens.map((token) => importance(token, spec.importanceCap));
  const terms = tokens.map(({ logprob }, i) => TERMS[spec.name](logprob, logRatios[i] as number, advantage, spec));
  let slopes = terms.map(({ slope }, i) => slope * (weights[i] as Importance).weight);
  // Each token's log-prob is in every token's term, as one of so many.
  if (isGspo) slopes = slopes.fill(mean(slopes));
  const share = spec.aggregation === 'sequence' ? 1 / tokens.length : 1;
  return tokens.map(({ logprob, old = logprob, ref, sampled }, i) => {
    const { value, ratio, clipped } = terms[i] as Term;
    const { weight, capped } = weights[i] as Importance;
    const { kl, klSlope } = ref === undefined ? NO_KL : KL[spec.klEstimator](ref - logprob);
    // A weight of 0 leaves the term out also where it is not finite.
    const [klLoss, klPull] = spec.klCoef > 0 ? [spec.klCoef * kl, spec.klCoef * klSlope] : [0, 0];
    return {
      loss: share * (weight * value + klLoss),
      slope: share * ((slopes[i] as number) + klPull),
      kl,
      ratio,
      clipped,
      weight,
      capped,
      samplerKl: sampled === undefined ? 0 : k3(old - sampled).kl,
    };
  });
}

type TermOf = (logprob: number, logRatio: number, advantage: number, spec: LossSpec) => Term;

const clippedTerm: TermOf = (_, logRatio, advantage, spec) => {
  const ratio = ratioOf(logRatio);
  const free = -advantage * ratio;
  const bounded = -advantage * clip(ratio, spec);
  const cap = spec.dualClip > 0 && advantage < 0 ? -advantage * spec.dualClip : Number.POSITIVE_INFINITY;
  const clipped = bounded > free || max(free, bounded) > cap;
  const slope = clipped || abs(logRatio) > LOG_RATIO_BOUND ? 0 : free;
  return { value: min(max(free, bounded), cap), slope, ratio, clipped };
};

const TERMS: Readonly<Record<Loss, TermOf>> = {
  policy_gradient: (logprob, logRatio, advantage) => ({
    value: -advantage * logprob,
    slope: -advantage,
    ratio: ratioOf(logRatio),
    clipped: false,
  }),
  grpo: clippedTerm,
  gspo: clippedTerm,
  cispo: (logprob, logRatio, advantage, spec) => {
    const ratio = ratioOf(logRatio);
    const weight = clip(ratio, spec); // a constant, so it bounds the gradient and never ends it
    return { value: -advantage * weight * logprob, slope: -advantage * weight, ratio, clipped: weight !== ratio };
  },
};

interface Importance {
  weight: number;
  capped: boolean;
}

/** policy / sampler, at most `cap`; 0 is off. */
function importance({ logprob, old = logprob, sampled }: Scored, cap: number): Importance {
  if (sampled === undefined || cap === 0) return { weight: 1, capped: false };
  const weight = ratioOf(old - sampled);
  return { weight: min(weight, cap), capped: weight > cap };
}

interface Kl {
  kl: number;
  klSlope: number;
}

const NO_KL: Kl = { kl: 0, klSlope: 0 };

/** Estimates of KL(policy || reference) and their derivatives by the policy's log-prob, of d = reference - policy. */
const KL: Readonly<Record<KlEstimator, (d: number) => Kl>> = {
  k1: (d) => ({ kl: -d, klSlope: 1 }),
  k2: (d) => ({ kl: (d * d) / 2, klSlope: -d }),
  k3,
};

function k3(difference: number): Kl {
  const d = clamp(difference, -LOG_RATIO_BOUND, LOG_RATIO_BOUND);
  const kl = exp(d) - d - 1;
  const isFree = kl <= KL_BOUND && abs(difference) <= LOG_RATIO_BOUND;
  return { kl: min(kl, KL_BOUND), klSlope: isFree ? 1 - exp(d) : 0 };
}

function ratioOf(logRatio: number): number {
  return exp(clamp(logRatio, -LOG_RATIO_BOUND, LOG_RATIO_BOUND));
}

function clip(ratio: number, { clipLow, clipHigh }: LossSpec): number {
  return clamp(ratio, 1 - clipLow, 1 + clipHigh);
}

function clamp(value: number, low: number, high: number): number {
  return min(max(value, low), high);
}
