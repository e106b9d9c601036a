import { performance } from 'node:perf_hooks';
import { expect } from '@jest/globals';
import type { CallOptions, SampleResult } from '../../../ts/protocol/generated.ts';
import type { Case, Context } from '../context.ts';
import { PROMPTS, sampleParams } from '../requests.ts';

/** A sample that is running when this resolves. */
async function startLong(
  context: Context,
  modelId: string,
  options: CallOptions,
): Promise<{ answer: Promise<SampleResult> }> {
  const n = Math.ceil(context.longSamples / PROMPTS.length);
  const answer = context.worker.sample(sampleParams(modelId, { n, sampling: { maxTokens: 64 } }), options);
  // Looked at by the case, in its own time.
  answer.catch(() => {});
  while ((await context.worker.ping({})).busy !== 'sample');
  return { answer };
}

const CANCELLED = { code: 'cancelled' };

export const CONTROL: readonly Case[] = [
  {
    name: 'ping answers within a second during a long sample, and its progress grows',
    async run(context) {
      const { worker } = context;
      const modelId = await context.load();
      const idle = await worker.ping({});
      expect(idle.busy).toBe('');
      const stop = new AbortController();
      const { answer } = await startLong(context, modelId, { signal: stop.signal });
      for (let progress = idle.progress; progress <= idle.progress; ) {
        const asked = performance.now();
        const { busy, ...pong } = await worker.ping({});
        expect(performance.now() - asked).toBeLessThan(1000);
        expect(busy).toBe('sample');
        ({ progress } = pong);
      }
      stop.abort();
      await expect(answer).rejects.toMatchObject(CANCELLED);
    },
  },
  {
    name: 'cancel ends a long sample with `cancelled`, and the worker lives',
    async run(context) {
      const { worker } = context;
      const modelId = await context.load();
      const stop = new AbortController();
      const { answer } = await startLong(context, modelId, { signal: stop.signal });
      const asked = performance.now();
      stop.abort();
      await expect(answer).rejects.toMatchObject(CANCELLED);
      expect(performance.now() - asked).toBeLessThan(5000);
      expect((await worker.sample(sampleParams(modelId))).texts).toHaveLength(PROMPTS.length);
    },
  },
  {
    name: 'a request that waits behind another is cancelled too, and the other goes on',
    async run(context) {
      const { worker } = context;
      const modelId = await context.load();
      const [first, second] = [new AbortController(), new AbortController()];
      const { answer } = await startLong(context, modelId, { signal: first.signal });
      const waiting = worker.sample(sampleParams(modelId), { signal: second.signal });
      second.abort();
      await expect(waiting).rejects.toMatchObject(CANCELLED);
      expect((await worker.ping({})).busy).toBe('sample');
      first.abort();
      await expect(answer).rejects.toMatchObject(CANCELLED);
    },
  },
  {
    name: 'cancelling what is not there finds nothing',
    async run({ worker }) {
      expect(await worker.cancel({ id: 2 ** 40 })).toEqual({ found: false });
    },
  },
  {
    name: 'progress grows up to the number of samples or sequences',
    async run({ worker, load }) {
      const modelId = await load();
      const n = 20;
      const watched = async <R>(total: number, call: (options: CallOptions) => Promise<R>): Promise<R> => {
        const reports: { done: number; total: number }[] = [];
        const result = await call({ onProgress: ({ done, total: of }) => reports.push({ done, total: of }) });
        expect(reports.length).toBeGreaterThan(0);
        for (const [index, report] of reports.entries()) {
          expect(report.total).toBe(total);
          expect(report.done).toBeGreaterThan(reports[index - 1]?.done ?? -1);
          expect(report.done).toBeLessThanOrEqual(total);
        }
        return result;
      };
      const batch = await watched(n * PROMPTS.length, (options) =>
        worker.sample(sampleParams(modelId, { n }), options),
      );
      const { tokens, lengths } = batch;
      await watched(n * PROMPTS.length, (options) =>
        worker.forward({ modelId, tokens, lengths, temperature: 1 }, options),
      );
    },
  },
];
