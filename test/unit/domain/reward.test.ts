import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InvalidArgument } from '../../../ts/domain/errors.ts';
import { METHODS } from '../../../ts/domain/published.ts';
import {
  type ChallengerRule,
  challengerReward,
  hasPublishedFormat,
  type Judged,
  solverReward,
  withoutRepetition,
} from '../../../ts/domain/reward.ts';
import { cpuSeconds } from './cpuSeconds.ts';

const paper = METHODS.paper.challenger;
const head = METHODS['repo-head'].challenger;
const repo2025 = METHODS['repo-2025'].challenger;

const judged = (agreement: number, clusterShare: number, more: Partial<Judged> = {}): Judged => ({
  wellFormed: true,
  agreement,
  clusterShare,
  ...more,
});

describe('challengerReward, paper', () => {
  test.each([
    // p, |C|/B, uncertainty, repetition, total
    [0.5, 1 / 8, 1, 0.125, 0.875], //      1 - 2|0| = 1;       1 - 1/8
    [0.75, 1 / 4, 0.5, 0.25, 0.25], //     1 - 2(1/4) = 1/2;   1/2 - 1/4
    [0.25, 1 / 4, 0.5, 0.25, 0.25], //     the same below 1/2
    [0.875, 1 / 2, 0.25, 0.5, 0], //       1/4 - 1/2 < 0, so 0
    [1, 1 / 8, 0, 0.125, 0], //            everybody agrees
    [0, 1 / 8, 0, 0.125, 0], //            nobody boxed an answer
  ])('p = %d, share = %d', (agreement, clusterShare, uncertainty, repetition, total) => {
    const parts = { uncertainty, repetition, format: 1, validity: 1, total };
    expect(challengerReward(judged(agreement, clusterShare), paper)).toEqual(parts);
  });

  test('a malformed text earns 0, whatever else is known', () => {
    const zero = { uncertainty: 0, repetition: 0, format: 0, validity: 0, total: 0 };
    expect(challengerReward({ ...judged(0.5, 0.1), wellFormed: false }, paper)).toEqual(zero);
    expect(challengerReward({ ...judged(Number.NaN, Number.NaN), wellFormed: false }, paper)).toEqual(zero);
  });

  test("the Challenger's own answer is never looked at", () => {
    const wrong = judged(0.5, 0, { label: '7', ownAnswer: '8' });
    expect(challengerReward(wrong, paper)).toEqual(challengerReward(judged(0.5, 0), paper));
  });
});

describe('challengerReward, repo-head', () => {
  test.each([
    // p, |C|/B, uncertainty, repetition, total
    [0.5, 1 / 8, 0.5, 0.125, 0.375], //    min(1/2, 1/2) = 1/2; 1/2 - 1/8: lambda weighs twice the paper's
    [0.75, 1 / 4, 0.25, 0.25, 0], //       min(3/4, 1/4) = 1/4
    [0.875, 1 / 2, 0.125, 0.5, -0.375], // 1/8 - 1/2: no floor
    [1, 1, 0, 1, -1], //                   all agree on one question for the whole batch
    [0, 1 / 4, 0, 0.25, -0.25], //         all boxes blank: nobody votes
  ])('p = %d, share = %d', (agreement, clusterShare, uncertainty, repetition, total) => {
    const parts = { uncertainty, repetition, format: 1, validity: 1, total };
    expect(challengerReward(judged(agreement, clusterShare), head)).toEqual(parts);
  });

  test('a malformed text earns -1 - share', () => {
    // -1 - 1/8
    const parts = { uncertainty: 0, repetition: 0.125, format: 0, validity: 0, total: -1.125 };
    expect(challengerReward({ ...judged(0.5, 1 / 8), wellFormed: false }, head)).toEqual(parts);
  });
});

describe('challengerReward, repo-2025', () => {
  test.each<[string, number, string | null, string | null, 0 | 1]>([
    ['one digit, and both say it', 0.5, '5', '5', 1],
    ['25 is compared by its 5: the right answer fails', 0.5, '25', '25', 0],
    ['and a wrong one passes', 0.5, '5', '25', 1],
    ['of a fraction the closing brace is compared', 0.5, '\\frac{1}{2}', '\\frac{1}{2}', 0],
    ['letter for letter: 5.0 is not 5', 0.5, '5.0', '5', 0],
    ['a missing box is "None", whose last character is e', 0.5, 'e', null, 1],
    ['and not the majority None', 0.5, null, null, 0],
    ['p = 0.1 is not above 0.1', 0.1, '5', '5', 0],
    ['p = 0.2 is', 0.2, '5', '5', 1],
    ['everybody agrees on it', 1, '5', '5', 1],
  ])('%s', (_, agreement, label, ownAnswer, validity) => {
    const reward = challengerReward(judged(agreement, 1 / 8, { label, ownAnswer }), repo2025);
    // Behind the gate min(p, 1 - p) - 1/8; else p is 0: min(0, 1) - 1/8.
    const uncertainty = validity === 1 ? Math.min(agreement, 1 - agreement) : 0;
    expect(reward.validity).toBe(validity);
    expect(reward.uncertainty).toBeCloseTo(uncertainty, 12);
    expect(reward.total).toBeCloseTo(uncertainty - 0.125, 12);
  });
});

test('same-answer, the gate as it was meant: 25 passes in any spelling', () => {
  const rule: ChallengerRule = { ...repo2025, validity: 'same-answer' };
  const validity = (label: string | null, ownAnswer: string | null) =>
    challengerReward(judged(0.5, 0, { label, ownAnswer }), rule).validity;
  expect([validity('25', '25.0'), validity('5', '25'), validity('25', null), validity(null, '25')]).toEqual([
    1, 0, 0, 0,
  ]);
});

/** The three formulas once more, from their descriptions. */
const oracle: Record<keyof typeof METHODS, (input: Judged) => number> = {
  paper: ({ wellFormed, agreement: p, clusterShare: share }) =>
    wellFormed ? Math.max(0, 1 - 2 * Math.abs(p - 1 / 2) - share) : 0,
  'repo-head': ({ wellFormed, agreement: p, clusterShare: share }) => (wellFormed ? Math.min(p, 1 - p) : -1) - share,
  'repo-2025': ({ wellFormed, agreement, clusterShare: share, label, ownAnswer }) => {
    const golden = ownAnswer ?? 'None';
    const p = label === golden[golden.length - 1] && agreement > 0.1 ? agreement : 0;
    return (wellFormed ? Math.min(p, 1 - p) : -1) - share;
  },
};

describe.each(Object.keys(METHODS) as (keyof typeof METHODS)[])('%s', (name) => {
  const rule = METHODS[name].challenger;
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const answer = fc.constantFrom('5', '25', 'e', 'x^2', null);
  const inputs = fc.record({
    wellFormed: fc.boolean(),
    agreement: share,
    clusterShare: share,
    label: answer,
    ownAnswer: answer,
  });

  test('is what its description says, in its range, and the sum of its parts', () => {
    const [least, most] = name === 'paper' ? [0, 1] : [-2, 0.5];
    fc.assert(
      fc.property(inputs, (input) => {
        const { uncertainty, repetition, total, format } = challengerReward(input, rule);
        expect(total).toBeCloseTo(oracle[name](input), 12);
        expect(total).toBeGreaterThanOrEqual(least as number);
        expect(total).toBeLessThanOrEqual(most as number);
        const sum = (format === 0 ? rule.malformed : uncertainty) - repetition;
        expect(total).toBeCloseTo(rule.floor === null ? sum : Math.max(rule.floor, sum), 12);
      }),
    );
  });

  test('p = 1/2 is the maximum, p and 1 - p are worth the same where both are valid, and it falls with the share', () => {
    const valid = { label: '5', ownAnswer: '5' };
    const reward = (p: number, s: number) => challengerReward(judged(p, s, valid), rule).total;
    fc.assert(
      fc.property(share, share, share, (p, a, b) => {
        expect(reward(0.5, a)).toBeGreaterThanOrEqual(reward(p, a));
        if (Math.min(p, 1 - p) > rule.validAbove) expect(reward(1 - p, a)).toBeCloseTo(reward(p, a), 12);
        expect(reward(p, Math.max(a, b))).toBeLessThanOrEqual(reward(p, Math.min(a, b)));
      }),
    );
  });

  test('without the repetition penalty the share does not matter', () => {
    fc.assert(
      fc.property(inputs, share, (input, other) => {
        const of = (clusterShare: number) =>
          challengerReward({ ...input, clusterShare }, withoutRepetition(rule)).total;
        expect(of(other)).toBe(of(input.clusterShare));
      }),
    );
  });

  test('refuses what is no share', () => {
    expect(() => challengerReward(judged(1.5, 0.5), rule)).toThrow(InvalidArgument);
    expect(() => challengerReward(judged(0.5, Number.NaN), rule)).toThrow(/clusterShare is NaN/);
  });
});

describe('solverReward', () => {
  test('in the paper 1 for the pseudo-label in any spelling', () => {
    const reward = (answer: string | null, label: string) =>
      solverReward(`\\boxed{${answer}}`, answer, label, METHODS.paper.solver);
    expect(reward('0.5', '\\frac{1}{2}')).toBe(1);
    expect(reward('0.51', '\\frac{1}{2}')).toBe(0);
    expect(reward(null, 'None')).toBe(0);
    expect(reward('', '')).toBe(0);
  });

  test.each([
    // text, answer, reward for the label 5
    ['\\boxed{5}', '5', 0.9], //                            0.9 + 0: the prompt never asks for the tags
    ['<think>so</think> \\boxed{5}', '5', 1], //            0.9 + 0.1
    ['<think>so</think> \\boxed{6}', '6', 0.1], //          0 + 0.1
    ['<think>so \\boxed{5}</think>', '5', 0.9], //          no box behind the tag
    ['Well, <think>so</think> \\boxed{5}', '5', 0.9], //    something before the tag
    ['no', null, 0],
  ])('published: %s', (text, answer, expected) => {
    expect(solverReward(text, answer, '5', METHODS['repo-head'].solver)).toBeCloseTo(expected, 12);
  });

  test('the published format is that of its regular expression', () => {
    const pieces = fc.constantFrom('<', '>', '/', 'think', '<think>', '</think>', ' ', '\n', '\\boxed{', '}', 'a');
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        const squeezed = text.replace(/\s*(<|>|\/)\s*/g, '$1');
        expect(hasPublishedFormat(text)).toBe(/^<think>.*<\/think>.*\\boxed\{.*\}.*$/s.test(squeezed));
      }),
      { numRuns: 2000 },
    );
  });

  test.each(['<', '< ', '</', '<think>', '</think>', '\\boxed{', ' '])('a megabyte of %s takes no time', (piece) => {
    const text = `<think>${piece.repeat(Math.ceil(1e6 / piece.length))}`;
    expect(cpuSeconds(() => hasPublishedFormat(text))).toBeLessThan(3);
  });
});
