import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { voteBy } from '../../../ts/domain/ballot.ts';
import { DigestSet, normalizedQuestion } from '../../../ts/domain/digest.ts';
import { InvalidArgument } from '../../../ts/domain/errors.ts';
import { bandFate } from '../../../ts/domain/filter.ts';
import { type CurriculumRule, Gates } from '../../../ts/domain/gates.ts';
import { METHODS } from '../../../ts/domain/published.ts';
import { cpuSeconds } from './cpuSeconds.ts';

const answers = (agreeing: number, others: number, label = '1') => [
  ...new Array<string>(agreeing).fill(label),
  ...Array.from({ length: others }, (_, i) => `${100 + i}`),
];

function through(rule: CurriculumRule, question: string, given: (string | null)[], own: string | null = null) {
  const gates = new Gates(rule);
  const early = gates.beforeAnswers(question);
  if (early !== null) return early;
  const vote = voteBy(rule.voting, given);
  return gates.afterAnswers(bandFate(vote, rule), vote.label, own);
}

describe('paper', () => {
  const rule = METHODS.paper.curriculum;
  test('keeps 3 to 7 of 10, and nothing else matters', () => {
    const kept = Array.from({ length: 10 }, (_, i) => i + 1).filter(
      (votes) => through(rule, 'A box of 证明', answers(votes, 10 - votes, '\\text{m}')) === 'kept',
    );
    expect(kept).toEqual([3, 4, 5, 6, 7]);
  });
});

describe.each(['repo-head', 'repo-2025'] as const)('%s', (name) => {
  const rule = METHODS[name].curriculum;
  test('keeps 3 to 7 of 9', () => {
    const kept = Array.from({ length: 9 }, (_, i) => i + 1).filter(
      (votes) => through(rule, 'q', answers(votes, 9 - votes)) === 'kept',
    );
    expect(kept).toEqual([3, 4, 5, 6, 7]);
  });

  test.each<[string, string, (string | null)[], string]>([
    ['a proof', '证明 this', answers(5, 4), 'question_word'],
    ['a geometry box, in any case', 'A Box has 6 faces', answers(5, 4), 'question_word'],
    ['an answer with units in \\text{}', 'q', answers(5, 4, '5 \\text{ cm}'), 'label_word'],
    ['most have no box: "None" is no label', 'q', [...answers(3, 1), null, null, null, null, null], 'no_label'],
    ['None has a vote in the share: 4 of 9', 'q', [...answers(4, 3), null, null], 'kept'],
    ['blank boxes leave the share: 6 of 7 is above 0.8', 'q', [...answers(6, 1), '', ''], 'too_easy'],
  ])('%s', (_, question, given, fate) => {
    expect(through(rule, question, given)).toBe(fate);
  });
});

describe('options', () => {
  const rule: CurriculumRule = {
    ...METHODS.paper.curriculum,
    maxCharacters: 10,
    duplicates: 'drop',
    ownAnswer: 'must-match',
  };

  test('too long, and the own answer', () => {
    expect(through(rule, 'x'.repeat(11), answers(5, 5), '1')).toBe('too_long');
    expect(through(rule, 'x'.repeat(10), answers(5, 5), '1.0')).toBe('kept');
    expect(through(rule, 'x', answers(5, 5), '2')).toBe('own_answer');
    expect(through(rule, 'x', answers(5, 5))).toBe('own_answer');
    expect(through(rule, 'x', answers(9, 1), '2')).toBe('too_easy');
  });

  test('the first of duplicates counts', () => {
    const gates = new Gates(rule);
    expect(['Is it 1?', ' is  IT 1', 'Is it 2?'].map((question) => gates.beforeAnswers(question))).toEqual([
      null,
      'duplicate',
      null,
    ]);
  });
});

describe('normalizedQuestion', () => {
  test.each([
    ['  What\n is\t1 ? ', 'what is 1'],
    ['ＡＢ１', 'ab1'],
    ['...', ''],
    ['x.y!', 'x.y'],
  ])('%j', (question, expected) => {
    expect(normalizedQuestion(question)).toBe(expected);
  });

  test('is stable, and linear', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const once = normalizedQuestion(text);
        expect(normalizedQuestion(` ${text}\n`)).toBe(once);
      }),
    );
    for (const piece of ['. ', ' ', '?', '\u0130'])
      expect(cpuSeconds(() => normalizedQuestion(`${piece.repeat(500_000)}x`))).toBeLessThan(3);
  });
});

describe('DigestSet', () => {
  test('is a set of texts', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 3 }), { maxLength: 200 }), (texts) => {
        const digests = new DigestSet();
        const set = new Set<string>();
        for (const text of texts) {
          expect(digests.add(text)).toBe(!set.has(text));
          set.add(text);
        }
        expect(digests.size).toBe(set.size);
      }),
    );
  });

  test('50,000 texts that differ in little are 50,000', () => {
    const digests = new DigestSet();
    let fresh = 0;
    for (let i = 0; i < 50_000; i++) if (digests.add(`question ${i}`)) fresh++;
    for (let i = 0; i < 50_000; i += 1000) if (digests.add(`question ${i}`)) fresh++;
    expect(fresh).toBe(50_000);
  });

  test('remembers no more than it may', () => {
    const digests = new DigestSet(2);
    expect(['a', 'b', 'c', 'c', 'a'].map((text) => digests.add(text))).toEqual([true, true, true, true, false]);
    expect(digests.size).toBe(2);
    expect(() => new DigestSet(0)).toThrow(InvalidArgument);
  });
});
