import { describe, expect, test } from '@jest/globals';
import { answerIn, tallyBy, type VotingRule, voteBy } from '../../../ts/domain/ballot.ts';

describe('answerIn', () => {
  test.each<[string, string | null, string | null]>([
    // text, by the paper's rule, by the published code's
    ['\\boxed{ 5 }', '5', '5'],
    ['no box', null, null],
    ['\\boxed{ }', null, ''],
    ['\\boxed{1} then \\boxed{2', null, null],
  ])('%s', (text, paper, published) => {
    expect([answerIn(text, 'paper'), answerIn(text, 'repo-head')]).toEqual([paper, published]);
    expect(answerIn(text, 'repo-labels')).toBe(published);
  });
});

/** The published vote once more, from its description: known answers in order, the first match counts. */
function publishedVote(answers: readonly (string | null)[], notBlankOnly: boolean) {
  const counts = new Map<string, number>();
  for (const given of answers) {
    const answer = given ?? 'None';
    if (answer === '') continue;
    const no = (text: string) => text.toLowerCase().includes('no ');
    const known = [...counts.keys()].find((name) => name === answer || (no(name) && no(answer)));
    counts.set(known ?? answer, (counts.get(known ?? answer) ?? 0) + 1);
  }
  const votes = Math.max(0, ...counts.values());
  const [winner] = [...counts].find(([, count]) => count === votes) ?? [''];
  return { winner, p: votes / (notBlankOnly ? answers.filter((answer) => answer !== '').length : answers.length) };
}

test.each<[string, (string | null)[], Record<string, [string | null, number]>]>([
  [
    'five of ten have a box',
    ['1', '1', '1', '1', '2', null, null, null, null, null],
    {
      paper: ['1', 4 / 10], //       a missing box has no vote
      'repo-head': [null, 5 / 10], // "None" wins, and half agree: the most that a question can earn
      'repo-labels': [null, 5 / 10], // and then it is no label
    },
  ],
  [
    'a blank box',
    ['1', '1', '2', ''],
    {
      paper: ['1', 2 / 4],
      'repo-head': ['1', 2 / 4], //   of all m
      'repo-labels': ['1', 2 / 3], // of those that are not blank
    },
  ],
  [
    'two that say no',
    ['no solution', 'There is no answer', '3'],
    {
      paper: ['no solution', 1 / 3],
      'repo-head': ['no solution', 2 / 3],
      'repo-labels': ['no solution', 2 / 3],
    },
  ],
])('%s', (_, answers, expected) => {
  for (const [rule, [label, agreement]] of Object.entries(expected)) {
    const vote = voteBy(rule as VotingRule, answers);
    expect([rule, vote.label, vote.agreement]).toEqual([rule, label, agreement]);
    if (rule === 'paper') continue;
    const { winner, p } = publishedVote(answers, rule === 'repo-labels');
    expect([vote.label ?? 'None', vote.agreement]).toEqual([winner, p]);
  }
});

test('nobody votes', () => {
  expect(voteBy('repo-labels', ['', ''])).toMatchObject({ label: null, votes: 0, samples: 0, agreement: 0 });
  expect(voteBy('paper', [null, ''])).toMatchObject({ label: null, votes: 0, samples: 2, agreement: 0 });
});

test('a tally is what the vote counts', () => {
  const answers = ['1', null, '2', '1', '', null, null];
  expect(tallyBy('paper', answers)).toEqual({
    groups: [
      { label: '1', votes: 2 },
      { label: '2', votes: 1 },
    ],
    uncounted: 0,
    splittable: false,
  });
  expect(tallyBy('repo-labels', answers)).toEqual({
    groups: [
      { label: '1', votes: 2 },
      { label: null, votes: 3 },
      { label: '2', votes: 1 },
    ],
    uncounted: 1,
    splittable: false,
  });
});
