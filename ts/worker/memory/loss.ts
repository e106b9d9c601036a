import type { ForwardBackwardParams, ForwardBackwardResult, LossSpec } from '../../protocol/generated.ts';
import type { Policy } from './policy.ts';
import { VOCABULARY } from './text.ts';

// Bound once, as in random.ts.
const { exp } = Math;

/** Bounds of log-ratios and of one token's KL estimate, those of py_worker/rzero_worker/losses.py. */
const LOG_RATIO_BOUND = 20;
const KL_BOUND = 10;

/** The loss of one token and its derivative by the token's log-prob. */
export interface TokenLoss {
  loss: number;
  slope: number;
  kl: number;
  ratio: number;
  clipped: boolean;
}

/**
 * The GRPO loss of one token: max(-A r, -A clip(r)), bounded by -A c for A < 0 when dualClip = c > 0, plus
 * klCoef times the k3 estimate. Formulas and sources as in py_worker/rzero_worker/losses.py.
 * @param old log-prob when sampled; undefined: its own, so that r is 1
 */
export function tokenLoss(
  logprob: number,
  old: number | undefined,
  ref: number | undefined,
  advantage: number,
  spec: LossSpec,
): TokenLoss {
  const logRatio = old === undefined ? 0 : logprob - old;
  const ratio = exp(clamp(logRatio, -LOG_RATIO_BOUND, LOG_RATIO_BOUND));
  const free = -advantage * ratio;
  const bounded = -advantage * clamp(ratio, 1 - spec.clipLow, 1 + spec.clipHigh);
  const cap = spec.dualClip > 0 && advantage < 0 ? -advantage * spec.dualClip : Number.POSITIVE_INFINITY;
  const clipped = bounded > free || Math.max(free, bounded) > cap;
  let loss = Math.min(Math.max(free, bounded), cap);
  let slope = clipped || Math.abs(logRatio) > LOG_RATIO_BOUND ? 0 : free;
  let kl = 0;
  if (ref !== undefined) {
    const d = clamp(ref - logprob, -LOG_RATIO_BOUND, LOG_RATIO_BOUND);
    const k3 = exp(d) - d - 1;
    kl = Math.min(k3, KL_BOUND);
    loss += spec.klCoef * kl;
    if (k3 < KL_BOUND && Math.abs(ref - logprob) < LOG_RATIO_BOUND) slope += spec.klCoef * (1 - exp(d));
  }
  return { loss, slope, kl, ratio, clipped };
}

/** Add the gradient of sum(token losses * mask) / normalizer to `gradient`, laid out as the policy's weights. */
export function accumulate(
  policy: Policy,
  gradient: Float64Array,
  { batch, loss: spec, normalizer }: ForwardBackwardParams,
): ForwardBackwardResult {
  const sums = { loss: 0, kl: 0, entropy: 0, clipped: 0, ratio: 0, tokens: 0 };
  let start = 0;
  batch.lengths.forEach((length, sequence) => {
    for (let at = start + 1; at < start + length; at++) {
      if (batch.mask[at] !== 1) continue;
      const last = batch.tokens[at - 1] as number;
      const token = batch.tokens[at] as number;
      const row = policy.distribution(last, spec.temperature);
      const one = tokenLoss(
        row[token] as number,
        batch.oldLogprobs?.[at],
        batch.refLogprobs?.[at],
        batch.advantages[sequence] as number,
        spec,
      );
      // d log p(token) / d logit(b) = ((token = b) - p(b)) / temperature
      const scale = one.slope / normalizer / spec.temperature;
      const base = last * VOCABULARY;
      row.forEach((logprob, b) => {
        gradient[base + b] = (gradient[base + b] as number) - scale * exp(logprob);
        sums.entropy -= exp(logprob) * logprob;
      });
      gradient[base + token] = (gradient[base + token] as number) + scale;
      sums.loss += one.loss;
      sums.kl += one.kl;
      sums.clipped += one.clipped ? 1 : 0;
      sums.ratio += one.ratio;
      sums.tokens += 1;
    }
    start += length;
  });
  const count = Math.max(1, sums.tokens);
  return {
    loss: sums.loss / normalizer,
    kl: sums.kl / count,
    entropy: sums.entropy / count,
    clipFraction: sums.clipped / count,
    ratioMean: sums.tokens === 0 ? 1 : sums.ratio / count,
    tokens: sums.tokens,
  };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
