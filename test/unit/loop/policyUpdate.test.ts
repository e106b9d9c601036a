import { expect, test } from '@jest/globals';
import { groupAdvantages } from '../../../ts/domain/advantage.ts';
import type { Settings } from '../../../ts/domain/settings.ts';
import { loadPolicy, updatePolicy } from '../../../ts/loop/policyUpdate.ts';
import { recordedContext } from './loopContext.ts';

/** Two conversations of two samples: lengths 1, 2, 3, 4. */
async function update(miniBatch: number, klCoef: number, roles: Partial<Settings['roles']> = {}) {
  const context = recordedContext((conversation, sample) =>
    'x'.repeat(Number(conversation.messages[0]?.content) + sample),
  );
  Object.assign(context.settings.roles, roles);
  const settings = { ...context.settings.solver, prompts: 2, rollouts: 2, miniBatch, klCoef };
  const { worker, calls } = context;
  const policy = await loadPolicy(context, 'solver', 'base', settings);
  const samples = await worker.sample({
    modelId: 'solver',
    conversations: ['1', '3'].map((content) => ({ messages: [{ role: 'user', content }] })),
    n: 2,
    seeds: new Uint32Array(2),
    sampling: settings.sampling,
  });
  const metrics = await updatePolicy(
    worker,
    policy,
    samples,
    groupAdvantages([0, 1, 1, 0], 2),
    settings,
    [3, 2, 1, 0],
    {},
  );
  return { calls, metrics, policy };
}

test('one update a step: no old log-probs, ratio 1; the normalizer is the number of trained tokens', async () => {
  const { calls, policy } = await update(4, 0);
  const [call] = calls.forwardBackward;
  expect(calls.forwardBackward).toHaveLength(1);
  expect(call?.batch.oldLogprobs).toBeUndefined();
  expect(call?.batch.refLogprobs).toBeUndefined();
  expect(call?.normalizer).toBe(1 + 2 + 3 + 4);
  expect(Array.from(call?.batch.lengths ?? [])).toEqual([5, 4, 3, 2]); // in the order given, prompt included
  // Rewards 0, 1 and 1, 0: in each group of two the advantages are -+ 0.5 / (sqrt(0.5) + 1e-6).
  const half = Math.fround(0.5 / (Math.sqrt(0.5) + 1e-6));
  expect(Array.from(call?.batch.advantages ?? [])).toEqual([-half, half, half, -half]);
  expect(policy.seq).toBe(3);
});

test('several updates a step: old log-probs come from the trainer, before the first update', async () => {
  const { calls } = await update(2, 0);
  expect(calls.verbs.slice(2)).toEqual([
    'forward solver',
    'forward solver',
    'forwardBackward solver',
    'optimStep solver',
    'forwardBackward solver',
    'optimStep solver',
    'publish',
  ]);
  expect(calls.forwardBackward.map(({ batch }) => batch.oldLogprobs?.every((value) => value === -2))).toEqual([
    true,
    true,
  ]);
  expect(calls.forwardBackward.map(({ seq }) => seq)).toEqual([1, 3]);
  expect(calls.optimStep.map(({ seq }) => seq)).toEqual([2, 4]);
  expect(calls.forwardBackward.map(({ normalizer }) => normalizer)).toEqual([7, 3]);
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
  expect(calls.forward[0]?.tokens).toEqual(calls.forwardBackward[0]?.batch.tokens);
  expect(calls.forwardBackward[0]?.batch.refLogprobs?.length).toBe(14);
  expect(calls.forwardBackward[0]?.loss.klCoef).toBe(0.01);
});

test('an anchor that follows starts with the phase and moves after each update', async () => {
  const { calls } = await update(2, 0.01, { anchor: 'ema', anchorDecay: 0.75 });
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
  expect(calls.verbs.slice(5)).toEqual([...one, ...one, 'publish']);
});

test('without a KL term there is nothing to average', async () => {
  const { calls } = await update(2, 0, { anchor: 'ema' });
  expect(calls.verbs.filter((verb) => verb.startsWith('average'))).toEqual([]);
});
