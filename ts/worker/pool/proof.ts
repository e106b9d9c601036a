import type { WeightsProof } from '../../protocol/generated.ts';

/**
 * How far the probe's log-probs under the same weights may be apart, on average: so far, or by this share of their
 * mean. Engines round in their own ways, and bfloat16 has three digits of a log-prob. Weights of one update before
 * are hardly further away, which the checksum tells.
 */
const TOLERANCE = { absolute: 0.1, share: 0.02 };

/**
 * What tells the weights that `proof` was given for from those of `other`, in words with `there` for the owner of
 * the first; undefined where they are the same.
 */
export function differenceOf(proof: WeightsProof, other: WeightsProof): string | undefined {
  if (proof.checksum !== other.checksum) return `their checksum is ${proof.checksum} there, and was ${other.checksum}`;
  if (proof.probe.length !== other.probe.length) {
    return `its probe has ${proof.probe.length} log-probs, and had ${other.probe.length}`;
  }
  const apart = meanSize(proof.probe.map((one, i) => one - (other.probe[i] as number)));
  const allowed = Math.max(TOLERANCE.absolute, TOLERANCE.share * meanSize(other.probe));
  if (apart <= allowed) return undefined;
  return `log-probs of the probe are ${apart.toPrecision(3)} apart on average, allowed is ${allowed.toPrecision(2)}`;
}

function meanSize(values: Float32Array): number {
  return values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
}
