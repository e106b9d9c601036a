import { InvalidArgument } from './errors.ts';

/**
 * Unbiased estimate of pass@k, the chance that at least one of k samples is right: 1 - C(n-c, k) / C(n, k) (Chen et al.
 * 2021, arXiv 2107.03374, equation 1). It is what k of the n samples, drawn without replacement, give on average.
 *
 * @param samples n, drawn for one question, at least 1
 * @param correct c, how many of them are right, 0 to n
 * @param k 1 to n: more than were drawn has no unbiased estimate
 * @returns in [0, 1]
 * @throws InvalidArgument for anything else than integers in these ranges
 */
export function passAtK(samples: number, correct: number, k: number): number {
  requireInteger('samples', samples, 1, Number.MAX_SAFE_INTEGER, '1 up');
  requireInteger('correct', correct, 0, samples, `0 to the ${samples} samples`);
  requireInteger('k', k, 1, samples, `1 to the ${samples} samples`);
  if (correct + k > samples) return 1;
  // The k drawn and the c right ones may change places: C(n-c, k) / C(n, k) = C(n-k, c) / C(n, c). So the fewer are
  // drawn, one by one, and the chances that each is the first to hit are added: no factorials, and no 1 - (almost 1).
  const [drawn, marked] = correct < k ? [correct, k] : [k, correct];
  let hit = 0;
  let missed = 1;
  for (let i = 0; i < drawn; i++) {
    const chance = marked / (samples - i);
    hit += missed * chance;
    missed *= 1 - chance;
  }
  // Rounding may pass the end by a bit.
  return Math.min(hit, 1);
}

function requireInteger(name: string, value: number, from: number, to: number, allowed: string): void {
  if (!Number.isInteger(value) || value < from || value > to) {
    throw new InvalidArgument(`passAtK: ${name} is ${value}, allowed are integers from ${allowed}`);
  }
}
