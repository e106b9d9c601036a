import { describe, expect, test } from '@jest/globals';
import { majorityVote } from '../../../ts/domain/vote.ts';
import { answerAll, answerInRounds, partSeeds } from '../../../ts/loop/ask.ts';
import type { Conversation } from '../../../ts/protocol/generated.ts';
import { createMemoryWorker } from '../../../ts/worker/memoryWorker.ts';
import { scriptedWorker } from '../../fixtures/scriptedWorker.ts';
import { asked } from './loopContext.ts';

const BAND = { center: 0.5, delta: 0.25 };
const OPTIONS = { requestSamples: 1000 };
const SAMPLING = { temperature: 1, topP: 1, topK: 0, maxTokens: 8 };
const asking = (votes: number) => ({
  judges: [{ modelId: 'solver', votes }],
  sampling: SAMPLING,
  voting: 'paper' as const,
  seed: partSeeds(1, 'test'),
});

function numbered(texts: string[]) {
  return texts.map((text, number) => ({ text, number }));
}

/** A question is its ten answers, `_` for none; a round goes on where the last one ended. */
function tape() {
  const at = new Map<string, number>();
  return scriptedWorker((conversation: Conversation) => {
    const question = asked(conversation);
    const next = at.get(question) ?? 0;
    at.set(question, next + 1);
    return question[next] === '_' ? 'no box' : `\\boxed{${question[next]}}`;
  });
}

const QUESTIONS = numbered([
  'aaaaaaaaaa', // too easy after eight
  'aaaaabbbcd', // kept after eight: five, and neither can eight agree nor another be first
  'abcdefghij', // too hard after nine: two at most
  '__________', // no label after all ten
  'aaabbbbbcc', // kept: b overtakes a
  'aaaabbbbba', // a tie in the end, which the first keeps: five and five
]);

describe('answering in rounds', () => {
  test.each([1, 2, 3, 7, 10])('%d at a time gives the fates and labels of all at once', async (perRound) => {
    const all = await answerAll(tape().worker, QUESTIONS, asking(10), BAND, OPTIONS);
    const { worker, calls } = tape();
    const { answered, savings } = await answerInRounds(worker, QUESTIONS, asking(10), perRound, BAND, OPTIONS);
    expect(answered.map(({ fate }) => fate)).toEqual(all.map(({ fate }) => fate));
    for (const [index, { fate, vote }] of answered.entries()) {
      if (fate === 'kept') expect(vote.label).toBe(all[index]?.vote.label);
    }
    const drawn = calls.sample.reduce((sum, { conversations, n }) => sum + conversations.length * n, 0);
    expect(savings.samples).toBe(60 - drawn);
    expect(answered.reduce((sum, { responses }) => sum + responses.length, 0)).toBe(drawn);
  });

  test('asks only what is open, and counts what it was spared', async () => {
    const { worker, calls } = tape();
    const { answered, savings } = await answerInRounds(worker, QUESTIONS, asking(10), 1, BAND, OPTIONS);
    // Seven settle nothing here; after eight the first two are settled, after nine the third and the fifth.
    expect(calls.sample.map(({ conversations, n }) => [conversations.length, n])).toEqual([
      [6, 7],
      [6, 1],
      [4, 1],
      [2, 1],
    ]);
    expect(answered.map(({ responses }) => responses.length)).toEqual([8, 8, 9, 10, 9, 10]);
    // Two answers of two questions and one of two more, each as long as `\boxed{a}`.
    expect(savings).toEqual({ samples: 6, tokens: 6 * '\\boxed{a}'.length });
  });

  test('rounds draw from seeds of their own', async () => {
    const { worker, calls } = tape();
    await answerInRounds(worker, QUESTIONS, asking(10), 1, BAND, OPTIONS);
    expect(new Set(calls.sample.flatMap(({ seeds }) => [...seeds])).size).toBe(
      calls.sample.reduce((sum, { seeds }) => sum + seeds.length, 0),
    );
  });

  test('nothing to ask asks nothing', async () => {
    const { worker, calls } = tape();
    expect(await answerInRounds(worker, [], asking(10), 5, BAND, OPTIONS)).toEqual({
      answered: [],
      savings: { samples: 0, tokens: 0 },
    });
    expect(calls.sample).toEqual([]);
  });

  test('works on a worker that samples', async () => {
    const worker = createMemoryWorker();
    await worker.loadModel({ modelId: 'solver', source: 'memory:base', trainable: false, seed: 1 });
    const { answered, savings } = await answerInRounds(worker, numbered(['1+1', '2+2']), asking(6), 1, BAND, OPTIONS);
    // Its bytes are random: no box, and whether there will be a label is open to the last.
    expect(answered.map(({ fate, vote }) => [fate, vote.label])).toEqual([
      ['no_label', null],
      ['no_label', null],
    ]);
    expect(savings.samples).toBe(0);
    await worker.close();
  });
});

test('the seeds of a question are those of its number, whoever else is asked', async () => {
  const { worker, calls } = tape();
  await answerAll(worker, QUESTIONS, asking(10), BAND, OPTIONS);
  await answerAll(worker, QUESTIONS.slice(2, 4), asking(10), BAND, OPTIONS);
  expect([...(calls.sample[1]?.seeds ?? [])]).toEqual([...(calls.sample[0]?.seeds ?? [])].slice(2, 4));
});

test('several Solvers share the answers out', async () => {
  const { worker, calls } = scriptedWorker((_, sample, modelId) => `\\boxed{${modelId}}${sample}`);
  const judges = [
    { modelId: 'a', votes: 3 },
    { modelId: 'b', votes: 2 },
    { modelId: 'c', votes: 0 },
  ];
  const [one] = await answerAll(worker, numbered(['q']), { ...asking(5), judges }, BAND, OPTIONS);
  expect(one?.answers).toEqual(['a', 'a', 'a', 'b', 'b']);
  expect(one?.vote).toMatchObject(majorityVoteOf(['a', 'a', 'a', 'b', 'b']));
  expect(calls.sample.map(({ modelId, n }) => [modelId, n])).toEqual([
    ['a', 3],
    ['b', 2],
  ]);
});

function majorityVoteOf(answers: string[]) {
  const { label, votes, samples } = majorityVote(answers);
  return { label, votes, samples };
}
