import type { ForwardBackwardParams, ForwardBackwardResult } from '../../protocol/generated.ts';
import { sequenceLosses } from './loss.ts';
import { notFinite } from './notFinite.ts';
import type { Policy } from './policy.ts';
import { VOCABULARY } from './text.ts';

// Bound once, as in random.ts.
const { exp } = Math;

/** A trained token: where it stands, and what it follows. */
interface Place {
  at: number;
  last: number;
  token: number;
}

/**
 * Add the gradient of a batch's loss to `gradient`, laid out as the policy's weights.
 * @throws WorkerCallError `not_finite` naming the sequences; `gradient` is as it was then
 */
export function accumulate(
  policy: Policy,
  gradient: Float64Array,
  { batch, loss: spec, normalizer }: ForwardBackwardParams,
): ForwardBackwardResult {
  const sums = { loss: 0, kl: 0, entropy: 0, clipped: 0, ratio: 0, weight: 0, capped: 0, samplerKl: 0, tokens: 0 };
  const rows = new Map<number, Float64Array>();
  const wrong: number[] = [];
  let start = 0;
  batch.lengths.forEach((length, sequence) => {
    const places = placesOf(batch, start, length);
    start += length;
    const scored = places.map(({ at, last, token }) => ({
      logprob: policy.distribution(last, spec.temperature)[token] as number,
      old: batch.oldLogprobs?.[at],
      ref: batch.refLogprobs?.[at],
      sampled: batch.sampleLogprobs?.[at],
    }));
    const losses = sequenceLosses(scored, batch.advantages[sequence] as number, spec);
    if (!losses.every(({ loss, slope }) => Number.isFinite(loss / normalizer) && Number.isFinite(slope / normalizer))) {
      wrong.push(sequence);
    }
    losses.forEach((one, index) => {
      const { last, token } = places[index] as Place;
      const distribution = policy.distribution(last, spec.temperature);
      const row = rows.get(last) ?? gradient.slice(last * VOCABULARY, (last + 1) * VOCABULARY);
      rows.set(last, row);
      // d log p(token) / d logit(b) = ((token = b) - p(b)) / temperature
      const scale = one.slope / normalizer / spec.temperature;
      distribution.forEach((logprob, b) => {
        row[b] = (row[b] as number) - scale * exp(logprob);
        sums.entropy -= exp(logprob) * logprob;
      });
      row[token] = (row[token] as number) + scale;
      sums.loss += one.loss / normalizer;
      sums.kl += one.kl;
      sums.clipped += one.clipped ? 1 : 0;
      sums.ratio += one.ratio;
      sums.weight += one.weight;
      sums.capped += one.capped ? 1 : 0;
      sums.samplerKl += one.samplerKl;
      sums.tokens += 1;
    });
  });
  if (wrong.length > 0) throw notFinite(`the loss of sequence ${wrong.join(', ')}`);
  if (!Number.isFinite(sums.loss) || ![...rows.values()].every((row) => row.every(Number.isFinite))) {
    throw notFinite(`the sum of the losses or gradients of sequences 0 to ${batch.lengths.length - 1}`);
  }
  for (const [last, row] of rows) gradient.set(row, last * VOCABULARY);
  const count = Math.max(1, sums.tokens);
  return {
    loss: sums.loss,
    kl: sums.kl / count,
    entropy: sums.entropy / count,
    clipFraction: sums.clipped / count,
    ratioMean: sums.tokens === 0 ? 1 : sums.ratio / count,
    importanceMean: sums.tokens === 0 ? 1 : sums.weight / count,
    importanceCapped: sums.capped / count,
    samplerKl: sums.samplerKl / count,
    tokens: sums.tokens,
  };
}

function placesOf({ tokens, mask }: ForwardBackwardParams['batch'], start: number, length: number): Place[] {
  const places: Place[] = [];
  for (let at = start + 1; at < start + length; at++) {
    if (mask[at] === 1) places.push({ at, last: tokens[at - 1] as number, token: tokens[at] as number });
  }
  return places;
}
