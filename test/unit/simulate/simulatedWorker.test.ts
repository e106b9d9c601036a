import { describe, expect, test } from '@jest/globals';
import { challengerConversation, solverConversation } from '../../../ts/domain/prompts.ts';
import type { Capability, TrainBatch } from '../../../ts/protocol/generated.ts';
import { SimulatedWorker } from '../../../ts/simulate/simulatedWorker.ts';
import { Site } from '../../../ts/simulate/site.ts';
import { VirtualTime } from '../../../ts/simulate/virtualTime.ts';
import { Member } from '../../../ts/worker/pool/member.ts';
import { LENGTHS, SLOW_PACE } from './pace.ts';

function worker({ rows = 2, mixes = false, capabilities = ['sample', 'train'] as Capability[] } = {}) {
  const time = new VirtualTime();
  const site = new Site(time, LENGTHS);
  const recruit = new SimulatedWorker(site, { name: 'w', capabilities, devices: ['0'], rows, mixes, pace: SLOW_PACE });
  const { worker: verbs } = new Member(recruit, 1);
  /** Seconds that a call takes. */
  const timed = async <T>(call: () => Promise<T>): Promise<[number, T]> => {
    const from = time.now();
    const result = await time.run(call());
    return [time.now() - from, result];
  };
  const load = (trainable: boolean) => time.run(verbs.loadModel({ modelId: 'm', source: 'base', trainable, seed: 1 }));
  return { time, site, recruit, verbs, timed, load };
}

const SAMPLING = { temperature: 1, topP: 1, topK: 0, maxTokens: 100 };
const asked = (questions: number, n: number) => ({
  modelId: 'm',
  conversations: Array.from({ length: questions }, (_, index) => solverConversation(`What is ${index}?`)),
  n,
  seeds: Uint32Array.from({ length: questions }, (_, index) => index),
  sampling: SAMPLING,
});
const BATCH: TrainBatch = {
  tokens: new Int32Array(7),
  lengths: Int32Array.of(3, 4),
  mask: new Uint8Array(7).fill(1),
  advantages: new Float32Array(2),
};
const { advantages: _, ...TOKENS } = BATCH;
const SCORED = { modelId: 'm', ...TOKENS, temperature: 1 };
const LOSS = {
  name: 'grpo',
  aggregation: 'token',
  clipLow: 0.2,
  clipHigh: 0.2,
  dualClip: 0,
  klCoef: 0,
  klEstimator: 'k3',
  importanceCap: 0,
  temperature: 1,
} as const;
const ADAM = {
  learningRate: 1,
  beta1: 0.9,
  beta2: 0.9,
  epsilon: 1,
  weightDecay: 0,
  decayVectors: true,
  maxGradNorm: 1,
};

test('verbs take the time that the pace says', async () => {
  const { timed, verbs, load, time } = worker();
  await load(true);
  expect(time.now()).toBe(10);
  const [scored] = await timed(() => verbs.forward(SCORED));
  expect(scored).toBe(7);
  const [trained, report] = await timed(() =>
    verbs.forwardBackward({ modelId: 'm', seq: 1, batch: BATCH, loss: LOSS, normalizer: 7 }),
  );
  expect([trained, report.tokens]).toEqual([14, 7]);
  expect((await timed(() => verbs.optimStep({ modelId: 'm', seq: 2, adam: ADAM })))[0]).toBe(1);
  expect((await timed(() => verbs.saveCheckpoint({ modelId: 'm', path: 'p', withOptimizer: false })))[0]).toBe(20);
  expect((await timed(() => verbs.publishWeights({ modelId: 'm' })))[1].weightsVersion).toBe(1);
  const [taken, { weightsVersion }] = await timed(() =>
    verbs.loadCheckpoint({ modelId: 'm', path: 'p', weightsVersion: 7 }),
  );
  expect([taken, weightsVersion]).toEqual([30, 7]);
});

describe('sample', () => {
  test('answers when the last has ended', async () => {
    const { timed, verbs, load, recruit } = worker();
    await load(false);
    // Six samples of 4 tokens, two at a time, a second a step; answers are of 4 tokens in LENGTHS.
    const [seconds, batch] = await timed(() => verbs.sample(asked(3, 2)));
    expect(seconds).toBe(12);
    expect(batch.texts).toHaveLength(6);
    for (const text of batch.texts) expect(text).toMatch(/\\boxed\{\d+\}/);
    expect(recruit.log.intervals.at(-1)).toMatchObject({ activity: 'sample', from: 10, to: 22, filled: 1 });
  });

  test('tokens are on the wire only where they may be trained on', async () => {
    for (const [trainable, length] of [
      [false, 1],
      [true, 4],
    ] as const) {
      const { time, verbs, load, site } = worker();
      await load(trainable);
      const batch = await time.run(verbs.sample(asked(1, 2)));
      expect([...batch.lengths]).toEqual([length, length]);
      expect(batch.tokens).toHaveLength(2 * length);
      expect([site.samples, site.tokens]).toEqual([2, 8]);
    }
  });

  test('depends on its seed alone', async () => {
    const { time, verbs, load } = worker();
    await load(false);
    const request = { ...asked(4, 1), conversations: Array.from({ length: 4 }, challengerConversation) };
    const all = await time.run(verbs.sample(request));
    const part = { ...request, conversations: request.conversations.slice(2), seeds: request.seeds.slice(2) };
    expect((await time.run(verbs.sample(part))).texts).toEqual(all.texts.slice(2));
    expect(new Set(all.texts).size).toBe(4);
  });

  test('of nothing is answered at once', async () => {
    const { timed, verbs, load } = worker();
    await load(false);
    expect((await timed(() => verbs.sample(asked(0, 1))))[0]).toBe(0);
  });

  test('requests right behind each other share the rows; what is no sample waits for them', async () => {
    const { time, verbs, load } = worker();
    await load(false);
    const ends: [string, number][] = [];
    const call = (name: string, promise: Promise<unknown>) => promise.then(() => ends.push([name, time.now() - 10]));
    await time.run(
      Promise.all([
        call('a', verbs.sample(asked(1, 1))),
        call('b', verbs.sample(asked(1, 1))),
        call('score', verbs.forward(SCORED)),
        call('c', verbs.sample(asked(1, 1))),
      ]),
    );
    expect(ends).toEqual([
      ['a', 4],
      ['b', 4],
      ['score', 11],
      ['c', 15],
    ]);
  });

  test.each([
    // 7 s to switch.
    [false, [4, 4 + 7 + 4]],
    [true, [8, 8]],
  ])('of two models at once: %s', async (mixes, expected) => {
    const { time, verbs, load } = worker({ mixes });
    await load(false);
    await time.run(verbs.loadModel({ modelId: 'other', source: 'base', trainable: false, seed: 1 }));
    const from = time.now();
    const requests = [asked(1, 1), { ...asked(1, 1), modelId: 'other' }];
    const ends = requests.map((request) => verbs.sample(request).then(() => time.now() - from));
    expect(await time.run(Promise.all(ends))).toEqual(expected);
  });

  test('that is cancelled ends at once, whether it runs or waits', async () => {
    const { time, verbs, load } = worker();
    await load(false);
    const stop = new AbortController();
    const outcomes = [asked(1, 1), asked(5, 5)].map((request) =>
      verbs.sample(request, { signal: stop.signal }).catch((error) => error.code),
    );
    time.at(13, () => {
      stop.abort();
      return true;
    });
    expect(await time.run(Promise.all(outcomes))).toEqual(['cancelled', 'cancelled']);
    expect(time.now()).toBe(13);
    await time.run(verbs.sample(asked(1, 1)));
    expect(time.now()).toBe(17);
  });

  test('from other weights than are asked for is refused', async () => {
    const { time, verbs, load } = worker();
    await load(false);
    await expect(time.run(verbs.sample({ ...asked(1, 1), weightsVersion: 3 }))).rejects.toMatchObject({
      code: 'stale_weights',
    });
    await expect(time.run(verbs.sample({ ...asked(1, 1), modelId: 'x' }))).rejects.toMatchObject({
      code: 'unknown_model',
    });
  });
});

test('a role that sleeps is woken by what needs it', async () => {
  const { timed, verbs, load } = worker();
  await load(true);
  expect((await timed(() => verbs.sleep({ role: 'train' })))[0]).toBe(2);
  expect((await timed(() => verbs.sleep({ role: 'train' })))[0]).toBe(0);
  expect((await timed(() => verbs.sample(asked(1, 1))))[0]).toBe(4);
  expect((await timed(() => verbs.forward(SCORED)))[0]).toBe(3 + 7);
  expect((await timed(() => verbs.wake({ role: 'train' })))[0]).toBe(0);
});

test('a model that is drawn from after another wakes first, and nothing begins before it has', async () => {
  const { time, timed, verbs, load, recruit } = worker();
  await load(true);
  await time.run(verbs.loadModel({ modelId: 'other', source: 'base', trainable: false, seed: 1 }));
  const one = asked(1, 1);
  const other = { ...one, modelId: 'other' };
  expect((await timed(() => verbs.sample(one)))[0]).toBe(4);
  // Two rows: both of the other's requests are drawn side by side.
  const both = () => Promise.all([other, other].map((request) => verbs.sample(request)));
  expect((await timed(both))[0]).toBe(7 + 4);
  expect(recruit.log.intervals.slice(-2)).toMatchObject([
    { activity: 'sleep', from: 24, to: 31 },
    { activity: 'sample', from: 31, to: 35, filled: 1 },
  ]);
  expect((await timed(() => verbs.sample(other)))[0]).toBe(4);
  // After the role has slept, the one that is needed wakes with it.
  await time.run(verbs.sleep({ role: 'sample' }));
  expect((await timed(() => verbs.sample(one)))[0]).toBe(3 + 4);
  // One that is cancelled while it waits for that has switched all the same.
  const stop = new AbortController();
  const cancelled = verbs.sample(other, { signal: stop.signal }).catch((error) => error.code);
  const from = time.now();
  time.at(from + 1, () => {
    stop.abort();
    return true;
  });
  const next = verbs.sample(other).then(() => time.now() - from);
  expect(await time.run(Promise.all([cancelled, next]))).toEqual(['cancelled', 7 + 4]);
});

test('one that fails loses what it was doing, and is gone', async () => {
  const { time, verbs, recruit, load } = worker();
  await load(false);
  const codes = [verbs.sample(asked(9, 1)), verbs.unloadModel({ modelId: 'm' })].map((call) =>
    call.then(
      () => 'done',
      (error) => error.code,
    ),
  );
  time.at(12, () => {
    recruit.fail('it broke');
    return true;
  });
  expect(await time.run(Promise.all(codes))).toEqual(['worker_gone', 'worker_gone']);
  expect((await recruit.gone).message).toBe('it broke');
  await expect(time.run(verbs.sample(asked(1, 1)))).rejects.toMatchObject({ code: 'worker_gone' });
  expect(recruit.log.intervals.at(-1)).toMatchObject({ from: 10, to: 12 });
});

test('one that holds no model sleeps and wakes at once', async () => {
  const { timed, verbs } = worker();
  expect((await timed(() => verbs.sleep({ role: 'sample' })))[0]).toBe(0);
  expect((await timed(() => verbs.wake({ role: 'sample' })))[0]).toBe(0);
});

test('what one that fails was doing ends then', async () => {
  const { time, verbs, recruit, load } = worker();
  await load(true);
  const asleep = verbs.sleep({ role: 'train' }).catch(() => {});
  time.at(11, () => {
    recruit.fail('it broke');
    return true;
  });
  await time.run(asleep);
  expect(recruit.log.intervals.at(-1)).toMatchObject({ activity: 'sleep', from: 10, to: 11 });
});
