import { expect, test } from '@jest/globals';
import { loadConfig } from '../../../ts/config/load.ts';
import { candidateDetail, proposalDetail } from '../../../ts/page/detail.ts';

const settings = loadConfig({ preset: 'mock' });
const QUESTION = 'Keep only the last two digits. Start with 21. (1) Multiply by 2.';
const responses = ['\\boxed{42}', 'so \\boxed{42.0}', '\\boxed{43}', 'no idea', 'I say \\boxed{43}'];
const vote = { label: '42', votes: 2, samples: 5, agreement: 0.4, unboxed: 1, groups: 2 };

test('answers are grouped as the vote groups them, and told as they agree with the label', () => {
  const record = { question: QUESTION, responses, vote, label: '42', agreement: 0.4, fate: 'kept' };
  expect(candidateDetail(record, settings, true)).toEqual({
    text: null,
    votes: [
      { answer: '42', count: 2 },
      { answer: '43', count: 2 },
      { answer: null, count: 1 },
    ],
    samples: responses.map((text, at) => ({
      text,
      answer: ['42', '42.0', '43', null, '43'][at],
      agrees: at < 2,
    })),
    reward: null,
    advantage: null,
    why: expect.stringContaining('kept: 2 of 5 answers agree'),
    truth: '42',
  });
  expect(candidateDetail(record, settings, false).samples).toBeNull();
});

test('a question of training has its reward by parts; one without a question has its text', () => {
  const reward = { uncertainty: 0.8, repetition: 0.1, format: 1, validity: 1, total: 0.7 };
  const record = {
    text: 'all of it',
    question: 'Why?',
    responses,
    label: '42',
    agreement: 0.4,
    reward,
    advantage: 1.5,
  };
  expect(proposalDetail(record, settings, false)).toMatchObject({
    text: 'all of it',
    reward,
    advantage: 1.5,
    truth: null,
    why: 'reward 0.70: 0.80 for uncertainty less 0.10 for repetition; 2 of 5 answers agree',
  });
  const malformed = candidateDetail({ text: 'nothing', fate: 'malformed' }, settings, true);
  expect(malformed).toMatchObject({ text: 'nothing', votes: [], samples: [], truth: null });
});
