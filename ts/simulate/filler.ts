const TOKEN = 1;
const LOGPROB = -1;

let tokens = new Int32Array();
let logprobs = new Float32Array();

/**
 * So many tokens, in place of those that a real worker draws. They are packed before anybody sees them, so that all can be
 * of one array.
 */
export function tokensOf(count: number): Int32Array {
  if (tokens.length < count) tokens = new Int32Array(2 * count).fill(TOKEN);
  return tokens.subarray(0, count);
}

/** The same for log-probs. */
export function logprobsOf(count: number): Float32Array {
  if (logprobs.length < count) logprobs = new Float32Array(2 * count).fill(LOGPROB);
  return logprobs.subarray(0, count);
}

/** The sum of lengths, or of a mask. */
export function sum(values: Int32Array | Uint8Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
