import { expect, test } from '@jest/globals';
import { askJudge } from '../../../ts/eval/judgement.ts';
import { fingerprint, type VerdictRecord } from '../../../ts/eval/response.ts';
import type { JudgedResponse } from '../../../ts/judge/judge.ts';
import { answered, itemOf } from './answered.ts';

test('the judge is asked about right and wrong answers alike, once, and no verdict is none', async () => {
  const asked: JudgedResponse[] = [];
  const judge = {
    model: 'j',
    endpoint: 'http://judge',
    temperature: 0,
    judge: async (responses: readonly JudgedResponse[]) => {
      asked.push(...responses);
      return responses.map(({ answer }) => (answer === '8' ? null : answer === '14/2'));
    },
  };
  const known = answered({ id: 'e', mode: 'greedy', sample: 0 }, '5', '7', false);
  const right = { ...itemOf('a', '14/2'), greedy: answered({ id: 'a', mode: 'greedy', sample: 0 }, '14/2', '14/2') };
  const items = [
    right,
    itemOf('b', '7'),
    itemOf('c', '-'),
    itemOf('d', null, '6', '8'),
    { ...itemOf('e', null), greedy: known },
  ];
  const verdicts: VerdictRecord[] = [];
  await askJudge(judge, items, (added) => verdicts.push(...added), new AbortController().signal);
  expect(asked).toEqual([
    { question: 'question a', gold: '7', answer: '14/2' },
    // Without an answer it is shown the end of the response.
    { question: 'question c', gold: '7', answer: 'so -' },
    { question: 'question d', gold: '7', answer: '6' },
    { question: 'question d', gold: '7', answer: '8' },
  ]);
  const judgeName = 'j at http://judge, temperature 0';
  expect(verdicts).toEqual([
    { id: 'a', mode: 'greedy', sample: 0, text: fingerprint('so 14/2'), judge: judgeName, correct: true },
    { id: 'c', mode: 'greedy', sample: 0, text: fingerprint('so -'), judge: judgeName, correct: false },
    { id: 'd', mode: 'sampled', sample: 0, text: fingerprint('so 6'), judge: judgeName, correct: false },
  ]);
});
