import { describe, expect, test } from '@jest/globals';
import { agreementHistogram } from '../../../ts/domain/histogram.ts';
import { challengerPhase } from '../../../ts/loop/challengerPhase.ts';
import { evaluatePhase } from '../../../ts/loop/evaluatePhase.ts';
import { questionPhase } from '../../../ts/loop/questionPhase.ts';
import { solverPhase } from '../../../ts/loop/solverPhase.ts';
import type { Conversation } from '../../../ts/protocol/generated.ts';
import { asked, recordedContext } from './loopContext.ts';

describe('Challenger phase', () => {
  // Four proposals: malformed, one on which 5 of 10 agree, one on which all agree, one of which 2 of 10 have a box.
  const proposals = [
    'no tags',
    '<question>five alpha beta gamma delta</question>',
    '<question>ten epsilon zeta eta theta</question>',
    '<question>two iota kappa lambda mu</question>',
  ];
  const script = (conversation: Conversation, sample: number, modelId: string) => {
    if (modelId === 'challenger') return proposals[sample] as string;
    const count = { five: 5, ten: 10, two: 2 }[asked(conversation).split(' ')[0] ?? ''] ?? 0;
    return sample < count
      ? 'so \\boxed{7}'
      : asked(conversation).startsWith('two')
        ? 'no box'
        : `\\boxed{${100 + sample}}`;
  };
  const small = (arm: 'full' | 'no-repetition') =>
    recordedContext(script, (settings) => {
      settings.arm = arm;
      Object.assign(settings.challenger, { steps: 1, prompts: 1, rollouts: 4, miniBatch: 4 });
    });

  test('rewards: uncertainty less the share of the batch, 0 when malformed or negative', async () => {
    const context = small('full');
    await challengerPhase(context, 1, 'base', ['base']);
    const records = context.records.get('iteration-1/challenger/step-001.jsonl') ?? [];
    expect(records.map(({ agreement }) => agreement)).toEqual([0, 0.5, 1, 0.2]);
    // Each question is a cluster of its own: 1 of the batch of 4, the malformed proposal included.
    expect(records.map(({ reward }) => reward.repetition)).toEqual([0, 0.25, 0.25, 0.25]);
    expect(records.map(({ reward }) => reward.total)).toEqual([0, 0.75, 0, expect.closeTo(0.4 - 0.25, 12)]);
  });

  test('without the repetition penalty the reward is the uncertainty', async () => {
    const context = small('no-repetition');
    await challengerPhase(context, 1, 'base', ['base']);
    const records = context.records.get('iteration-1/challenger/step-001.jsonl') ?? [];
    expect(records.map(({ reward }) => reward.total)).toEqual([0, 1, 0, expect.closeTo(0.4, 12)]);
  });

  test('a step in which nothing is well-formed still trains, on advantages of 0', async () => {
    const context = recordedContext(
      () => 'nothing',
      (settings) => {
        Object.assign(settings.challenger, { steps: 1, rollouts: 4, miniBatch: 4 });
      },
    );
    await challengerPhase(context, 1, 'base', ['base']);
    expect(Array.from(context.calls.forwardBackward[0]?.batch.advantages ?? [])).toEqual([0, 0, 0, 0]);
  });
});

describe('question phase', () => {
  // Question k is answered alike by k of 10 samples.
  const script = (conversation: Conversation, sample: number, modelId: string) => {
    if (modelId === 'challenger') return '';
    return sample < Number(asked(conversation)) ? '\\boxed{1}' : `\\boxed{${100 + sample}}`;
  };
  const phase = (arm: 'full' | 'no-filter' | 'shuffled-labels') => {
    const context = recordedContext(script, (settings) => {
      settings.arm = arm;
      settings.questions.candidates = 10;
    });
    const { sample } = context.worker;
    // One proposal a conversation: number them by conversation.
    context.worker.sample = async (params, options) => {
      const batch = await sample(params, options);
      if (params.modelId !== 'challenger') return batch;
      return {
        ...batch,
        texts: batch.texts.map((_, index) => (index === 9 ? 'bad' : `<question>${index + 1}</question>`)),
      };
    };
    return { context, run: () => questionPhase(context, 1, 'challenger', ['solver']) };
  };

  test('keeps 3 to 7 of 10, and says what became of each of the others', async () => {
    const { context, run } = phase('full');
    expect(await run()).toEqual(['3', '4', '5', '6', '7'].map((question) => ({ question, label: '1' })));
    const records = context.records.get('iteration-1/questions.jsonl') ?? [];
    expect(records.map(({ question, fate }) => `${question}: ${fate}`)).toEqual([
      '1: too_hard',
      '2: too_hard',
      ...['3', '4', '5', '6', '7'].map((question) => `${question}: kept`),
      '8: too_easy',
      '9: too_easy',
      'undefined: malformed',
    ]);
    expect(context.records.get('iteration-1/problems.jsonl')?.map(({ question, label }) => [question, label])).toEqual(
      ['3', '4', '5', '6', '7'].map((question) => [question, '1']),
    );
    expect(context.metrics.at(-1)).toMatchObject({ candidates: 10, wellFormed: 0.9, kept: 5, keptShare: 0.5 });
  });

  test('tells how the answers agree, and keeps how many agree how far', async () => {
    const { context, run } = phase('full');
    await run();
    const told = context.events.flatMap((event) => (event.type === 'agreements' ? event.agreements : []));
    const records = context.records.get('iteration-1/questions.jsonl') ?? [];
    const answered = records.flatMap(({ agreement }) => agreement ?? []);
    expect(told).toHaveLength(9);
    expect(told).toEqual(answered);
    const { done } = context.history.phase(1, 'questions');
    const found = context.history.journal.get<{ agreements: number[] }>(done?.value as string);
    expect(found?.agreements).toEqual(agreementHistogram(answered));
  });

  test('what the workers do meanwhile goes on record with it, and what they did before does not', async () => {
    const { context, run } = phase('full');
    let reads = 0;
    context.activity = () => {
      reads += 1;
      return { tokens: 100 * reads, deviceSeconds: 1.00006 * reads, busySeconds: 0.5 * reads };
    };
    await run();
    expect(context.history.phase(1, 'questions').done).toMatchObject({
      activity: { tokens: 100, deviceSeconds: 1, busySeconds: 0.5 },
    });
    const unknown = phase('full');
    await unknown.run();
    expect(unknown.context.history.phase(1, 'questions').done).not.toHaveProperty('activity');
  });

  test('without the filter every question with a label is kept', async () => {
    expect(await phase('no-filter').run()).toHaveLength(9);
  });

  test('shuffled labels are a permutation; the records keep both, in two files', async () => {
    const { context, run } = phase('shuffled-labels');
    context.worker.sample = (
      (sample): typeof sample =>
      async (params, options) => {
        const batch = await sample(params, options);
        // Give every question a label of its own.
        return params.modelId === 'challenger'
          ? batch
          : { ...batch, texts: batch.texts.map((text, i) => text.replace('{1}', `{${Math.floor(i / 10)}}`)) };
      }
    )(context.worker.sample);
    const problems = await run();
    const kept = (context.records.get('iteration-1/questions.jsonl') ?? []).filter(({ fate }) => fate === 'kept');
    expect(problems.map(({ label }) => label).sort()).toEqual(kept.map(({ label }) => label).sort());
    const trained = context.records.get('iteration-1/problems.jsonl') ?? [];
    expect(trained.map(({ question }) => question)).toEqual(kept.map(({ question }) => question));
    expect(kept.every(({ label }, index) => label !== trained[index].label)).toBe(true);
  });
});

describe('Solver phase', () => {
  const problems = [
    { question: 'a', label: '1' },
    { question: 'b', label: '2' },
  ];
  const script = (_: Conversation, sample: number) => (sample % 2 === 0 ? '\\boxed{1}' : 'no box');
  const context = (arm: 'full' | 'random-rewards') =>
    recordedContext(script, (settings) => {
      settings.arm = arm;
      Object.assign(settings.solver, { steps: 3, prompts: 2, rollouts: 4, miniBatch: 8 });
    });

  test('the reward is agreement with the pseudo-label; a missing box is none', async () => {
    const recorded = context('full');
    await solverPhase(recorded, 1, 'base', problems);
    const byQuestion = new Map(
      (recorded.records.get('iteration-1/solver/step-001.jsonl') ?? []).map(({ question, rewards }) => [
        question,
        rewards,
      ]),
    );
    expect(byQuestion.get('a')).toEqual([1, 0, 1, 0]);
    expect(byQuestion.get('b')).toEqual([0, 0, 0, 0]);
    expect(recorded.metrics[0]).toMatchObject({ reward: 0.25, uninformative: 0.5 });
  });

  test('random rewards do not read the answers', async () => {
    const recorded = context('random-rewards');
    await solverPhase(recorded, 1, 'base', problems);
    const rewards = [1, 2, 3].flatMap((step) =>
      (recorded.records.get(`iteration-1/solver/step-00${step}.jsonl`) ?? []).flatMap((record) => record.rewards),
    );
    expect(new Set(rewards)).toEqual(new Set([0, 1]));
    expect(rewards.filter((_, index) => index % 2 === 1)).toContain(1); // samples without a box
  });

  test('with no question kept the Solver goes on unchanged', async () => {
    const recorded = context('full');
    await solverPhase(recorded, 1, 'base', []);
    expect(recorded.calls.forwardBackward).toEqual([]);
    expect(recorded.calls.verbs).toContain('save solver to solver-1');
  });
});

describe('evaluation', () => {
  const script = (conversation: Conversation) => (asked(conversation) === 'q1' ? '\\boxed{1}' : '\\boxed{2}');

  test('greedy once, sampled k times, worked k times from the prefix; accuracies are means', async () => {
    const context = recordedContext(script, undefined, { workedPrefix: 'Step by step: ' });
    expect(await evaluatePhase(context, 0, 'base')).toMatchObject({
      greedy: 0.5,
      mean: 0.5,
      majority: 0.5,
      worked: 0.5,
    });
    expect(context.calls.sample.map(({ n, sampling }) => [n, sampling.temperature])).toEqual([
      [1, 0],
      [2, 1],
      [2, 1],
    ]);
    expect(context.calls.sample[2]?.conversations[0]?.messages.at(-1)).toEqual({
      role: 'assistant',
      content: 'Step by step: ',
    });
    expect(context.records.get('iteration-0/evaluation.jsonl')).toHaveLength(6);
  });

  test('an exam without a prefix is sat in two modes', async () => {
    const context = recordedContext(script);
    const metrics = await evaluatePhase(context, 0, 'base');
    expect(metrics).not.toHaveProperty('worked');
    expect(context.calls.sample).toHaveLength(2);
  });

  test('every iteration draws from the same seeds, so evaluations are paired', async () => {
    const context = recordedContext(script);
    await evaluatePhase(context, 0, 'base');
    await evaluatePhase(context, 1, 'solver-1');
    expect(context.calls.sample[2]?.seeds).toEqual(context.calls.sample[0]?.seeds);
  });
});

test('progress never goes back, and moves inside a step', async () => {
  const context = recordedContext((_, sample, modelId) =>
    modelId === 'challenger' ? `<question>q${sample}</question>` : `\\boxed{${sample % 3}}`,
  );
  await challengerPhase(context, 1, 'base', ['base']);
  await questionPhase(context, 1, 'base', ['base']);
  for (const phase of ['challenger', 'questions'] as const) {
    const done = context.events.flatMap((event) =>
      event.type === 'progress' && event.phase === phase
        ? [event.done]
        : event.type === 'step' && event.phase === phase
          ? [event.step]
          : [],
    );
    expect(done.length).toBeGreaterThan(1);
    expect(done).toEqual([...done].sort((a, b) => a - b));
  }
  const inside = context.events.filter((event) => event.type === 'progress' && !Number.isInteger(event.done));
  expect(inside.length).toBeGreaterThan(0);
});
