import type { SampleBatch, SampleParams } from '../../protocol/generated.ts';

/** A part of a `sample` request: whole conversations, one after another. */
export interface Part {
  params: SampleParams;
  /** What it may cost at most, in tokens: the measure by which work is spread. */
  tokens: number;
}

/** Characters a token, roughly: enough to weigh a prompt by. */
const CHARACTERS_PER_TOKEN = 4;

/**
 * Cut a request into parts of at most `most` samples, in the order of its conversations. Where it is cut
 * depends on the request alone, not on who is there to serve it, so that a run repeats itself.
 *
 * @param most samples a part; one conversation is never cut
 */
export function splitSample(params: SampleParams, most: number): Part[] {
  const { conversations, seeds, n } = params;
  // What a worker would refuse is for a worker to refuse.
  const size = seeds.length === conversations.length ? Math.max(1, Math.floor(most / n)) : conversations.length;
  const parts: Part[] = [];
  for (let start = 0; start === 0 || start < conversations.length; start += Math.max(1, size)) {
    const end = start + size;
    const some = { ...params, conversations: conversations.slice(start, end), seeds: seeds.slice(start, end) };
    parts.push({ params: size === conversations.length ? params : some, tokens: costOf(some) });
  }
  return parts;
}

function costOf({ conversations, n, sampling }: SampleParams): number {
  const characters = conversations.reduce(
    (total, { messages }) => messages.reduce((sum, { content }) => sum + content.length, total),
    0,
  );
  return characters / CHARACTERS_PER_TOKEN + conversations.length * n * sampling.maxTokens;
}

/** One batch of several, in their order. They must be of the same weights. */
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

function joinInts(parts: readonly Int32Array[]): Int32Array {
  return fill(new Int32Array(total(parts)), parts);
}

function joinFloats(parts: readonly Float32Array[]): Float32Array {
  return fill(new Float32Array(total(parts)), parts);
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
