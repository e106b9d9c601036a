import type { Verb, VerbTypes } from '../../protocol/generated.ts';
import { WorkerCallError } from '../errors.ts';
import { CONTEXT_LENGTH } from './policy.ts';
import { VOCABULARY } from './text.ts';

type Limits = { [V in Verb]?: (params: VerbTypes[V]['params']) => void };

/** What one field allows another to be, as py_worker/rzero_worker/checks.py has it; ranges are the codecs' matter. */
const LIMITS: Limits = {
  load_model({ training }) {
    const rank = training?.loraRank ?? 0;
    need(rank === 0, 'training.loraRank', rank, '0: this worker has no adapters');
  },
  sample({ conversations, seeds }) {
    need(seeds.length === conversations.length, 'seeds', seeds.length, `one a conversation, ${conversations.length}`);
  },
  forward({ tokens, lengths, mask }) {
    needSequences(tokens, lengths, '');
    if (mask !== undefined) needMask(mask, lengths, 'mask');
  },
  forward_backward({ batch, loss }) {
    need(loss.dualClip === 0 || loss.dualClip > 1, 'loss.dualClip', loss.dualClip, '0 (off) or above 1');
    need(loss.klCoef === 0 || batch.refLogprobs !== undefined, 'batch.refLogprobs', undefined, 'an array: klCoef > 0');
    const weighs = loss.importanceCap > 0;
    need(
      !weighs || batch.sampleLogprobs !== undefined,
      'batch.sampleLogprobs',
      undefined,
      'an array: importanceCap > 0',
    );
    needSequences(batch.tokens, batch.lengths, 'batch.');
    const count = batch.tokens.length;
    needMask(batch.mask, batch.lengths, 'batch.mask');
    needCount(batch.advantages, batch.lengths.length, 'batch.advantages');
    needCount(batch.oldLogprobs, count, 'batch.oldLogprobs');
    needCount(batch.refLogprobs, count, 'batch.refLogprobs');
    needCount(batch.sampleLogprobs, count, 'batch.sampleLogprobs');
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
  const outside = lengths.find((length) => length > CONTEXT_LENGTH);
  need(outside === undefined, `${prefix}lengths`, outside, `at most ${CONTEXT_LENGTH} each`);
  need(total === tokens.length, `${prefix}lengths`, `a sum of ${total}`, `the number of tokens, ${tokens.length}`);
  const stray = tokens.find((token) => token >= VOCABULARY);
  need(stray === undefined, `${prefix}tokens`, stray, `below ${VOCABULARY}`);
}

/** For lengths that {@link needSequences} has checked. */
function needMask(mask: Uint8Array, lengths: Int32Array, field: string): void {
  let start = 0;
  lengths.forEach((length, index) => {
    need(mask[start] !== 1, `${field} at the first token of sequence ${index}`, 1, '0: it has no log-prob');
    start += length;
  });
  needCount(mask, start, field);
}

function needCount(values: ArrayLike<number> | undefined, count: number, field: string): void {
  if (values === undefined) return;
  need(values.length === count, field, `${values.length} values`, `${count}`);
}
