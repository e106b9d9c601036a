import { describe, expect, test } from '@jest/globals';
import { type Credit, creditOf } from '../../../ts/domain/advantage.ts';
import type { PhaseSettings, Settings } from '../../../ts/domain/settings.ts';
import { TrainingDiverged } from '../../../ts/loop/errors.ts';
import { loadPolicy } from '../../../ts/loop/policy.ts';
import { type Intent, updatePolicy } from '../../../ts/loop/policyUpdate.ts';
import { scoreSamples } from '../../../ts/loop/rollouts.ts';
import type { Worker } from '../../../ts/ports/worker.ts';
import type { ErrorCode } from '../../../ts/protocol/generated.ts';
import { WorkerCallError } from '../../../ts/worker/errors.ts';
import { recordedContext } from './loopContext.ts';

interface Changes {
  roles?: Partial<Settings['roles']>;
  phase?: Partial<PhaseSettings>;
  /** What the worker does otherwise. */
  worker?: (worker: Worker) => Partial<Worker>;
  creditOf?: (group: number) => Promise<Credit>;
}

/** Two conversations of two samples: lengths 1, 2, 3, 4. */
async function update(miniBatch: number, klCoef: number, changes: Changes = {}) {
  const context = recordedContext((conversation, sample) =>
    'x'.repeat(Number(conversation.messages[0]?.content) + sample),
  );
  Object.assign(context.settings.roles, changes.roles);
  const settings = { ...context.settings.solver, prompts: 2, rollouts: 2, miniBatch, klCoef, ...changes.phase };
  const { calls } = context;
  const worker = { ...context.worker, ...changes.worker?.(context.worker) };
  const warnings: string[] = [];
  const intents: Intent[] = [];
  const policy = await loadPolicy(context, 'solver', 'base', settings);
  const samples = await worker.sample({
    modelId: 'solver',
    conversations: ['1', '3'].map((content) => ({ messages: [{ role: 'user', content }] })),
    n: 2,
    seeds: new Uint32Array(2),
    sampling: settings.sampling,
  });
  const scores = await scoreSamples(worker, policy, samples, settings, { requestSamples: 1 });
  const rewards = [0, 1, 1, 0];
  const { metrics, credit } = await updatePolicy(
    worker,
    policy,
    { batch: samples, ...scores },
    settings,
    [1, 0],
    changes.creditOf ??
      (async (group) => creditOf(rewards.slice(2 * group, 2 * group + 2), [false, false], 2, settings.credit)),
    {
      step: 7,
      options: { requestSamples: 1 },
      intend: (intent) => intents.push(intent),
      warn: (message) => warnings.push(message),
    },
  );
  return { calls, metrics, credit, policy, warnings, intents };
}

function failure(code: ErrorCode, message: string): WorkerCallError {
  return new WorkerCallError(code, message);
}

test('one update a step: no old log-probs, ratio 1; the normalizer is the number of trained tokens', async () => {
  const { calls, policy } = await update(4, 0);
  const [call] = calls.forwardBackward;
  expect(calls.forwardBackward).toHaveLength(1);
  expect(call?.batch.oldLogprobs).toBeUndefined();
  expect(call?.batch.refLogprobs).toBeUndefined();
  expect(call?.normalizer).toBe(1 + 2 + 3 + 4);
  expect(Array.from(call?.batch.lengths ?? [])).toEqual([4, 5, 2, 3]); // groups in the order given, prompts included
  // Rewards 0, 1 and 1, 0: in each group of two the advantages are -+ 0.5 / (sqrt(0.5) + 1e-6).
  const half = Math.fround(0.5 / (Math.sqrt(0.5) + 1e-6));
  expect(Array.from(call?.batch.advantages ?? [])).toEqual([half, -half, -half, half]);
  expect(policy.seq).toBe(3);
});

test('several updates a step: old log-probs come from the trainer, before the first update', async () => {
  const { calls } = await update(2, 0);
  expect(calls.verbs.slice(2)).toEqual([
    'forward solver',
    'forwardBackward solver',
    'optimStep solver',
    'forwardBackward solver',
    'optimStep solver',
    'publish',
  ]);
  // The scripted worker scores every token -2; prompts have no log-prob.
  expect(calls.forwardBackward.map(({ batch }) => Array.from(batch.oldLogprobs ?? []))).toEqual([
    [0, -2, -2, -2, 0, -2, -2, -2, -2],
    [0, -2, 0, -2, -2],
  ]);
  expect(calls.forwardBackward.map(({ seq }) => seq)).toEqual([1, 3]);
  expect(calls.optimStep.map(({ seq }) => seq)).toEqual([2, 4]);
  expect(calls.forwardBackward.map(({ normalizer }) => normalizer)).toEqual([7, 3]);
});

test('an update is made as soon as the rewards of its groups are there', async () => {
  let give = (_: Credit): void => {};
  const late = new Promise<Credit>((resolve) => {
    give = resolve;
  });
  const credit = (advantage: number): Credit => ({
    rewards: Float64Array.of(0, 1),
    advantages: Float32Array.of(advantage, -advantage),
    trained: [true, true],
    flatGroups: 0,
    overlong: 1,
  });
  let firstUpdate = (): void => {};
  const updated = new Promise<void>((resolve) => {
    firstUpdate = resolve;
  });
  const made = update(2, 0, {
    creditOf: async (group) => (group === 1 ? credit(1) : late), // group 1 comes first in the order
    worker: (worker) => ({
      async optimStep(params) {
        firstUpdate();
        return worker.optimStep(params);
      },
    }),
  });
  await updated; // though nobody knows the rewards of group 0
  give(credit(2));
  const result = await made;
  expect(result.calls.forwardBackward.map(({ batch }) => [...batch.advantages])).toEqual([
    [1, -1],
    [2, -2],
  ]);
  expect(result.credit).toMatchObject({ advantages: Float32Array.of(2, -2, 1, -1), overlong: 2 });
});

test('samples that are not trained leave their place in an update to the next', async () => {
  const { calls } = await update(2, 0, {
    creditOf: async () => ({
      rewards: Float64Array.of(1, 0),
      advantages: Float32Array.of(1, -1),
      trained: [false, true],
      flatGroups: 0,
      overlong: 0,
    }),
  });
  // The second sample of each group: lengths 2 and 4, prompt included 3 and 5.
  expect(calls.forwardBackward.map(({ batch }) => [...batch.lengths])).toEqual([[5, 3]]);
});

test('with a KL term the reference is asked for the same tokens', async () => {
  const { calls } = await update(4, 0.01);
  expect(calls.verbs.slice(2)).toEqual([
    'sample solver',
    'forward solver-reference',
    'forwardBackward solver',
    'optimStep solver',
    'publish',
  ]);
  expect(calls.forward[0]?.tokens).toHaveLength(14);
  expect(calls.forwardBackward[0]?.batch.refLogprobs?.length).toBe(14);
  expect(calls.forwardBackward[0]?.loss.klCoef).toBe(0.01);
});

test('an anchor that follows starts with the phase and moves after each update', async () => {
  const { calls } = await update(2, 0.01, { roles: { anchor: 'ema', anchorDecay: 0.75 } });
  expect(calls.loadModel.map(({ modelId, source }) => `${modelId}<-${source}`)).toEqual([
    'solver<-base',
    'solver-reference<-base',
  ]);
  const one = [
    'forward solver-reference',
    'forwardBackward solver',
    'optimStep solver',
    'average solver-reference with solver by 0.25',
  ];
  expect(calls.verbs.slice(4)).toEqual([...one, ...one, 'publish']);
});

test('without a KL term there is nothing to average', async () => {
  const { calls } = await update(2, 0, { roles: { anchor: 'ema' } });
  expect(calls.verbs.filter((verb) => verb.startsWith('average'))).toEqual([]);
});

test('the worker is told how to train a model, and of no other', async () => {
  const { calls } = await update(4, 0.01);
  const { trainer } = recordedContext(() => '').settings;
  expect(calls.loadModel.map(({ trainable, training }) => [trainable, training])).toEqual([
    [true, trainer],
    [false, undefined],
  ]);
});

test('the loss is as configured, and is sent what it needs of the samples', async () => {
  const phase = { loss: 'cispo', klEstimator: 'k1', importanceCap: 5 } as const;
  const { calls } = await update(4, 0.25, { phase });
  const [call] = calls.forwardBackward;
  expect(call?.loss).toEqual({
    name: 'cispo',
    aggregation: 'token',
    clipLow: 0.2,
    clipHigh: 0.3,
    dualClip: 3,
    klCoef: 0.25,
    klEstimator: 'k1',
    importanceCap: 5,
    temperature: 1,
  });
  // The scripted worker samples everything at -1; prompts have no log-prob.
  expect(Array.from(call?.batch.sampleLogprobs ?? []).slice(0, 6)).toEqual([0, -1, -1, -1, 0, -1]);
  const { calls: unweighed } = await update(4, 0, { phase: { importanceCap: 0 } });
  expect(unweighed.forwardBackward[0]?.batch.sampleLogprobs).toBeUndefined();
});

test.each([
  ['token', [3 + 4, 1 + 2], 'token'],
  ['sequence', [2, 2], 'sequence'],
  ['constant', [2 * 64, 2 * 64], 'token'],
] as const)('with aggregation %s the normalizers of two updates are %j', async (aggregation, normalizers, sent) => {
  const { calls } = await update(2, 0, { phase: { aggregation } });
  expect(calls.forwardBackward.map(({ normalizer }) => normalizer)).toEqual(normalizers);
  expect(calls.forwardBackward.map(({ loss }) => loss.aggregation)).toEqual([sent, sent]);
});

describe('an update that is not finite', () => {
  /** Fails the calls of these seqs. */
  const failing = (verb: 'forwardBackward' | 'optimStep', seqs: readonly number[]) => (worker: Worker) => ({
    [verb]: async (params: Parameters<Worker['forwardBackward']>[0] & Parameters<Worker['optimStep']>[0]) => {
      if (seqs.includes(params.seq)) throw failure('not_finite', 'the loss of sequence 1 is not finite');
      return worker[verb](params);
    },
  });

  test('is skipped: no step is taken, the anchor does not move, and the next update is made', async () => {
    const { calls, metrics, warnings } = await update(2, 0.01, {
      roles: { anchor: 'ema' },
      worker: failing('forwardBackward', [1]),
    });
    expect(calls.verbs.slice(4)).toEqual([
      'forward solver-reference',
      'forward solver-reference',
      'forwardBackward solver',
      'optimStep solver',
      expect.stringMatching(/^average solver-reference/),
      'publish',
    ]);
    expect(warnings).toEqual(['step 7: update 1 was skipped: the loss of sequence 1 is not finite']);
    expect(metrics).toMatchObject({ updates: 1, skippedUpdates: 1, importanceMean: 1, samplerKl: 0 });
  });

  test('may turn out so in its optimiser step', async () => {
    const { calls, metrics, warnings } = await update(2, 0, { worker: failing('optimStep', [2]) });
    expect(calls.forwardBackward.map(({ seq }) => seq)).toEqual([1, 3]);
    expect(calls.optimStep.map(({ seq }) => seq)).toEqual([4]);
    expect(warnings).toHaveLength(1);
    expect(metrics).toMatchObject({ updates: 1, skippedUpdates: 1 });
  });

  test('ends the run where all are', async () => {
    const call = update(2, 0, { worker: failing('forwardBackward', [1, 2]) });
    await expect(call).rejects.toThrow(TrainingDiverged);
    await expect(update(4, 0, { worker: failing('optimStep', [2]) })).rejects.toThrow(
      'solver, step 7: its update had to be skipped, so nothing is learnt any more; ' +
        'the last one: the loss of sequence 1 is not finite. ' +
        'Run it again with solver.optimizer.learningRate below 0.05',
    );
  });

  test('any other failure is no reason to go on', async () => {
    const broken = async () => {
      throw failure('internal', 'a bug');
    };
    await expect(update(2, 0, { worker: () => ({ optimStep: broken }) })).rejects.toMatchObject({ code: 'internal' });
  });
});

describe('a worker that is out of memory', () => {
  const starved = (times: number) => {
    const seqs: number[] = [];
    let forwards = 0;
    const full = () => failure('out_of_memory', 'not enough memory for the call');
    const worker = (inner: Worker): Partial<Worker> => ({
      async forward(params) {
        forwards += 1;
        if (forwards <= times) throw full();
        return inner.forward(params);
      },
      async forwardBackward(params) {
        seqs.push(params.seq);
        if (seqs.length <= times) throw full();
        return inner.forwardBackward(params);
      },
    });
    return { worker, seqs, asked: () => forwards };
  };

  test('is asked again for the same, as it computes less at once each time', async () => {
    const { worker, seqs, asked } = starved(6);
    const { metrics } = await update(4, 0.01, { worker });
    expect(seqs).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(asked()).toBe(7);
    expect(metrics).toMatchObject({ updates: 1, skippedUpdates: 0 });
  });

  test('is believed after the seventh time', async () => {
    const { worker, seqs } = starved(7);
    await expect(update(4, 0, { worker })).rejects.toMatchObject({ code: 'out_of_memory' });
    expect(seqs).toHaveLength(7);
  });
});
