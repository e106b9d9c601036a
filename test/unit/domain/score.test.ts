import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { averageLinkage, clusterShares } from '../../../ts/domain/clusters.ts';
import { InvalidArgument } from '../../../ts/domain/errors.ts';
import { parseProposals } from '../../../ts/domain/prompts.ts';
import { METHODS } from '../../../ts/domain/published.ts';
import type { ChallengerRule } from '../../../ts/domain/reward.ts';
import { type Proposal, requireTotals, scoreBatch, withTotals } from '../../../ts/domain/score.ts';

type Line = [text: string, answers: (string | null)[]];

const batchOf = (lines: readonly Line[], rule: ChallengerRule): Proposal[] => {
  const parsed = parseProposals(
    lines.map(([text]) => text),
    rule,
  );
  return lines.map(([text, answers], i) => {
    const own = parsed[i] ?? null;
    return { text, parsed: own, answers: own === null ? [] : answers };
  });
};

const totals = (lines: readonly Line[], rule: ChallengerRule): number[] =>
  scoreBatch(batchOf(lines, rule), rule).map(({ reward }) => reward.total);

const agree = (votes: number, label = '5', m = 10): string[] =>
  Array.from({ length: m }, (_, i) => (i < votes ? label : `${100 + i}`));

/** One batch of eight that holds the odd cases, and what each rule pays. */
const ODD: [string, string, (string | null)[], paper: number, head: number, repo2025: number][] = [
  // Two questions with the same words: a cluster of 2 of 8, so a share of 1/4. The others: 1/8.
  [
    'twins, half agree',
    '<question>one two three four five</question>\\boxed{5}',
    agree(5),
    1 - 1 / 4,
    1 / 2 - 1 / 4,
    1 / 2 - 1 / 4,
  ], //                          label 5 is the last character of 5
  [
    'twins, half agree, own answer 25',
    '<question>one two three four five</question>\\boxed{25}',
    agree(5, '25'),
    1 - 1 / 4,
    1 / 2 - 1 / 4,
    0 - 1 / 4,
  ], //                              label 25 is not "5"
  ['no question', 'nothing to see \\boxed{5}', [], 0, -1 - 1 / 8, -1 - 1 / 8], //                                        a cluster of its own
  [
    'blank own box',
    '<question>alpha beta gamma delta</question>\\boxed{ }',
    agree(5),
    1 - 1 / 8,
    -1 - 1 / 8,
    -1 - 1 / 8,
  ], //                                malformed in the code
  ['no own box', '<question>red green blue yellow</question>', agree(5, 'e'), 1 - 1 / 8, 1 / 2 - 1 / 8, 1 / 2 - 1 / 8], //                          "None" ends in e
  [
    'half have no box',
    '<question>iron copper silver gold</question>\\boxed{7}',
    [...agree(2, '7', 5), null, null, null, null, null],
    2 * (2 / 10) - 1 / 8,
    1 / 2 - 1 / 8,
    0 - 1 / 8,
  ], //                   "None" has 5 of 10; the gate wants 7
  ['all agree', '<question>north south east west</question>\\boxed{5}', agree(10), 0, 0 - 1 / 8, 0 - 1 / 8], //                                          max(0, 0 - 1/8); min(1, 0) - 1/8
  [
    'two questions',
    '<question>first words are here</question><question>second words stand there</question>\\boxed{5}',
    agree(8),
    0.4 - 1 / 8,
    0.2 - 1 / 8,
    0.2 - 1 / 8,
  ], //                            1 - 2(0.3); min(0.8, 0.2)
];

describe('the odd cases, by hand', () => {
  test.each([
    ['paper', 3],
    ['repo-head', 4],
    ['repo-2025', 5],
  ] as const)('%s', (name, column) => {
    const lines = ODD.map(([, text, answers]): Line => [text, answers]);
    const found = totals(lines, METHODS[name].challenger);
    for (const [i, row] of ODD.entries()) expect([row[0], found[i]]).toEqual([row[0], expect.closeTo(row[column], 12)]);
  });

  test('which of two questions it is', () => {
    const two: Line[] = [[ODD[7]?.[1] as string, agree(8)]];
    const asked = (name: keyof typeof METHODS) =>
      batchOf(two, METHODS[name].challenger).map(({ parsed }) => parsed?.question);
    expect([asked('paper'), asked('repo-head')]).toEqual([['first words are here'], ['second words stand there']]);
  });
});

test('remembered questions count in the clusters, the latest ones, as many as the rule says', () => {
  const question = 'A train leaves the station with twelve people';
  const lines: Line[] = [
    [`<question>${question}</question>`, agree(5)],
    ['<question>How many apples are in that old basket</question>', agree(5)],
  ];
  const remembering = (memory: number): ChallengerRule => ({
    ...METHODS.paper.challenger,
    repetition: { ...METHODS.paper.challenger.repetition, memory },
  });
  const shares = (memory: number, remembered: string[]) =>
    scoreBatch(batchOf(lines, remembering(memory)), remembering(memory), remembered).map((one) => one.clusterShare);
  const other = 'Something else that nobody has asked before today';
  expect(shares(0, [question])).toEqual([1 / 2, 1 / 2]);
  expect(shares(1, [question])).toEqual([1, 1 / 2]);
  expect(shares(1, [question, other])).toEqual([1 / 2, 1 / 2]);
  expect(shares(2, [question, other])).toEqual([1, 1 / 2]);
});

test('an empty batch has no rewards', () => {
  expect(scoreBatch([], METHODS['repo-head'].challenger)).toEqual([]);
});

describe.each(Object.keys(METHODS) as (keyof typeof METHODS)[])('%s', (name) => {
  const rule = METHODS[name].challenger;
  // Questions without a word in common, so that similarity is 0 or 1 in both directions.
  const line = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 10 })).map(
    ([topic, votes]): Line => [
      topic === 5
        ? 'malformed'
        : `<question>${'abcd'
            .split('')
            .map((letter) => `${letter}${topic}`)
            .join(' ')}</question>\\boxed{5}`,
      agree(votes),
    ],
  );
  const lines = fc.array(line, { minLength: 1, maxLength: 8 });

  test('a copy of a question never raises its reward where the other clusters stay as they are', () => {
    fc.assert(
      fc.property(lines, fc.nat(), (batch, pick) => {
        const i = pick % batch.length;
        fc.pre(batch[i]?.[0] !== 'malformed');
        const before = totals(batch, rule)[i] as number;
        const after = totals([...batch, batch[i] as Line], rule)[i] as number;
        expect(after).toBeLessThanOrEqual(before + 1e-12);
      }),
    );
  });

  test('the order of the batch does not matter where the similarity is symmetric', () => {
    fc.assert(
      fc.property(lines, (batch) => {
        const there = totals(batch, rule);
        const back = totals(batch.toReversed(), rule).toReversed();
        there.forEach((total, i) => {
          expect(total).toBeCloseTo(back[i] as number, 12);
        });
      }),
    );
  });
});

test('with average linkage a copy can raise a reward: it weighs in the mean that keeps a third question out', () => {
  // d(k,l) = 0.2, d(k,z) = 0.65, d(l,z) = 0.3. Without a copy k and l join, then z: (0.65 + 0.3) / 2 < 0.5; a share of 1.
  const alone = clusterShares(averageLinkage(Float64Array.of(0.2, 0.65, 0.3), 3, 0.5));
  // With k' at 0 from k: (0.65 + 0.65 + 0.3) / 3 > 0.5, so z stays out; a share of 3/4. Pairs k k', k l, k z, k' l, ...
  const copied = clusterShares(averageLinkage(Float64Array.of(0, 0.2, 0.65, 0.2, 0.65, 0.3), 4, 0.5));
  expect([alone[0], copied[0]]).toEqual([1, 3 / 4]);
});

test('BLEU is one way: whose turn it is to be the hypothesis decides', () => {
  const short = 'a b c d e f g h';
  const long = `${short} i j k l m n`;
  const shares = (...questions: string[]) =>
    scoreBatch(
      questions.map((question) => ({ text: '', parsed: { question, answer: null }, answers: [] })),
      METHODS.paper.challenger,
    ).map(({ clusterShare }) => clusterShare);
  // Short against long: precision 1, brevity exp(1 - 14/8) = 0.472, so d = 0.528, apart.
  expect(shares(short, long)).toEqual([0.5, 0.5]);
  // Long against short: (8/14 7/13 6/12 5/11)^(1/4) = 0.514, so d = 0.486, together.
  expect(shares(long, short)).toEqual([1, 1]);
});

describe("a user's totals", () => {
  const [scored] = scoreBatch([{ text: '', parsed: null, answers: [] }], METHODS.paper.challenger);
  test('replace the totals, and nothing else', () => {
    const [own] = withTotals([scored as NonNullable<typeof scored>], [3]);
    expect(own).toEqual({ ...scored, reward: { ...scored?.reward, total: 3 } });
    expect(requireTotals(Float32Array.of(1, 2), 2)).toEqual([1, 2]);
  });

  test.each<[unknown, RegExp]>([
    [undefined, /returned undefined/],
    ['1', /returned "1"/],
    [[], /0 rewards for 1 proposals/],
    [[1, 2], /2 rewards for 1/],
    [[Number.NaN], /reward 0 is NaN/],
    [[Number.POSITIVE_INFINITY], /reward 0 is Infinity/],
    [['1'], /reward 0 is "1"/],
    [[{ total: 1 }], /reward 0 is an object/],
    [[null], /reward 0 is null/],
  ])('%j is refused', (value, message) => {
    expect(() => requireTotals(value, 1)).toThrow(InvalidArgument);
    expect(() => requireTotals(value, 1)).toThrow(message);
  });
});
