import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VOTING_RULES, type VotingRule, voteBy } from '../../../ts/domain/ballot.ts';
import { type Band, bandFate, type Fate } from '../../../ts/domain/filter.ts';
import { fewestToSettle, settledFate } from '../../../ts/domain/settled.ts';

const PAPER: Band = { center: 0.5, delta: 0.25 };

describe('settledFate, paper, m = 10: kept are 3 to 7 votes', () => {
  const answers = (...counts: number[]) => counts.flatMap((count, i) => new Array<string>(count).fill(String(i)));
  test.each<[string, (string | null)[], Fate | null]>([
    ['eight agree', answers(8), 'too_easy'],
    ['seven agree, three to come', answers(7), null],
    ['seven agree and three say otherwise', answers(7, 3), 'kept'],
    ['five agree, three do not, two to come', answers(5, 3), 'kept'],
    ['six agree, one does not: eight may', answers(6, 1), null],
    ['four and four: the label is open', answers(4, 4), null],
    ['five and three: the first keeps a tie', answers(5, 3), 'kept'],
    ['three and five: the second is first alone', answers(3, 5), null],
    ['nine different ones: two of the tenth is the most', answers(1, 1, 1, 1, 1, 1, 1, 1, 1), 'too_hard'],
    ['eight without a box: there may be none', new Array(8).fill(null), null],
    ['eight without a box, and one answer', [...new Array(8).fill(null), '1'], 'too_hard'],
  ])('%s', (_, given, expected) => {
    expect(settledFate(given, 10, 'paper', PAPER)).toBe(expected);
  });
});

/** What `left` more answers can bring about, by trying all of them. */
function continuations(
  answers: (string | null)[],
  left: number,
  rule: VotingRule,
  band: Band,
  more: string[] = [],
): Set<string> {
  if (left === 0) {
    const vote = voteBy(rule, answers);
    const fate = bandFate(vote, band);
    return new Set([fate === 'kept' ? `kept ${vote.label}` : fate]);
  }
  const choices = [...new Set([...answers, ...more, null, '', ...Array.from({ length: left }, (_, i) => `new ${i}`)])];
  return new Set(choices.flatMap((choice) => [...continuations([...answers, choice], left - 1, rule, band, more)]));
}

test.each(VOTING_RULES)('%s: settled if and only if no continuation differs', (rule) => {
  const answer = fc.constantFrom('1', '2', '3', 'no x', 'no y', null, '');
  let [settled, open] = [0, 0];
  fc.assert(
    fc.property(
      fc.array(answer, { minLength: 0, maxLength: 8 }),
      fc.integer({ min: 0, max: 2 }),
      fc.constantFrom(0.5, 0.55, 0.4),
      fc.constantFrom(0, 0.1, 0.25, 0.4, 0.5),
      (answers, left, center, delta) => {
        const band = { center, delta };
        const fate = settledFate(answers, answers.length + left, rule, band);
        const outcomes = [...continuations(answers, left, rule, band)];
        const label = voteBy(rule, answers).label;
        if (fate === null) {
          open++;
          expect(outcomes.length).toBeGreaterThan(1);
        } else {
          settled++;
          expect(outcomes).toEqual([fate === 'kept' ? `kept ${label}` : fate]);
        }
      },
    ),
    { numRuns: 200 },
  );
  // Neither side may be empty, or nothing was tested.
  expect(Math.min(settled, open)).toBeGreaterThan(10);
});

test('what is settled stays so where answers are equal to two that differ, as 5 is to 5 cm and to 5 m', () => {
  const answer = fc.constantFrom('5', '5', '5 \\text{ cm}', '5 \\text{ m}', '6', null);
  let settled = 0;
  fc.assert(
    fc.property(
      fc.array(answer, { minLength: 3, maxLength: 7 }),
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom(0.1, 0.25, 0.4),
      (answers, left, delta) => {
        const band = { center: 0.5, delta };
        const fate = settledFate(answers, answers.length + left, 'paper', band);
        if (fate === null) return;
        settled++;
        const { label } = voteBy('paper', answers);
        expect([...continuations(answers, left, 'paper', band, ['5 \\text{ m}', '5 \\text{ cm}', '5'])]).toEqual([
          fate === 'kept' ? `kept ${label}` : fate,
        ]);
      },
    ),
    { numRuns: 500 },
  );
  expect(settled).toBeGreaterThan(10);
});

test('seven answers can settle what ten will say, fewer cannot', () => {
  expect(fewestToSettle(10, 'paper', PAPER)).toBe(7);
  // Four agree and three do not, each alone: four to seven in the end.
  expect(settledFate(['1', '1', '1', '1', 'a', 'b', 'c'], 10, 'paper', PAPER)).toBe('kept');
  expect(fewestToSettle(10, 'paper', { center: 0.5, delta: 0.5 })).toBeLessThan(7); // the label alone is open
  expect(fewestToSettle(1, 'paper', PAPER)).toBe(1);
});

test.each(VOTING_RULES)('%s: nothing is settled with fewer', (rule) => {
  const answer = fc.constantFrom('1', '1', '2', '3', 'no x', null, '');
  fc.assert(
    fc.property(
      fc.array(answer, { minLength: 0, maxLength: 9 }),
      fc.constantFrom(0.5, 0.55, 0.2),
      fc.constantFrom(0, 0.1, 0.25, 0.5),
      (answers, center, delta) => {
        const band = { center, delta };
        if (answers.length >= fewestToSettle(10, rule, band)) return;
        expect(settledFate(answers, 10, rule, band)).toBeNull();
      },
    ),
    { numRuns: 300 },
  );
});

test('drawing one answer at a time and stopping when settled says what drawing all does', () => {
  const answer = fc.constantFrom('1', '1', '1', '2', '3', null);
  let spared = 0;
  fc.assert(
    fc.property(fc.array(answer, { minLength: 10, maxLength: 10 }), (answers) => {
      const all = voteBy('paper', answers);
      let n = 0;
      while (settledFate(answers.slice(0, n), 10, 'paper', PAPER) === null) n++;
      const fate = settledFate(answers.slice(0, n), 10, 'paper', PAPER);
      expect(fate).toBe(bandFate(all, PAPER));
      if (fate === 'kept') expect(voteBy('paper', answers.slice(0, n)).label).toBe(all.label);
      spared += 10 - n;
    }),
  );
  expect(spared).toBeGreaterThan(0);
});
