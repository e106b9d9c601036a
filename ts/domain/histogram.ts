/** Cells of a histogram of agreements: 0, 0.1, ..., 1. */
export const AGREEMENT_CELLS = 11;

/**
 * How many questions have which p-hat, the share of their answers that agree with the majority (paper section 3.2).
 *
 * @param agreements shares in [0, 1]
 * @returns eleven counts, of the shares nearest to 0, 0.1, ..., 1
 */
export function agreementHistogram(agreements: readonly number[]): number[] {
  const counts = Array.from({ length: AGREEMENT_CELLS }, () => 0);
  for (const agreement of agreements) {
    const cell = Math.round(agreement * (AGREEMENT_CELLS - 1));
    counts[cell] = (counts[cell] ?? 0) + 1;
  }
  return counts;
}
