import { describe, expect, test } from '@jest/globals';
import type { Settings } from '../../../ts/domain/settings.ts';
import { challengerPhase } from '../../../ts/loop/challengerPhase.ts';
import { coevolve } from '../../../ts/loop/coevolve.ts';
import { TooFewQuestions } from '../../../ts/loop/errors.ts';
import { questionPhase } from '../../../ts/loop/questionPhase.ts';
import { solverPhase } from '../../../ts/loop/solverPhase.ts';
import type { Conversation } from '../../../ts/protocol/generated.ts';
import { asked, recordedContext } from './loopContext.ts';

const loads = (context: ReturnType<typeof recordedContext>) =>
  context.calls.loadModel.map(({ modelId, source, trainable }) => `${modelId}<-${source}${trainable ? '*' : ''}`);

describe('who starts from what', () => {
  const script = (_: unknown, sample: number, modelId: string) =>
    modelId === 'challenger' && sample >= 0
      ? `<question>Problem ${String.fromCharCode(97 + (sample % 26))}</question>\\boxed{1}`
      : `\\boxed{${sample % 2 === 0 ? 1 : 10 + sample}}`;
  const run = async (roles: Partial<Settings['roles']>, iterations = 2) => {
    const context = recordedContext(script, (settings) => {
      settings.model = 'base';
      settings.iterations = iterations;
      Object.assign(settings.roles, roles);
    });
    await coevolve(context);
    return loads(context).filter((load) => load !== 'solver<-base' || context.settings.roles.judge === 'ensemble');
  };

  test('a Challenger from the latest Solver', async () => {
    expect((await run({ challengerFrom: 'solver' })).filter((load) => load.startsWith('challenger<-'))).toEqual([
      'challenger<-base*',
      'challenger<-challenger-1',
      'challenger<-solver-1*',
      'challenger<-challenger-2',
    ]);
  });

  test('a Challenger from the base', async () => {
    const trained = (await run({ challengerFrom: 'base' })).filter((load) => /^challenger<-.*\*/.test(load));
    expect(trained).toEqual(['challenger<-base*', 'challenger<-base*']);
  });

  test.each<[Partial<Settings['roles']>, string[]]>([
    [{ challengerFrom: 'solver' }, ['Solver 1', 'Solver 1', 'Solver 1']],
    [{ challengerFrom: 'base' }, ['the base', 'Solver 1', 'Solver 1']],
    [{ judge: 'ensemble', ensemble: 3 }, ['Challenger 1', 'the last 2 Solvers', 'Solver 1']],
    [{ models: 'one' }, ['Solver 1', 'Solver 1', 'Challenger 2']],
    [{ models: 'one', judge: 'current' }, ['Solver 1', 'itself', 'Challenger 2']],
  ])('iteration 2 is announced as it is: %j', async (roles, [challengerFrom, judge, solverFrom]) => {
    const context = recordedContext(script, (settings) => {
      Object.assign(settings.roles, roles);
      Object.assign(settings.challenger, { steps: 1 });
    });
    await coevolve(context);
    const announced = context.events.filter(({ type }) => type === 'iteration-started')[1];
    expect(announced).toMatchObject({ variant: { challengerFrom, judge, solverFrom } });
  });

  test('the base as anchor of every phase', async () => {
    const anchors = (await run({ anchor: 'base' })).filter((load) => load.includes('-reference'));
    expect(anchors).toEqual(['challenger', 'solver', 'challenger', 'solver'].map((role) => `${role}-reference<-base`));
  });

  test('the last Solvers judge together', async () => {
    const judges = (await run({ judge: 'ensemble', ensemble: 2 }, 3)).filter((load) => load.startsWith('solver-2'));
    // In iteration 1 there is but the base; each iteration's two phases then load one earlier Solver.
    expect(judges).toEqual(['solver-2<-base', 'solver-2<-base', 'solver-2<-solver-1', 'solver-2<-solver-1']);
  });

  test('one model: the Solver goes on from the Challenger, and the next Challenger from the Solver', async () => {
    const trained = (await run({ models: 'one' })).filter((load) => load.endsWith('*'));
    expect(trained).toEqual([
      'challenger<-base*',
      'solver<-challenger-1*',
      'challenger<-solver-1*',
      'solver<-challenger-2*',
    ]);
  });

  test('one model that judges itself: its weights of the moment answer', async () => {
    const context = recordedContext(
      (conversation, sample, modelId) =>
        asked(conversation).startsWith('Problem') ? `\\boxed{${sample % 2}}` : script(0, sample, modelId),
      (settings) => {
        settings.model = 'base';
        settings.iterations = 1;
        Object.assign(settings.roles, { models: 'one', judge: 'current' });
      },
    );
    await coevolve(context);
    const judged = context.calls.sample.filter(({ conversations }) =>
      asked(conversations[0] as Conversation).startsWith('Problem'),
    );
    expect(judged[0]?.modelId).toBe('challenger');
    expect(loads(context)).toContain('solver<-challenger-1');
  });
});

describe('the question phase', () => {
  /** Question k is answered alike by k of 10; a request for candidates numbers them on. */
  const phase = (change: (settings: Settings) => void, texts?: (row: number) => string) => {
    const context = recordedContext(
      (conversation, sample) =>
        sample < Number.parseInt(asked(conversation), 10) ? '\\boxed{1}' : `\\boxed{${100 + sample}}`,
      (settings) => {
        settings.questions.candidates = 10;
        settings.solver.prompts = 4;
        change(settings);
      },
    );
    const { sample } = context.worker;
    let row = 0;
    context.worker.sample = async (params, options) => {
      const batch = await sample(params, options);
      if (params.modelId !== 'challenger') return batch;
      return {
        ...batch,
        texts: batch.texts.map(() => {
          row++;
          return texts?.(row) ?? `<question>${((row - 1) % 10) + 1} of ten, ${row}</question>\\boxed{1}`;
        }),
      };
    };
    return { context, run: () => questionPhase(context, 1, 'challenger', ['solver']) };
  };
  const started = (questions: string[]) => questions.map((question) => Number.parseInt(question, 10));

  test.each([
    ['asked', [3, 4, 5, 6, 7]],
    ['easy-first', [7, 6, 5, 4, 3]],
    ['hard-first', [3, 4, 5, 6, 7]],
  ] as const)('order: %s', async (order, expected) => {
    const problems = await phase((settings) => {
      settings.questions.order = order;
    }).run();
    expect(started(problems.map(({ question }) => question))).toEqual(expected);
  });

  test('a shortfall is asked again, with other seeds, until there is enough', async () => {
    const { context, run } = phase((settings) => {
      settings.questions.shortfall = 'resample';
      settings.solver.prompts = 12;
    });
    expect(await run()).toHaveLength(15);
    expect(context.metrics.at(-1)).toMatchObject({ candidates: 30, kept: 15, rounds: 3 });
    const seeds = context.calls.sample.filter(({ modelId }) => modelId === 'challenger').map(({ seeds }) => seeds[0]);
    expect(new Set(seeds).size).toBe(3);
  });

  test('but not for ever', async () => {
    const { context, run } = phase((settings) => {
      Object.assign(settings.questions, { shortfall: 'resample', resamples: 2 });
      settings.solver.prompts = 100;
    });
    expect(await run()).toHaveLength(15);
    expect(context.metrics.at(-1)).toMatchObject({ rounds: 3 });
  });

  test('or ends the run, with its records written', async () => {
    const { context, run } = phase((settings) => {
      settings.questions.shortfall = 'stop';
      settings.solver.prompts = 6;
    });
    await expect(run()).rejects.toThrow(TooFewQuestions);
    await expect(
      phase((settings) => {
        settings.questions.shortfall = 'stop';
        settings.solver.prompts = 6;
      }).run(),
    ).rejects.toThrow(/kept 5 of 10 questions and a batch of the Solver holds 6/);
    expect(context.records.get('iteration-1/questions.jsonl')).toHaveLength(10);
  });

  test('what a gate drops before the answers is never answered', async () => {
    const { context, run } = phase(
      (settings) =>
        Object.assign(settings.questions, { duplicates: 'drop', maxCharacters: 20, questionWords: ['box'] }),
      (row) =>
        `<question>${['5', ' 5 ', '5 in a box', `5${'x'.repeat(20)}`][(row - 1) % 4]}${row > 4 ? row : ''}</question>`,
    );
    await run();
    const records = context.records.get('iteration-1/questions.jsonl') ?? [];
    expect(records.slice(0, 4).map(({ fate }) => fate)).toEqual(['kept', 'duplicate', 'question_word', 'too_long']);
    expect(records[1]).toEqual({ iteration: 1, question: '5', fate: 'duplicate' });
    expect(context.metrics.at(-1)).toMatchObject({ duplicateShare: 0.1, questionWordShare: 0.2, tooLongShare: 0.2 });
    const answered = context.calls.sample.filter(({ modelId }) => modelId === 'solver');
    expect(answered.map(({ conversations }) => conversations.length)).toEqual([5]);
  });

  test('answers of its own number, in rounds, and says what it saved', async () => {
    const { context, run } = phase((settings) => {
      Object.assign(settings.questions, { votes: 4, answersPerRound: 2 });
    });
    await run();
    const { savedSamples } = context.metrics.at(-1);
    const drawn = (context.records.get('iteration-1/questions.jsonl') ?? []).reduce(
      (sum, { responses }) => sum + responses.length,
      0,
    );
    expect(savedSamples).toBe(40 - drawn);
  });
});

describe('the Solver phase', () => {
  const problems = ['a', 'b', 'c'].map((question) => ({ question, label: '1' }));
  const run = async (
    change: (settings: Settings) => void,
    script = (_: Conversation, sample: number) => `\\boxed{${sample}}`,
  ) => {
    const context = recordedContext(script, (settings) => {
      Object.assign(settings.solver, { steps: 2, prompts: 4, rollouts: 2, miniBatch: 8 });
      change(settings);
    });
    await solverPhase(context, 1, 'base', problems);
    return context;
  };
  const batchSizes = ({ calls }: ReturnType<typeof recordedContext>) =>
    calls.sample.map(({ conversations }) => conversations.length);

  test('few questions fill a batch several times, or make it smaller', async () => {
    expect(batchSizes(await run(() => {}))).toEqual([4, 4]);
    const shrunk = await run((settings) => {
      settings.questions.shortfall = 'shrink';
    });
    expect(batchSizes(shrunk)).toEqual([3, 3]);
  });

  test('groups without a difference are dropped, and counted', async () => {
    const drop = (settings: Settings) => {
      settings.solver.credit = { ...settings.solver.credit, zeroVariance: 'drop' };
    };
    const some = await run(drop, (conversation, sample) =>
      asked(conversation) === 'a' ? `\\boxed{${sample}}` : '\\boxed{1}',
    );
    const [first] = some.metrics.filter(({ kind }) => kind === 'step');
    expect(first.droppedGroups).toBe(first.uninformative);
    expect(some.calls.forwardBackward[0]?.batch.lengths.length).toBeLessThan(8);
    const none = await run(drop, () => '\\boxed{1}');
    expect(none.calls.forwardBackward).toEqual([]);
    expect(none.metrics.at(-1)).toMatchObject({ droppedGroups: 1, updates: 0 });
  });

  test('the published mix pays for the format too', async () => {
    const context = await run(
      (settings) => {
        settings.rewards.solver = { accuracy: 0.9, format: 0.1 };
      },
      (_, sample) => (sample === 0 ? '<think>x</think>\\boxed{1}' : '\\boxed{1}'),
    );
    expect(context.records.get('iteration-1/solver/step-001.jsonl')?.[0].rewards).toEqual([1, 0.9]);
  });
});

describe("a user's own reward", () => {
  const context = (reward: (batch: readonly unknown[]) => number[]) => {
    const recorded = recordedContext(
      (_, sample, modelId) => (modelId === 'challenger' ? `<question>q${sample}</question>` : '\\boxed{1}'),
      (settings) => Object.assign(settings.challenger, { steps: 1, prompts: 1, rollouts: 4, miniBatch: 4 }),
    );
    recorded.challengerReward = reward;
    return recorded;
  };

  test('is what the Challenger learns from', async () => {
    const recorded = context((batch) => batch.map((_, i) => i));
    await challengerPhase(recorded, 1, 'base', ['base']);
    const records = recorded.records.get('iteration-1/challenger/step-001.jsonl') ?? [];
    expect(records.map(({ reward }) => reward.total)).toEqual([0, 1, 2, 3]);
    expect(records[3].advantage).toBeGreaterThan(records[0].advantage);
  });

  test('must be one finite number a proposal', async () => {
    await expect(
      challengerPhase(
        context(() => [1]),
        1,
        'base',
        ['base'],
      ),
    ).rejects.toThrow(/1 rewards for 4 proposals/);
  });
});
