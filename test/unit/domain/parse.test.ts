import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseQuestion } from '../../../ts/domain/parse.ts';
import { cpuSeconds } from './cpuSeconds.ts';

describe('parseQuestion', () => {
  test('reads question and box', () => {
    const text = 'Let me think.\n<question>\nWhat is $1 + 1$?\n</question>\nAnswer: \\boxed{2}';
    expect(parseQuestion(text)).toEqual({ question: 'What is $1 + 1$?', answer: '2' });
  });

  test.each([
    ['no tags', 'What is 1 + 1? \\boxed{2}'],
    ['no closing tag', '<question>What is 1 + 1?'],
    ['no opening tag', 'What is 1 + 1?</question>'],
    ['tags the wrong way round', '</question>What?<question>'],
    ['blank', '<question> \n\t </question>'],
    ['other case', '<Question>What?</Question>'],
    ['nothing', ''],
  ])('is null for: %s', (_, text) => {
    expect(parseQuestion(text)).toBeNull();
  });

  test('takes the first well-formed pair', () => {
    expect(parseQuestion('<question>A</question><question>B</question>')?.question).toBe('A');
    expect(parseQuestion('<question> </question> <question>B</question>')?.question).toBe('B');
    expect(parseQuestion('</question><question>A</question>')?.question).toBe('A');
  });

  test('takes the innermost of nested tags, so its question never holds one', () => {
    expect(parseQuestion('I use <question> tags. <question>A</question>')?.question).toBe('A');
    expect(parseQuestion('<question>A<question>B</question>C</question>')?.question).toBe('B');
  });

  test('only a box after the question is its answer', () => {
    expect(parseQuestion('\\boxed{1} <question>A \\boxed{2}</question>')).toEqual({
      question: 'A \\boxed{2}',
      answer: null,
    });
  });

  test('never throws, and never returns a blank or a tag', () => {
    const pieces = fc.constantFrom('<question>', '</question>', ' ', 'a', '\\boxed{', '}', '<', 'question>');
    fc.assert(
      fc.property(fc.array(pieces), (parts) => {
        const parsed = parseQuestion(parts.join(''));
        if (parsed === null) return;
        expect(parsed.question.trim()).not.toBe('');
        expect(parsed.question).not.toMatch(/<\/?question>/);
      }),
    );
  });
});

// A quadratic scan of a megabyte takes minutes, a linear one milliseconds; the bound is far from both.
test.each(['{', '}', '\\', '\\boxed{', '<question>', '</question>', '<question></question>', '<question', '\\{'])(
  'a megabyte of %s is read in linear time',
  (piece) => {
    const text = `\\boxed{${piece.repeat(Math.ceil(1e6 / piece.length))}`;
    const seconds = cpuSeconds(() => parseQuestion(text));
    expect(seconds).toBeLessThan(3);
  },
);
