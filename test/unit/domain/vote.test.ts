import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { answerKey } from '../../../ts/domain/answer.ts';
import { majorityVote, VOTE_RULES } from '../../../ts/domain/vote.ts';

describe('majorityVote', () => {
  test('counts equal answers together and keeps the first spelling', () => {
    // 1/2, 0.5 and \frac{1}{2} are one group of 3; 3 makes a second; one has no box: 3 of 5.
    expect(majorityVote(['1/2', '3', '0.5', null, '\\frac{1}{2}'])).toEqual({
      classes: [
        { kind: 'answer', answer: '1/2', members: [0, 2, 4] },
        { kind: 'answer', answer: '3', members: [1] },
        { kind: 'no-box', answer: null, members: [3] },
      ],
      label: '1/2',
      votes: 3,
      samples: 5,
      agreement: 0.6,
      unboxed: 1,
      groups: 2,
    });
  });

  test('a missing box never wins, yet counts in the denominator', () => {
    expect(majorityVote([null, null, null, '7'])).toMatchObject({ label: '7', votes: 1, agreement: 0.25, unboxed: 3 });
  });

  test('nobody boxed: no label, no agreement', () => {
    const none = { label: null, votes: 0, agreement: 0, groups: 0 };
    expect(majorityVote([null, null])).toMatchObject({ ...none, samples: 2, unboxed: 2 });
    expect(majorityVote([])).toEqual({ ...none, samples: 0, unboxed: 0, classes: [] });
  });

  test('of equal groups the one that comes first wins', () => {
    expect(majorityVote(['2', '1', '1', '2']).label).toBe('2');
    expect(majorityVote(['3', '1', '2', '2', '1']).label).toBe('1');
  });

  test('the word None is an answer, not a missing one', () => {
    expect(majorityVote(['None', 'None', null])).toMatchObject({ votes: 2, unboxed: 1 });
  });

  test('what is no answer has no vote, counts in m, and is reported by kind', () => {
    const long = 'x'.repeat(4097);
    const vote = majorityVote(['', long, ' ', '7', null, long]);
    expect(vote).toMatchObject({ label: '7', votes: 1, samples: 6, agreement: 1 / 6, groups: 1, unboxed: 1 });
    expect(vote.classes.map(({ kind, members }) => [kind, members])).toEqual([
      ['empty', [0, 2]],
      ['over-long', [1, 5]],
      ['answer', [3]],
      ['no-box', [4]],
    ]);
  });

  describe('rules of the published code', () => {
    const vote = (rules: keyof typeof VOTE_RULES, ...answers: (string | null)[]) =>
      majorityVote(answers, { rules: VOTE_RULES[rules] });

    test('a missing box votes for "None" and can win; its share is of all', () => {
      const expected = { label: null, votes: 3, samples: 5, agreement: 0.6, unboxed: 3, groups: 1 };
      expect(vote('repo-head', null, '7', null, 'None', '')).toMatchObject(expected);
      expect(vote('repo-2025', null, '7', null, 'None', '')).toMatchObject(expected);
      expect(vote('paper', null, '7', null, '7', '')).toMatchObject({ label: '7', agreement: 0.4 });
    });

    test('labels: the share is of the samples that are not blank', () => {
      expect(vote('repo-labels', '7', '7', '', '', '3')).toMatchObject({ label: '7', samples: 3, agreement: 2 / 3 });
    });

    test('any two answers that contain "no " are one', () => {
      const two = ['no solution', 'There is no answer', '1'];
      expect(vote('repo-head', ...two)).toMatchObject({ label: 'no solution', votes: 2, groups: 2 });
      expect(vote('paper', ...two)).toMatchObject({ votes: 1, groups: 3 });
    });
  });

  const answers = fc.array(fc.constantFrom('1', '1.0', '2', '4/2', 'x', 'X', null), { maxLength: 12 });

  test('the order of samples changes no count, and the label only in a tie', () => {
    const cases = answers.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length })),
    );
    fc.assert(
      fc.property(cases, ([list, reordered]) => {
        const { label: before, classes: _, ...counts } = majorityVote(list);
        const { label: after, classes: __, ...sameCounts } = majorityVote(reordered);
        expect(sameCounts).toEqual(counts);
        const sizes = new Map<string, number>();
        for (const answer of list) {
          if (answer !== null) sizes.set(answerKey(answer), (sizes.get(answerKey(answer)) ?? 0) + 1);
        }
        const tied = [...sizes.values()].filter((size) => size === counts.votes).length > 1;
        if (!tied && before !== null) expect(answerKey(after ?? '')).toBe(answerKey(before));
      }),
    );
  });

  test('no answer has more votes than the label', () => {
    fc.assert(
      fc.property(answers, (list) => {
        const vote = majorityVote(list);
        for (const answer of list) {
          if (answer === null) continue;
          const size = list.filter((other) => other !== null && answerKey(other) === answerKey(answer)).length;
          expect(size).toBeLessThanOrEqual(vote.votes);
        }
      }),
    );
  });
});
