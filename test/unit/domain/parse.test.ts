import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { echoesOf, PARSING_RULES, parseQuestion, publishedBox } from '../../../ts/domain/parse.ts';
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

describe('the published parsers', () => {
  test.each<[string, string, string | null, string | null]>([
    // what, text, question when scored, question when labelled
    ['the last of two', '<question>A</question><question>B</question>\\boxed{1}', 'B', 'B'],
    ['a blank last one is malformed', '<question>A</question><question> </question>\\boxed{1}', null, null],
    ['a second opening tag is text', '<question>A<question>B</question>\\boxed{1}', 'A<question>B', 'A<question>B'],
    ['a missing box passes, is not labelled', '<question>A</question>', 'A', null],
    ['a box that never closes is a missing one', '<question>A</question>\\boxed{1', 'A', null],
    ['a blank box is malformed, is labelled', '<question>A</question>\\boxed{ }', null, 'A'],
    ['a box before the question counts', '\\boxed{1}<question>A</question>', 'A', 'A'],
    ['of two boxes the first closes', '<question>A</question>\\boxed{1} \\boxed{2', 'A', 'A'],
    ['nothing', '', null, null],
  ])('%s', (_, text, scored, labelled) => {
    expect(parseQuestion(text, 'published-reward')?.question ?? null).toBe(scored);
    expect(parseQuestion(text, 'published-questions')?.question ?? null).toBe(labelled);
  });

  test('find what the regular expression does, and nothing is executed', () => {
    const pieces = fc.constantFrom('<question>', '</question>', ' ', 'a', '\n', '<', 'question>', '$(rm)', '`');
    fc.assert(
      fc.property(fc.array(pieces), (parts) => {
        const text = `${parts.join('')}\\boxed{1}`;
        const last = [...text.matchAll(/<question>(.*?)<\/question>/gs)].at(-1)?.[1]?.trim();
        expect(parseQuestion(text, 'published-reward')?.question).toBe(last === '' ? undefined : last);
      }),
    );
  });

  test.each([
    ['\\boxed{ 5 }', '5'],
    ['\\boxed{ }', ''],
    ['none', null],
    ['\\boxed{1} \\boxed{2', null],
    ['\\boxed{\\}', '\\'], // every brace counts
  ])('box of %s', (text, answer) => {
    expect(publishedBox(text)).toBe(answer);
  });
});

describe('a prompt that is repeated', () => {
  const prompt = 'Put the problem between <question> and </question>, and the answer in a box.';
  test.each(PARSING_RULES)('%s: would be a question, and is none when refused', (rule) => {
    const text = `${prompt} \\boxed{1}`;
    expect(parseQuestion(text, rule)?.question).toBe('and');
    expect(parseQuestion(text, rule, echoesOf(prompt))).toBeNull();
    const both = `${prompt}\n<question>Real?</question> \\boxed{1}`;
    expect(parseQuestion(both, rule, echoesOf(prompt))?.question).toBe('Real?');
  });
});

// A quadratic scan of a megabyte takes minutes, a linear one milliseconds; the bound is far from both.
test.each(['{', '}', '\\', '\\boxed{', '<question>', '</question>', '<question></question>', '<question', '\\{'])(
  'a megabyte of %s is read in linear time',
  (piece) => {
    const text = `\\boxed{${piece.repeat(Math.ceil(1e6 / piece.length))}`;
    const seconds = cpuSeconds(() => {
      for (const rule of PARSING_RULES) parseQuestion(`<question>a</question>${text}`, rule);
      publishedBox(text);
      echoesOf(text);
    });
    expect(seconds).toBeLessThan(3);
  },
);
