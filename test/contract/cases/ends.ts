import { expect } from '@jest/globals';
import type { Case } from '../context.ts';
import { PROMPTS, sampleParams } from '../requests.ts';

export const ENDS: readonly Case[] = [
  {
    name: 'SIGKILL gives worker_gone for every pending call',
    async run({ start, source, longSamples }) {
      const { worker, process } = await start();
      await worker.loadModel({ modelId: 'm', source, trainable: false, seed: 0 });
      const long = sampleParams('m', { n: Math.ceil(longSamples / PROMPTS.length) });
      const pending = [worker.sample(long), worker.sample(long), worker.forward({ ...EMPTY, modelId: 'm' })];
      await worker.ping({});
      process?.kill('SIGKILL');
      for (const call of await Promise.allSettled(pending)) {
        expect(call).toMatchObject({
          status: 'rejected',
          reason: { code: 'worker_gone', message: expect.stringContaining('SIGKILL') },
        });
      }
      await expect(worker.ping({})).rejects.toMatchObject({ code: 'worker_gone' });
      await worker.close();
    },
  },
  {
    name: 'shutdown is answered, ends running work as `cancelled`, and the process exits with 0',
    async run({ worker, target, load, longSamples }) {
      const modelId = await load();
      const running = worker.sample(sampleParams(modelId, { n: Math.ceil(longSamples / PROMPTS.length) }));
      const waiting = worker.sample(sampleParams(modelId));
      const ended = Promise.allSettled([running, waiting]);
      await worker.shutdown({});
      for (const call of await ended) expect(call).toMatchObject({ status: 'rejected', reason: { code: 'cancelled' } });
      if (target.process !== undefined) expect(await target.process.ended).toMatchObject({ exitCode: 0 });
      await expect(worker.ping({})).rejects.toMatchObject({ code: 'worker_gone' });
    },
  },
];

const EMPTY = { tokens: new Int32Array(), lengths: new Int32Array(), temperature: 1 };
