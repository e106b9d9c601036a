import type { WeightsProof } from '../../protocol/generated.ts';

/**
 * How far the probe's log-probs under the same weights may be apart, on average: engines round in their own ways,
 * and bfloat16 has three digits. Weights of one update before are hardly further away, which the checksum tells.
 */
const TOLERANCE = 0.1;

/**
 * What tells the weights that `proof` was given for from those of `other`, in words with `there` for the owner of
 * the first; undefined where they are the same.
 */
export function differenceOf(proof: WeightsProof, other: WeightsProof): string | undefined {
  if (proof.checksum !== other.checksum) return `their checksum is ${proof.checksum} there, and was ${other.checksum}`;
  if (proof.probe.length !== other.probe.length) {
    return `its probe has ${proof.probe.length} log-probs, and had ${other.probe.length}`;
  }
  const apart = proof.probe.reduce((sum, one, i) => sum + Math.abs(one - (other.probe[i] as number)), 0);
  const mean = apart / proof.probe.length;
  if (mean <= TOLERANCE) return undefined;
  return `log-probs of the probe are ${mean.toPrecision(3)} apart on average, allowed is ${TOLERANCE}`;
}
