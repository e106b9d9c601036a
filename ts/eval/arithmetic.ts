import { createHash } from 'node:crypto';
import { InvalidArgument } from '../domain/errors.ts';
import { type Random, stream } from '../domain/random.ts';
import { type Chain, chainText, chainValue, parseChain, type Step } from './chain.ts';

/** Most steps of a held-out question; well-posed ones go on to 12. */
export const EXAM_STEPS = 10;

/** The held-out class has 136 questions of one step, which bounds an exam that is even over the lengths. */
const MOST_QUESTIONS = 1000;

const OPERATORS = ['add', 'subtract', 'multiply'] as const;

/** What a question asks for, in numbers. */
export interface Description {
  steps: number;
  additions: number;
  subtractions: number;
  multiplications: number;
}

/** The true answer, two digits; null when the text is not a well-posed problem of the domain. */
export function evaluateQuestion(text: string): string | null {
  const chain = parseChain(text);
  return chain === null ? null : String(chainValue(chain)).padStart(2, '0');
}

/** How long a question is and what it is made of; null when it is not a well-posed problem of the domain. */
export function describe(text: string): Description | null {
  const chain = parseChain(text);
  if (chain === null) return null;
  const count = (operator: Step['operator']) => chain.steps.filter((step) => step.operator === operator).length;
  return {
    steps: chain.steps.length,
    additions: count('add'),
    subtractions: count('subtract'),
    multiplications: count('multiply'),
  };
}

/**
 * Whether a text falls in the held-out sixteenth: the first byte of its SHA-256 (UTF-8) is below 16.
 * The base model's text was made without these questions, by the same rule.
 */
export function isHeldOut(text: string): boolean {
  return (createHash('sha256').update(text, 'utf8').digest()[0] ?? 0) < 16;
}

/**
 * An exam: distinct held-out questions, as many of each length from 1 to 10 steps as `count` allows
 * (the rest goes to the short ones), operators, operands and starts uniform. Questions of 1 to 10 steps
 * alternate, so that every prefix of the exam is even too.
 *
 * @param count 1 to 1000
 * @param seed any safe integer; the same seed gives the same questions
 * @throws InvalidArgument when `count` is out of range
 */
export function heldOutQuestions(count: number, seed: number): string[] {
  if (!Number.isInteger(count) || count < 1 || count > MOST_QUESTIONS) {
    throw new InvalidArgument(`held-out problems: ${count} is not a whole number from 1 to ${MOST_QUESTIONS}`);
  }
  const random = stream(seed, 'exam', 'arithmetic');
  const questions = new Set<string>();
  while (questions.size < count) {
    const text = chainText(drawChain(1 + (questions.size % EXAM_STEPS), random));
    if (isHeldOut(text)) questions.add(text);
  }
  return [...questions];
}

function drawChain(length: number, random: Random): Chain {
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  const start = between(10, 99);
  const steps = Array.from({ length }, () => {
    const operator = OPERATORS[between(0, 2)] ?? 'add';
    return { operator, operand: between(operator === 'multiply' ? 2 : 1, 9) };
  });
  return { start, steps };
}
