/** Tokens of the probe by which workers compare the weights that they hold. */
const LENGTH = 16;
const PRIME = 7919;

/** The probe of a model whose vocabulary has this size: token i is 7919 (i + 1) modulo the size. */
export function probeTokens(vocabularySize: number): Int32Array {
  return Int32Array.from({ length: LENGTH }, (_, index) => (PRIME * (index + 1)) % vocabularySize);
}
