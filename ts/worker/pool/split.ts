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

/**
 * Whether a batch holds what was asked for: one prompt a conversation, n samples each.
 * @returns what is wrong, or undefined
 */
export function miscount(batch: SampleBatch, { conversations, n }: SampleParams): string | undefined {
  const samples = conversations.length * n;
  const counts = [
    ['promptLengths', batch.promptLengths.length, conversations.length],
    ['lengths', batch.lengths.length, samples],
    ['texts', batch.texts.length, samples],
    ['stopReasons', batch.stopReasons.length, samples],
    ['promptTokens', batch.promptTokens.length, sum(batch.promptLengths)],
    ['tokens', batch.tokens.length, sum(batch.lengths)],
    ['logprobs', batch.logprobs.length, batch.tokens.length],
  ] as const;
  const wrong = counts.find(([, seen, wanted]) => seen !== wanted);
  return wrong && `${wrong[0]}: saw ${wrong[1]} values, expected ${wrong[2]}`;
}

function sum(lengths: Int32Array): number {
  return lengths.reduce((total, length) => total + length, 0);
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
