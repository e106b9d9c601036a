import { describe, EXAM_STEPS, evaluateQuestion, heldOutQuestions } from '../eval/arithmetic.ts';
import type { Item } from './benchmark.ts';
import type { ArithmeticSource, Description } from './description.ts';

/** The run's exam asks as many, and draws as many answers to each. */
const COMMON = {
  group: 'embedded',
  prompt: 'solver',
  extraction: 'boxed',
  metric: 'mean',
  samples: 4,
  maxTokens: 64,
} as const;

/** Of an equal share of each length among 1000 questions. */
const OF_A_LENGTH = 1000 / EXAM_STEPS;

/**
 * The embedded domain's suites, on questions that no base text contains: `arithmetic` asks what a run's exam asks,
 * `arithmetic-N` questions of N steps alone, which it draws for itself.
 */
export const EMBEDDED: readonly Description[] = [
  {
    name: 'arithmetic',
    title: 'Arithmetic',
    ...COMMON,
    source: { problems: 640, seed: 0 },
    items: 640,
  },
  ...Array.from({ length: EXAM_STEPS }, (_, index) => ({
    name: `arithmetic-${index + 1}`,
    title: `Arithmetic, ${index + 1} step${index === 0 ? '' : 's'}`,
    ...COMMON,
    source: { problems: 1000, seed: 1, steps: index + 1 },
    items: OF_A_LENGTH,
  })),
];

/** Questions with their true answers; how many steps one has is its category. */
export function arithmeticItems({ problems, seed, steps }: ArithmeticSource): Item[] {
  const items = heldOutQuestions(problems, seed).map((question) => ({
    question,
    answer: evaluateQuestion(question) ?? '',
    steps: describe(question)?.steps ?? 0,
  }));
  return items
    .filter((item) => steps === undefined || item.steps === steps)
    .map(({ question, answer, steps: count }, index) => ({
      id: String(index + 1),
      question,
      answer,
      category: `${count} step${count === 1 ? '' : 's'}`,
    }));
}
