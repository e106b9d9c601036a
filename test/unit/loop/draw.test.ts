import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { drawEach, drawFirst, overAsked } from '../../../ts/loop/draw.ts';
import type { Worker } from '../../../ts/ports/worker.ts';
import type { CallOptions, SampleBatch, SampleParams } from '../../../ts/protocol/generated.ts';
import { WorkerCallError } from '../../../ts/worker/errors.ts';
import { scriptedWorker } from '../../fixtures/scriptedWorker.ts';
import { asked } from './loopContext.ts';

const params = (conversations: number, n: number): SampleParams => ({
  modelId: 'solver',
  conversations: Array.from({ length: conversations }, (_, index) => ({
    messages: [{ role: 'user', content: String(index) }],
  })),
  n,
  seeds: Uint32Array.from({ length: conversations }, (_, index) => 100 + index),
  sampling: { temperature: 1, topP: 1, topK: 0, maxTokens: 8 },
});

/** Until all that can go on without an answer has. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A worker whose requests are answered when a test says so. */
function byHand() {
  const { worker: scripted } = scriptedWorker((conversation) => asked(conversation));
  const requests: {
    params: SampleParams;
    options: CallOptions;
    answer(): Promise<void>;
    fail(error: Error): void;
  }[] = [];
  const worker: Worker = {
    ...scripted,
    sample: (request, options = {}) =>
      new Promise<SampleBatch>((resolve, reject) => {
        options.signal?.addEventListener('abort', () => reject(new WorkerCallError('cancelled', 'cancelled')));
        requests.push({
          params: request,
          options,
          answer: async () => resolve(await scripted.sample(request)),
          fail: reject,
        });
      }),
  };
  return { worker, requests };
}

test('requests hold whole conversations with their seeds, in order, as many samples as allowed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 30 }),
      async (conversations, n, requestSamples) => {
        const { worker, calls } = scriptedWorker((conversation) => asked(conversation));
        const request = params(conversations, n);
        const firsts = await Promise.all(drawEach(worker, request, { requestSamples }, (_, first) => first));
        expect(calls.sample.flatMap((call) => call.conversations)).toEqual(request.conversations);
        expect(calls.sample.flatMap(({ seeds }) => [...seeds])).toEqual([...request.seeds]);
        const sizes = calls.sample.map((call) => call.conversations.length);
        expect(firsts).toEqual(sizes.map((_, index) => sizes.slice(0, index).reduce((sum, size) => sum + size, 0)));
        for (const size of sizes) expect(size === 1 || size * n <= requestSamples).toBe(true);
        for (const size of sizes.slice(0, -1)) expect((size + 1) * n > requestSamples).toBe(true);
      },
    ),
  );
});

test('what is asked at once is asked as it is', async () => {
  const { worker, requests } = byHand();
  const request = params(4, 2);
  drawEach(worker, request, { requestSamples: 8 }, () => {});
  await turn();
  expect(requests.map((one) => one.params)).toEqual([request]);
});

describe('answers', () => {
  test('are handled when they come, whatever else is still being generated', async () => {
    const { worker, requests } = byHand();
    const handled: string[] = [];
    const drawn = drawEach(worker, params(6, 1), { requestSamples: 2 }, ({ texts }) => {
      handled.push(texts.join());
      return texts.length;
    });
    await turn();
    expect(requests).toHaveLength(3);
    await requests[1]?.answer();
    expect(await drawn[1]).toBe(2);
    expect(handled).toEqual(['2,3']);
    await requests[0]?.answer();
    await drawn[0];
    await requests[2]?.answer();
    await drawn[2];
    expect(handled).toEqual(['2,3', '0,1', '4,5']);
  });

  test('count towards one progress, which does not go back when a request is drawn again', async () => {
    const { worker, requests } = byHand();
    const seen: number[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) => seen.push(done / total);
    drawEach(worker, params(4, 5), { requestSamples: 10, onProgress }, () => {});
    await turn();
    requests[0]?.options.onProgress?.({ done: 5, total: 10 });
    requests[1]?.options.onProgress?.({ done: 10, total: 10 });
    requests[0]?.options.onProgress?.({ done: 1, total: 10 }); // another worker begins anew
    requests[0]?.options.onProgress?.({ done: 10, total: 10 });
    expect(seen).toEqual([0.25, 0.75, 1]);
  });
});

describe('a failure', () => {
  test.each(['of a request', 'of its handling'])('%s cancels the others, which fail as it did', async (what) => {
    const { worker, requests } = byHand();
    const error = new Error('broken');
    const drawn = drawEach(worker, params(6, 1), { requestSamples: 2 }, () => {
      if (what === 'of its handling') throw error;
    });
    await turn();
    if (what === 'of a request') requests[1]?.fail(error);
    else await requests[1]?.answer();
    for (const one of drawn) await expect(one).rejects.toBe(error);
    expect(requests.map(({ options }) => options.signal?.aborted)).toEqual([true, true, true]);
  });

  test('that nobody waits for is no crash', async () => {
    const { worker, requests } = byHand();
    drawEach(worker, params(2, 1), { requestSamples: 2 }, () => {});
    await turn();
    requests[0]?.fail(new Error('broken'));
    await turn();
  });
});

test('whoever asks can cancel', async () => {
  const { worker } = byHand();
  const stop = new AbortController();
  const drawn = drawEach(worker, params(4, 1), { requestSamples: 2, signal: stop.signal }, () => {});
  await turn();
  stop.abort();
  await expect(Promise.all(drawn)).rejects.toMatchObject({ code: 'cancelled' });
});

describe('the first of what is asked', () => {
  const run = async (needed: number) => {
    const { worker, requests } = byHand();
    const drawn = drawFirst(worker, params(8, 1), needed, { requestSamples: 2 }, ({ texts }) => texts.join());
    await turn();
    return { drawn, requests };
  };

  test('is enough: the others are cancelled, and what is there is in order', async () => {
    const { drawn, requests } = await run(4);
    await requests[3]?.answer();
    await requests[1]?.answer();
    expect(await drawn).toEqual([
      { first: 2, count: 2, value: '2,3' },
      { first: 6, count: 2, value: '6,7' },
    ]);
    expect(requests.map(({ options }) => options.signal?.aborted)).toEqual([true, true, true, true]);
  });

  test('is all where all are needed', async () => {
    const { drawn, requests } = await run(8);
    for (const request of requests.toReversed()) await request.answer();
    expect((await drawn).map(({ first }) => first)).toEqual([0, 2, 4, 6]);
  });

  test('what is still being handled is told that nobody wants it; what was taken is not', async () => {
    const { worker, requests } = byHand();
    const signals = new Map<number, AbortSignal>();
    const never = new Promise<void>(() => {});
    const drawn = drawFirst(worker, params(4, 1), 2, { requestSamples: 2 }, async (_, first, signal) => {
      signals.set(first, signal);
      if (first === 0) await never;
    });
    await turn();
    await requests[0]?.answer();
    await requests[1]?.answer();
    expect((await drawn).map(({ first }) => first)).toEqual([2]);
    expect([signals.get(0)?.aborted, signals.get(2)?.aborted]).toEqual([true, false]);
  });

  test('a failure before there is enough is a failure', async () => {
    const { drawn, requests } = await run(4);
    await requests[1]?.answer();
    requests[0]?.fail(new Error('broken'));
    await expect(drawn).rejects.toThrow('broken');
  });

  test.each([
    [512, 0, 512],
    [512, 0.1, 564],
    [1, 1, 2],
  ])('%d needed and a share of %d more are %d', (needed, share, asked) => {
    expect(overAsked(needed, share)).toBe(asked);
  });
});
