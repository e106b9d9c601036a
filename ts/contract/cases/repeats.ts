import { join } from 'node:path';
import { packParams } from '../../worker/codec.ts';
import type { Case } from '../context.ts';
import * as expect from '../expect.ts';
import { backward, gradNorm, withSamples } from '../gradients.ts';
import { adam, completionLogprobs, LOSS, trainBatch } from '../requests.ts';

const NEEDS = ['sample', 'train'] as const;
const WHERE = 'proto/README.md, Repeats';

export const REPEATS: readonly Case[] = [
  {
    id: 'repeat-not-executed',
    title: 'a seq that repeats is answered, not executed again',
    rule: 'A gradient request that comes again with the same seq and params is answered, and no step is taken twice.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const { worker } = context;
      const { modelId, sequences } = await withSamples(context);
      const made = { seq: 0, advantages: [1, -1, 1] };
      const first = await backward(context, modelId, sequences, made);
      expect.equal('the answer to the repeat', await backward(context, modelId, sequences, made), first);
      const step = { modelId, seq: 1, adam: adam(context.learningRate) };
      const norm = await worker.optimStep(step);
      const once = await completionLogprobs(worker, modelId, sequences);
      expect.equal('the answer to the repeated step', await worker.optimStep(step), norm);
      const twice = await completionLogprobs(worker, modelId, sequences);
      expect.equal('log-probs after the repeated step', twice, once);

      const other = await context.load();
      await backward(context, other, sequences, made);
      // Had the repeat been added, the norm would have been twice this one.
      const ratio = (await gradNorm(context, other, 1)) / norm.gradNorm;
      expect.near('gradNorm of a model without repeats, over that with them', ratio, 1, context.tolerance);
    },
  },
  {
    id: 'repeat-bytes',
    title: 'a seq that repeats gets the stored answer byte for byte, also when others came after it',
    rule: 'The answers of the last 1,024 gradient requests are kept and given again as they were.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const { requester } = context;
      const { modelId, sequences } = await withSamples(context);
      const batch = trainBatch(sequences, [1, -1, 0.5]);
      const gradient = packParams('forward_backward', { modelId, seq: 3, batch, loss: LOSS, normalizer: 10 });
      const step = packParams('optim_step', { modelId, seq: 7, adam: adam(context.learningRate) });
      const answers = [
        ['forward_backward', gradient, await requester.request('forward_backward', gradient)],
        ['optim_step', step, await requester.request('optim_step', step)],
      ] as const;
      for (let seq = 8; seq < 16; seq += 1) await backward(context, modelId, sequences, { seq, advantages: [0, 0, 0] });
      for (const [verb, params, answer] of answers) {
        const again = await requester.request(verb, params);
        expect.equal(`bytes of the answer to the repeated ${verb}`, hex(again), hex(answer));
      }
    },
  },
  {
    id: 'seq-conflict',
    title: 'a seq with another payload is sequence_conflict and changes nothing',
    rule: 'A seq that was used with other params, or for another verb, fails with sequence_conflict.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const { worker } = context;
      const { modelId, sequences } = await withSamples(context);
      const before = await completionLogprobs(worker, modelId, sequences);
      await backward(context, modelId, sequences, { seq: 5, advantages: [1, -1, 1] });
      const other = backward(context, modelId, sequences, { seq: 5, advantages: [1, 1, 1] });
      await expect.fails('seq 5 with other advantages', other, 'sequence_conflict');
      const step = worker.optimStep({ modelId, seq: 5, adam: adam(0) });
      await expect.fails('seq 5 for optim_step', step, 'sequence_conflict');
      await worker.optimStep({ modelId, seq: 6, adam: adam(0) });
      const faster = worker.optimStep({ modelId, seq: 6, adam: adam(0.1) });
      await expect.fails('seq 6 with another learning rate', faster, 'sequence_conflict');
      const now = await completionLogprobs(worker, modelId, sequences);
      expect.alike('log-probs after what was refused', now, before, context.tolerance);
    },
  },
  {
    id: 'seq-below',
    title: 'a seq below the highest that was never used is sequence_conflict',
    rule: 'seq increases within a model: one at or below the highest that is not known fails with sequence_conflict.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      await backward(context, modelId, sequences, { seq: 9, advantages: [0, 0, 0] });
      const late = backward(context, modelId, sequences, { seq: 4, advantages: [1, 1, 1] });
      await expect.fails('seq 4 after seq 9', late, 'sequence_conflict');
      expect.equal('gradNorm after what was refused', await gradNorm(context, modelId, 10), 0);
    },
  },
  {
    id: 'seq-by-model',
    title: 'each model has its own seqs, and load_model begins them anew',
    rule: 'The record of seq is one of the model; it begins anew with load_model.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const other = await context.load();
      await backward(context, modelId, sequences, { seq: 100, advantages: [1, 1, 1] });
      await backward(context, other, sequences, { seq: 0, advantages: [1, 1, 1] });
      await context.worker.loadModel({ modelId, source: context.source, trainable: true, seed: 7 });
      await backward(context, modelId, sequences, { seq: 0, advantages: [0, 0, 0] });
      expect.equal('gradNorm of the model that was loaded again', await gradNorm(context, modelId, 1), 0);
    },
  },
  {
    id: 'repeat-after-checkpoint',
    title: 'load_checkpoint puts the record of seq back: a step from before the save is answered, not taken again',
    rule: 'withOptimizer saves the record of seq too; load_checkpoint puts it back.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const { worker, folder } = context;
      const { modelId, sequences } = await withSamples(context);
      const made = { seq: 4, advantages: [1, -1, 1] };
      const first = await backward(context, modelId, sequences, made);
      const step = { modelId, seq: 5, adam: adam(context.learningRate) };
      const norm = await worker.optimStep(step);
      const path = join(folder, 'checkpoint');
      await worker.saveCheckpoint({ modelId, path, withOptimizer: true });
      const saved = await completionLogprobs(worker, modelId, sequences);
      await backward(context, modelId, sequences, { seq: 6, advantages: [1, 1, 1] });
      // As after a restart: a model that knows of no step.
      await worker.loadModel({ modelId, source: context.source, trainable: true, seed: 7 });
      await worker.loadCheckpoint({ modelId, path });
      expect.equal('the answer to the repeat', await backward(context, modelId, sequences, made), first);
      expect.equal('the answer to the repeated step', await worker.optimStep(step), norm);
      const after = await completionLogprobs(worker, modelId, sequences);
      expect.alike('log-probs after the repeats', after, saved, context.tolerance);
      const other = backward(context, modelId, sequences, { seq: 4, advantages: [0, 0, 0] });
      await expect.fails('seq 4 with other advantages', other, 'sequence_conflict');
      // What came after the save is not known any more.
      await backward(context, modelId, sequences, { seq: 6, advantages: [0, 0, 0] });
      expect.equal('gradNorm after it', await gradNorm(context, modelId, 7), 0);
    },
  },
];

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
