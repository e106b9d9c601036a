import { type Random, stream } from '../domain/random.ts';

const BEGINNINGS = [
  'Let n be a positive integer with exactly {a} divisors and no prime factor above {b}.',
  'In a town by the sea, Ana keeps {a} bees in {b} hives and Boris counts them every evening.',
  'The sides of a triangle ABC are {a}, {b} and {c}, and P is a point on its longest side.',
  'A committee of {a} members is chosen from {b} women and {c} men at random.',
  'For real numbers x and y we have x + y = {a} and xy = {b}.',
  'A train that leaves at noon travels {b} km in {c} minutes and then waits.',
  'Define f(x) = {a}x^2 - {b}x + {c} for all real numbers x.',
  'The digits of the number {a}{b}{c} are written on cards and shuffled well.',
  'Two circles of radius {a} and {b} touch each other from outside at a point Q.',
  'A sequence starts with {a} and {b}, and every further term is the sum of all before it.',
];
const TASKS = [
  'How many different ways are there if no two neighbours may be equal?',
  'Find the remainder when the tenth such number is divided by {d}.',
  'What is the probability that at least one of the {d} is picked twice?',
  'Determine the smallest value for which this is still possible.',
  'Compute the area of the region that these points enclose.',
  'Give the sum of the squares of all solutions modulo {d}.',
  'What is the largest integer that divides all of them?',
  'Work out the expected number that is left after {d} rounds.',
];
/** Asked again and again with other numbers: clusters of the repetition penalty. */
const STOCK = [
  'Find the number of positive integers n less than {d} such that n^2 + {a}n + {b} is a perfect square.',
  'What is the remainder when {a}^{{b}} is divided by {d}?',
];

/** Of the Challenger's texts, how many hold no question, and how many a stock one. */
export const SHARES = { malformed: 0.05, stock: 0.15 } as const;

/** What a Challenger writes: mostly a question in its tags with an answer in a box. */
export function challengerText(random: Random): string {
  if (random() < SHARES.malformed) return 'I cannot think of a problem.';
  const template = random() < SHARES.stock ? pick(STOCK, random) : `${pick(BEGINNINGS, random)} ${pick(TASKS, random)}`;
  const question = template.replace(/\{[abcd]\}/g, () => String(2 + Math.floor(random() * 2000)));
  return `<question>${question}</question> \\boxed{${Math.floor(random() * 100)}}`;
}

/** Wrong answers are as many, equally likely. */
const WRONG = 4;

/**
 * What a Solver answers: a question's one answer with a probability that is the question's own, uniform in [0, 1), else one of
 * a few others. So agreements spread over the whole range, the band's middle included.
 */
export function solverText(question: string, random: Random): string {
  const own = stream(0, 'difficulty', question);
  const knows = random() < own();
  const answer = Math.floor(own() * 900) + 100;
  return `Thus \\boxed{${knows ? answer : answer + 1000 * (1 + Math.floor(random() * WRONG))}}.`;
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[Math.floor(random() * items.length)] as T;
}
