import { join } from 'node:path';
import { packParams } from '../../worker/codec.ts';
import type { Case, Context } from '../context.ts';
import * as expect from '../expect.ts';
import { startLong } from '../long.ts';
import { adam, completionLogprobs, LOSS, sampleParams, sequencesOf, trainBatch } from '../requests.ts';
import { WELCOME, type Wire } from '../wire.ts';

const WHERE = 'proto/README.md, Runs and attempts';

const NEEDS = ['sample', 'train', 'spawn'] as const;

const MODEL = 'own';

/** A trained model of a worker's own: what the next orchestrator may find, or not. */
async function train(own: Wire, { source, learningRate }: Context) {
  await own.worker.loadModel({ modelId: MODEL, source, trainable: true, seed: 7 });
  const sequences = sequencesOf(await own.worker.sample(sampleParams(MODEL)));
  const batch = trainBatch(sequences, [1, -1, 0.5]);
  const gradient = packParams('forward_backward', { modelId: MODEL, seq: 4, batch, loss: LOSS, normalizer: 10 });
  await own.request('forward_backward', gradient);
  const step = packParams('optim_step', { modelId: MODEL, seq: 5, adam: adam(learningRate) });
  return { sequences, step, answer: await own.request('optim_step', step) };
}

const LATER = [
  { id: 'later-attempt', what: 'a later attempt of the run', by: { attempt: WELCOME.attempt + 1 } },
  { id: 'other-run', what: 'another run', by: { run: 'another', attempt: 0 } },
];

/** Which orchestrator of which run a worker obeys, and what it forgets for it. */
export const ATTEMPTS: readonly Case[] = [
  ...LATER.map(
    ({ id, what, by }): Case => ({
      id,
      title: `an orchestrator of ${what} finds no model and no record of seq`,
      rule: `A worker that is welcomed by ${what} forgets all models, answers and records before it answers.`,
      where: WHERE,
      needs: NEEDS,
      async run(context) {
        const own = await context.wire();
        const { sequences, answer, step } = await train(own, context);
        await startLong(context, 'sample', MODEL, { worker: own.worker });

        await own.reconnect({ ...WELCOME, ...by });
        const lost = own.worker.sample(sampleParams(MODEL));
        await expect.fails('sample of a model of the earlier orchestrator', lost, 'unknown_model');
        const repeat = own.request('optim_step', step);
        await expect.fails('a step that the earlier orchestrator took', repeat, 'unknown_model');
        expect.equal('answers that were not asked for on the new connection', own.strays, 0);
        // From the beginning, and to the same end.
        const again = await train(own, context);
        expect.equal('samples of the model that was loaded anew', again.sequences, sequences);
        expect.equal('bytes of the answer to the first step', hex(again.answer), hex(answer));
        await own.close();
      },
    }),
  ),
  {
    id: 'later-attempt-checkpoint',
    title:
      'a later attempt gets the record of seq back by load_checkpoint: a step from before it is answered, not taken',
    rule: 'withOptimizer saves the record of seq too; load_checkpoint puts it back, whoever asks for it.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const own = await context.wire();
      const { sequences, answer, step } = await train(own, context);
      const path = join(context.folder, 'checkpoint');
      const { manifestSha256 } = await own.worker.saveCheckpoint({ modelId: MODEL, path, withOptimizer: true });
      const saved = await completionLogprobs(own.worker, MODEL, sequences);

      await own.reconnect({ ...WELCOME, attempt: WELCOME.attempt + 1 });
      await own.worker.loadModel({ modelId: MODEL, source: context.source, trainable: true, seed: 7 });
      await own.worker.loadCheckpoint({ modelId: MODEL, path, manifestSha256 });
      const again = await own.request('optim_step', step);
      expect.equal('bytes of the answer to the repeated step', hex(again), hex(answer));
      const after = await completionLogprobs(own.worker, MODEL, sequences);
      expect.alike('log-probs after the repeat', after, saved, context.tolerance);
      const other = own.worker.optimStep({ modelId: MODEL, seq: 5, adam: adam(0) });
      await expect.fails('seq 5 with another learning rate', other, 'sequence_conflict');
      await own.close();
    },
  },
  {
    id: 'earlier-attempt',
    title: 'an orchestrator of an earlier attempt is not obeyed; the worker hangs up, dials again, and has all it had',
    rule: 'A worker that has met a higher attempt of the run executes nothing for a lower one, and hangs up.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const later = { ...WELCOME, attempt: WELCOME.attempt + 1 };
      const own = await context.wire(later);
      const { sequences } = await train(own, context);
      const before = await completionLogprobs(own.worker, MODEL, sequences);

      await own.reconnect(WELCOME);
      const unloaded = own.worker.unloadModel({ modelId: MODEL });
      const pinged = own.worker.ping({});
      const unanswered = [
        expect.fails('unload_model by the earlier attempt', unloaded, 'worker_gone'),
        expect.fails('ping by the earlier attempt', pinged, 'worker_gone'),
      ];
      await own.greetedAgain();

      await own.reconnect(later);
      await Promise.all(unanswered);
      const after = await completionLogprobs(own.worker, MODEL, sequences);
      expect.equal('log-probs after the earlier attempt has come by', after, before);
      await own.close();
    },
  },
];

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
