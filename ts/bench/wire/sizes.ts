import type { Envelope, SampleBatch, TrainBatch } from '../../protocol/generated.ts';
import { packEnvelope, packParams, packResult } from '../../worker/codec.ts';
import { listed, packLists } from './lists.ts';
import { sampleBatch, trainBatch, trainParams } from './payloads.ts';

/** Bytes that a message has on the wire for each token, all of it included; and what they would be otherwise. */
export interface Size {
  packed: number;
  lists: number;
  json: number;
}

/** Sizes of the messages that carry most of a run. @param sequences divisible by 4 @param length divisible by 32 */
export function messageSizes(
  sequences: number,
  length: number,
): Record<'train' | 'trainWithReference' | 'sample', Size> {
  return {
    train: trainSize(trainBatch(sequences, length)),
    trainWithReference: trainSize(trainBatch(sequences, length, true)),
    sample: sampleSize(sampleBatch(sequences, length)),
  };
}

function trainSize(batch: TrainBatch): Size {
  const params = trainParams(batch, 1);
  const packed = packParams('forward_backward', params);
  return sizeOf({ kind: 'Request', id: 1, verb: 'forward_backward', params: packed }, params, batch.tokens.length);
}

function sampleSize(batch: SampleBatch): Size {
  const packed = packResult('sample', batch);
  return sizeOf({ kind: 'Response', id: 1, result: packed }, batch, batch.tokens.length);
}

function sizeOf(envelope: Envelope, content: object, tokens: number): Size {
  const lists = listed(content);
  const aToken = (bytes: number): number => Math.round((bytes / tokens) * 1000) / 1000;
  return {
    packed: aToken(packEnvelope(envelope).byteLength),
    lists: aToken(packLists(lists).byteLength),
    json: aToken(Buffer.byteLength(JSON.stringify(lists))),
  };
}
