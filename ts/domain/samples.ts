import type { SampleBatch } from '../protocol/generated.ts';

/** The `n` texts of each conversation. */
export function groupTexts(texts: readonly string[], n: number): string[][] {
  return Array.from({ length: texts.length / n }, (_, group) => texts.slice(group * n, (group + 1) * n));
}

/** One batch of several, in their order. @throws RangeError where there is none */
export function joinBatches(batches: readonly SampleBatch[]): SampleBatch {
  const [first] = batches;
  if (first === undefined) throw new RangeError('no batch to join');
  if (batches.length === 1) return first;
  return {
    weightsVersion: first.weightsVersion,
    promptTokens: joinInts(batches.map((batch) => batch.promptTokens)),
    promptLengths: joinInts(batches.map((batch) => batch.promptLengths)),
    tokens: joinInts(batches.map((batch) => batch.tokens)),
    lengths: joinInts(batches.map((batch) => batch.lengths)),
    logprobs: joinFloats(batches.map((batch) => batch.logprobs)),
    texts: batches.flatMap((batch) => batch.texts),
    stopReasons: batches.flatMap((batch) => batch.stopReasons),
  };
}

/** Arrays end to end. */
export function joinFloats(parts: readonly Float32Array[]): Float32Array {
  return fill(new Float32Array(total(parts)), parts);
}

function joinInts(parts: readonly Int32Array[]): Int32Array {
  return fill(new Int32Array(total(parts)), parts);
}

function total(parts: readonly { length: number }[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function fill<T extends Int32Array | Float32Array>(whole: T, parts: readonly T[]): T {
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
