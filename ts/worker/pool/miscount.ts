import type { SampleBatch, SampleParams } from '../../protocol/generated.ts';

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
