import { expect, test } from '@jest/globals';
import { protocolDifferences } from '../../../ts/paper/protocol.ts';
import { benchmarkScores, scoresDocument } from './scores.ts';

const differences = (...given: Parameters<typeof scoresDocument>) =>
  Object.fromEntries(protocolDifferences(scoresDocument(...given)).map(({ what, here }) => [what, here]));

test('mathematics without a judge, at the paper’s lengths', () => {
  expect(differences([benchmarkScores('gsm8k', 80)])).toEqual({
    Judge: 'none: the rule grader alone',
    Prompts: 'of this project',
  });
});

test('AMC and AIME say how they were sampled', () => {
  const sampled = { samples: 32, metric: 'mean' } as const;
  expect(differences([benchmarkScores('amc', 50, sampled), benchmarkScores('aime-2024', 10, sampled)])).toMatchObject({
    'AMC, AIME-2024': 'mean@32 at temperature 0.6, top-p 0.95',
  });
  expect(differences([benchmarkScores('amc', 50)])).toMatchObject({ AMC: 'greedy' });
});

test('a judge, another length, a benchmark with letters', () => {
  const protocol = {
    ...scoresDocument([]).protocol,
    judge: { model: 'some-judge', endpoint: 'http://localhost:8000/v1', temperature: 0 },
  };
  const general = benchmarkScores('bbeh', 10, { group: 'general', maxTokens: 4096 });
  expect(differences([benchmarkScores('minerva', 30), general], { protocol })).toEqual({
    Judge: 'some-judge, which may give a point and take one',
    'No letter in a response': 'wrong, and counted',
    'BBEH, most new tokens': '4096',
    Prompts: 'of this project',
  });
});

test('nothing sat, nothing differs', () => {
  expect(differences([])).toEqual({});
});
