import { type Random, stream } from '../../domain/random.ts';

/** Sets of questions as a Challenger may write them. */
export const SETS = {
  /** Many kinds in many wordings; some kinds are asked again and again with other numbers. */
  mixed: (n: number, random: Random) => Array.from({ length: n }, () => question(random)),
  /** A Challenger that found one trick: a single kind with other numbers and a few other words. */
  nearDuplicates: (n: number, random: Random) => Array.from({ length: n }, () => oneKind(random)),
  /** Questions without a word in common. */
  noOverlap: (n: number, random: Random) =>
    Array.from({ length: n }, (_, k) =>
      Array.from({ length: 12 + Math.floor(random() * 30) }, (_, word) => `${k}.${word}`).join(' '),
    ),
} as const satisfies Record<string, (n: number, random: Random) => string[]>;

export type SetName = keyof typeof SETS;

/** A set's first n questions; the same for the same name and size. */
export function questions(name: SetName, n: number): string[] {
  return SETS[name](n, stream(1, 'rewards', name));
}

const OPENINGS = ['Find', 'Determine', 'Compute', 'What is', 'Evaluate', 'Work out', 'Give'];
const FRAMES = [
  'Suppose that {v} is a positive integer.',
  'In a small town near the sea, {name} keeps {a} bees.',
  'Consider the sequence that starts with {a} and {b}.',
  '{name} and {other} play a game with {a} cards.',
  'Let ABC be a triangle whose sides are {a}, {b} and {c}.',
  'A box contains {a} red, {b} green and {c} blue balls.',
  'For real numbers {v} and {w} we have {v} + {w} = {a} and {v}{w} = {b}.',
  'A train leaves at {a} o’clock and travels {b} km in {c} minutes.',
  'Define f({v}) = {a}{v}^2 - {b}{v} + {c} on the real numbers.',
  'A committee of {a} members is chosen from {b} women and {c} men.',
  'Points P and Q lie on a circle of radius {a}.',
  'The digits of the number {a}{b}{c} are written on cards.',
];
const MIDDLES = [
  'After {d} days, every {thing} has been moved {a} times.',
  'Each {thing} is counted once, and no {thing} is left over.',
  'It is known that the sum of all {things} is {d}.',
  'Two of the {things} are picked at random without replacement.',
  'The {things} are arranged in a circle so that no two neighbours are equal.',
  'Every second {thing} is then removed until only {d} remain.',
  'Assume further that {w} is divisible by {d}.',
  'No two {things} with the same number may be next to each other, except for the first and the last.',
  'Whenever {v} is a multiple of {a}, the {things} are counted again, and {b} is added to the result.',
  'Among any {a} consecutive {things} there is at least one that is larger than the mean of its two neighbours.',
];
const ENDS = [
  'the number of ways in which this can happen modulo {d}.',
  'the probability that at least one {thing} is chosen.',
  'the remainder when the {ordinal} term is divided by {d}.',
  'the smallest value of {v} for which this is possible.',
  'the area of the region that the {things} enclose.',
  'the largest integer {w} that divides all {things}.',
  'the sum of the squares of all solutions.',
  'how many {things} are left in the end.',
  'the expected number of {things} after {d} rounds.',
];
const WORDS: Readonly<Record<string, readonly string[]>> = {
  v: ['x', 'n', 'm', 'k', 't'],
  w: ['y', 'p', 'q', 'r', 's'],
  name: ['Ana', 'Boris', 'Chen', 'Dalia', 'Emre', 'Fatou', 'Goro'],
  other: ['Hugo', 'Ines', 'Jun', 'Kofi', 'Lena', 'Mira'],
  thing: ['card', 'marble', 'vertex', 'tile', 'coin', 'stamp', 'divisor', 'edge'],
  things: ['cards', 'marbles', 'vertices', 'tiles', 'coins', 'stamps', 'divisors', 'edges'],
  ordinal: ['10th', '50th', '100th', '2024th'],
};

/** Asked again and again with other numbers, as models like to. */
const STOCK = [
  'Find the number of positive integers n less than {d} such that n^2 + {a}n + {b} is a perfect square.',
  'What is the remainder when {a}^{{d}} is divided by {b}?',
  'Find the sum of all positive integers n such that n^2 + {a}n + {b} is divisible by n + {c}.',
  'How many ordered pairs of integers (x, y) satisfy the equation x^2 - {a}y^2 = {d} with x, y at most {b}?',
  'A box contains {a} red, {b} green and {c} blue balls. What is the probability that two balls drawn are of one colour?',
];

/** Three in ten are stock. */
function question(random: Random): string {
  if (random() < 0.3) return fill(pick(STOCK, random), random);
  const end = pick(ENDS, random);
  const middles = Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(MIDDLES, random));
  return fill([pick(FRAMES, random), ...middles, `${pick(OPENINGS, random)} ${end}`].join(' '), random);
}

function oneKind(random: Random): string {
  const kind = pick(['positive', 'odd', 'even', 'distinct positive'], random);
  const bound = pick(['less than {d}', 'at most {d}', 'with n < {d}'], random);
  return fill(
    `Find the number of ${kind} integers n ${bound} such that n^2 + {a}n + {b} is a perfect square and n is divisible by {c}.`,
    random,
  );
}

function fill(template: string, random: Random): string {
  return template.replace(/\{(\w+)\}/g, (_, slot: string) => {
    const words = WORDS[slot];
    if (words !== undefined) return pick(words, random);
    return String(1 + Math.floor(random() * (slot === 'd' ? 1000 : 40)));
  });
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[Math.floor(random() * items.length)] as T;
}
