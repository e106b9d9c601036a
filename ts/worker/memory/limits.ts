import type { Verb, VerbTypes } from '../../protocol/generated.ts';
import { WorkerCallError } from '../errors.ts';
import { VOCABULARY } from './text.ts';

type Limits = { [V in Verb]?: (params: VerbTypes[V]['params']) => void };

/** Ranges and array lengths of requests, as py_worker/rzero_worker/checks.py has them. */
const LIMITS: Limits = {
  load_model({ modelId, source, seed }) {
    need(modelId !== '', 'modelId', modelId, 'a name that is not empty');
    need(source !== '', 'source', source, 'a name that is not empty');
    need(seed >= 0, 'seed', seed, '0 or more');
  },
  sample({ conversations, n, seeds, sampling }) {
    need(n >= 1, 'n', n, '1 or more');
    need(sampling.temperature >= 0, 'sampling.temperature', sampling.temperature, '0 or more');
    need(sampling.topP > 0 && sampling.topP <= 1, 'sampling.topP', sampling.topP, 'above 0 and at most 1');
    need(sampling.topK >= 0, 'sampling.topK', sampling.topK, '0 (off) or more');
    need(sampling.maxTokens >= 1, 'sampling.maxTokens', sampling.maxTokens, '1 or more');
    need(seeds.length === conversations.length, 'seeds', seeds.length, `one a conversation, ${conversations.length}`);
    conversations.forEach(({ messages }, index) => {
      need(messages.length > 0, `conversations[${index}].messages`, 0, 'one message or more');
    });
  },
  forward({ tokens, lengths, temperature }) {
    need(temperature > 0, 'temperature', temperature, 'above 0');
    needSequences(tokens, lengths, '');
  },
  forward_backward({ seq, batch, loss, normalizer }) {
    need(seq >= 0, 'seq', seq, '0 or more');
    need(normalizer > 0, 'normalizer', normalizer, 'above 0');
    need(loss.clipLow >= 0 && loss.clipLow <= 1, 'loss.clipLow', loss.clipLow, '0 to 1');
    need(loss.clipHigh >= 0, 'loss.clipHigh', loss.clipHigh, '0 or more');
    need(loss.dualClip === 0 || loss.dualClip > 1, 'loss.dualClip', loss.dualClip, '0 (off) or above 1');
    need(loss.klCoef >= 0, 'loss.klCoef', loss.klCoef, '0 or more');
    need(loss.temperature > 0, 'loss.temperature', loss.temperature, 'above 0');
    need(loss.klCoef === 0 || batch.refLogprobs !== undefined, 'batch.refLogprobs', undefined, 'an array: klCoef > 0');
    needSequences(batch.tokens, batch.lengths, 'batch.');
    const count = batch.tokens.length;
    need(batch.mask.length === count, 'batch.mask', batch.mask.length, `one a token, ${count}`);
    let start = 0;
    batch.lengths.forEach((length, index) => {
      need(batch.mask[start] === 0, `batch.mask at the first token of sequence ${index}`, 1, '0: it has no log-prob');
      start += length;
    });
    needFinite(batch.advantages, batch.lengths.length, 'batch.advantages');
    needFinite(batch.oldLogprobs, count, 'batch.oldLogprobs');
    needFinite(batch.refLogprobs, count, 'batch.refLogprobs');
  },
  optim_step({ seq, adam }) {
    need(seq >= 0, 'seq', seq, '0 or more');
    need(adam.learningRate >= 0, 'adam.learningRate', adam.learningRate, '0 or more');
    need(adam.beta1 >= 0 && adam.beta1 < 1, 'adam.beta1', adam.beta1, '0 or more and below 1');
    need(adam.beta2 >= 0 && adam.beta2 < 1, 'adam.beta2', adam.beta2, '0 or more and below 1');
    need(adam.epsilon > 0, 'adam.epsilon', adam.epsilon, 'above 0');
    need(adam.weightDecay >= 0, 'adam.weightDecay', adam.weightDecay, '0 or more');
    need(adam.maxGradNorm >= 0, 'adam.maxGradNorm', adam.maxGradNorm, '0 (off) or more');
  },
};

/** @throws WorkerCallError `invalid_request` naming the field, the value seen and what is allowed */
export function checkLimits<V extends Verb>(verb: V, params: VerbTypes[V]['params']): void {
  LIMITS[verb]?.(params);
}

function need(ok: boolean, field: string, seen: unknown, allowed: string): void {
  if (!ok) throw new WorkerCallError('invalid_request', `${field}: saw ${seen}, allowed is ${allowed}`);
}

function needSequences(tokens: Int32Array, lengths: Int32Array, prefix: string): void {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const shortest = lengths.reduce((least, length) => Math.min(least, length), 1);
  need(shortest >= 1, `${prefix}lengths`, shortest, '1 or more each');
  need(total === tokens.length, `${prefix}lengths`, `a sum of ${total}`, `the number of tokens, ${tokens.length}`);
  const stray = tokens.find((token) => token < 0 || token >= VOCABULARY);
  need(stray === undefined, `${prefix}tokens`, stray, `0 to ${VOCABULARY - 1}`);
}

function needFinite(values: Float32Array | undefined, count: number, field: string): void {
  if (values === undefined) return;
  need(values.length === count, field, `${values.length} values`, `${count}`);
  const stray = values.find((value) => !Number.isFinite(value));
  need(stray === undefined, field, stray, 'finite numbers');
}
