import { describe, expect, test } from '@jest/globals';
import type { Settings } from '../../../ts/domain/settings.ts';
import { challengerPhase } from '../../../ts/loop/challengerPhase.ts';
import { coevolve } from '../../../ts/loop/coevolve.ts';
import { questionPhase } from '../../../ts/loop/questionPhase.ts';
import { solverPhase } from '../../../ts/loop/solverPhase.ts';
import type { Conversation, SampleParams } from '../../../ts/protocol/generated.ts';
import { asked, recordedContext } from './loopContext.ts';

/** A text by the seed of its conversation and its number, so that it does not matter in which request it is drawn. */
function seeded(change: (settings: Settings) => void, requestSamples: number) {
  let params: SampleParams | undefined;
  const context = recordedContext((conversation, sample, modelId) => {
    const { conversations, seeds } = params as SampleParams;
    const draw = (seeds[conversations.indexOf(conversation)] as number) + sample * 7919;
    if (modelId !== 'challenger') return draw % 3 === 0 ? 'no box' : `\\boxed{${draw % 2}}`;
    return draw % 5 === 0 ? 'malformed' : `<question>${draw % 17} and ${draw % 23} make</question>\\boxed{1}`;
  }, change);
  const { sample } = context.worker;
  const inputs: SampleParams[] = [];
  context.worker.sample = (request, options) => {
    params = request; // read before anything else is asked: the script runs at once
    inputs.push(request);
    return sample(request, options);
  };
  return Object.assign(context, { requestSamples, inputs });
}

const several = (settings: Settings) => {
  Object.assign(settings.challenger, { steps: 2, prompts: 4, rollouts: 4, miniBatch: 8 });
  Object.assign(settings.questions, { candidates: 24, duplicates: 'drop' });
  Object.assign(settings.solver, { steps: 2, prompts: 4, rollouts: 4, miniBatch: 8 });
};

test('how requests are cut does not change what a run computes', async () => {
  const runs = [];
  for (const requestSamples of [1, 5, 16, 10_000]) {
    const context = seeded(several, requestSamples);
    await coevolve(context);
    const trained = context.calls.forwardBackward.map(({ batch, normalizer }) => ({ batch, normalizer }));
    runs.push({ records: context.records, metrics: context.metrics, trained });
  }
  for (const run of runs.slice(1)) expect(run).toEqual(runs[0]);
});

describe('a Challenger step', () => {
  test('asks the Solver the first questions while others are still to be written', async () => {
    const context = seeded(several, 4);
    const { sample } = context.worker;
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let proposals = 0;
    context.worker.sample = async (request, options) => {
      if (request.modelId === 'challenger') {
        proposals += 1;
        if (proposals === 2) await held; // the second request of proposals is late
      } else release(); // the Solver has been asked all the same
      return sample(request, options);
    };
    await challengerPhase(context, 1, 'base', ['base']);
    expect(context.records.get('iteration-1/challenger/step-002.jsonl')).toHaveLength(16);
  });

  test('makes its first update while the Solver still answers the last questions', async () => {
    const context = seeded(several, 8);
    const { sample, optimStep } = context.worker;
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const proposals: (readonly string[])[] = [];
    context.worker.sample = async (request, options) => {
      // The answers to the second half of the first step's proposals are late.
      const question = asked(request.conversations[0] as Conversation);
      if (request.modelId === 'solver' && !proposals[0]?.some((text) => text.includes(question))) await held;
      const batch = await sample(request, options);
      if (request.modelId === 'challenger') proposals.push(batch.texts);
      return batch;
    };
    context.worker.optimStep = async (request) => {
      release();
      return optimStep(request);
    };
    await challengerPhase(context, 1, 'base', ['base']);
    expect(context.calls.optimStep).toHaveLength(4);
  });
});

describe('more than is needed', () => {
  /** Holds requests back that ask some prompt or question, and says whether they were cancelled. */
  const holding = (context: ReturnType<typeof seeded>, isHeld: (request: SampleParams) => boolean) => {
    const { sample } = context.worker;
    const cancelled: string[] = [];
    context.worker.sample = (request, options) => {
      if (!isHeld(request)) return sample(request, options);
      return new Promise((_, reject) => {
        options?.signal?.addEventListener('abort', () => {
          cancelled.push(request.modelId);
          reject(Object.assign(new Error('cancelled'), { code: 'cancelled' }));
        });
      });
    };
    return cancelled;
  };

  test('a Solver step takes the problems that are answered first, and waits for no other', async () => {
    const problems = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((question) => ({ question, label: '1' }));
    const context = seeded((settings) => {
      several(settings);
      Object.assign(settings.solver, { steps: 1, overAsk: 0.25 });
    }, 4);
    const late = new Set<string>();
    const cancelled = holding(context, ({ conversations }) => {
      const question = asked(conversations[0] as Conversation);
      if (late.size === 0) late.add(question);
      return late.has(question);
    });
    await solverPhase(context, 1, 'base', problems);
    const records = context.records.get('iteration-1/solver/step-001.jsonl') ?? [];
    expect(records).toHaveLength(4);
    expect(records.map(({ question }) => question)).not.toContain([...late][0]);
    expect(cancelled).toEqual(['solver']);
    expect(context.calls.forwardBackward.map(({ batch }) => batch.lengths.length)).toEqual([8, 8]);
  });

  test('a Challenger step takes the proposals whose questions are answered first', async () => {
    const context = seeded((settings) => {
      several(settings);
      Object.assign(settings.challenger, { steps: 1, overAsk: 0.5 });
    }, 4);
    let lateQuestion: string | undefined;
    const cancelled = holding(context, ({ modelId, conversations }) => {
      if (modelId !== 'solver') return false;
      const question = asked(conversations[0] as Conversation);
      lateQuestion ??= question;
      return question === lateQuestion;
    });
    await challengerPhase(context, 1, 'base', ['base']);
    const records = context.records.get('iteration-1/challenger/step-001.jsonl') ?? [];
    expect(records).toHaveLength(16);
    expect(cancelled.length).toBeGreaterThan(0);
    expect(context.calls.forwardBackward.map(({ batch }) => batch.lengths.length)).toEqual([8, 8]);
  });

  test('the question phase ends with the candidates that are judged first', async () => {
    const context = seeded((settings) => {
      several(settings);
      Object.assign(settings.questions, { candidates: 20, overAsk: 0.2 });
    }, 4);
    let first = true;
    const cancelled = holding(context, ({ modelId }) => {
      const held = modelId === 'challenger' && first;
      if (held) first = false;
      return held;
    });
    await questionPhase(context, 1, 'challenger', ['solver']);
    expect(cancelled).toEqual(['challenger']);
    expect(context.metrics.at(-1)).toMatchObject({ candidates: 20 });
    expect(context.records.get('iteration-1/questions.jsonl')).toHaveLength(20);
  });
});
