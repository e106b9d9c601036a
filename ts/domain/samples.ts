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

/** The first `groups` conversations of a batch, with their n samples each. */
export function firstGroups(batch: SampleBatch, n: number, groups: number): SampleBatch {
  if (groups >= batch.promptLengths.length) return batch;
  const promptLengths = batch.promptLengths.subarray(0, groups);
  const lengths = batch.lengths.subarray(0, groups * n);
  const tokens = sum(lengths);
  return {
    weightsVersion: batch.weightsVersion,
    promptTokens: batch.promptTokens.subarray(0, sum(promptLengths)),
    promptLengths,
    tokens: batch.tokens.subarray(0, tokens),
    lengths,
    logprobs: batch.logprobs.subarray(0, tokens),
    texts: batch.texts.slice(0, groups * n),
    stopReasons: batch.stopReasons.slice(0, groups * n),
  };
}

/** Arrays end to end. */
export function joinFloats(parts: readonly Float32Array[]): Float32Array {
  return fill(new Float32Array(total(parts)), parts);
}

function joinInts(parts: readonly Int32Array[]): Int32Array {
  return fill(new Int32Array(total(parts)), parts);
}

function sum(lengths: Int32Array): number {
  return lengths.reduce((total, length) => total + length, 0);
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
