import { type Answer, readAnswer } from './answer.ts';
import { isLimit } from './budget.ts';
import { canonical } from './canonical.ts';
import { compareRead } from './compare.ts';
import { type AnswerPolicy, POLICIES } from './policy.ts';

/** Up to so many different texts are compared each with each; of more, only those with equal keys. */
const MAX_PAIRED = 64;

/**
 * A text that answers share only if {@link compareAnswers} calls them equal (to 36 digits of a number); the converse holds
 * but for what a policy adds, as 5 cm and 5.
 */
export function answerKey(text: string, policy: AnswerPolicy = POLICIES.default): string {
  return keyOf(readAnswer(text, policy.repair));
}

function keyOf({ text, meaning }: Answer): string {
  return (meaning === null ? null : canonical(meaning)) ?? `text ${text}`;
}

/**
 * The classes of several answers to one question: equal answers have the same number. Each answer is read once.
 *
 * Equality is not transitive: 5 cm and 5 m are both equal to 5. Answers that are linked by equal ones form one class
 * if each is equal to each; otherwise only those of the same value, kind and unit (the policy `strict`) stay together. So
 * no two answers of a class differ, and the classes do not depend on the order of the answers.
 *
 * @returns for each answer its class: 0, 1, ... in the order of first members; -1 for what cannot vote: nothing but
 *   decoration, and answers beyond the limits of the engine
 */
export function classesOf(answers: readonly string[], policy: AnswerPolicy = POLICIES.default): number[] {
  const texts = [...new Set(answers)].sort();
  const read = texts.map((text) => readAnswer(text, policy.repair)).filter(isVoter);
  const classes = read.length <= MAX_PAIRED ? paired(read, policy) : keyed(read, policy);
  const classOf = new Map(read.map((answer, i) => [answer, classes[i] as number]));
  const byText = new Map(read.map((answer) => [answer.text, classOf.get(answer) as number]));
  const numbers = new Map<number, number>();
  return answers.map((answer) => {
    const found = byText.get(answer) ?? byText.get(answer.trim());
    if (found === undefined) return -1;
    const number = numbers.get(found) ?? numbers.size;
    numbers.set(found, number);
    return number;
  });
}

function isVoter({ text, meaning, refusal }: Answer): boolean {
  if (refusal !== null && isLimit(refusal)) return false;
  if (meaning !== null) return meaning.kind !== 'text' || meaning.words !== '';
  // Something is left beside macros and signs: `\sqrt` and `\left(` say nothing.
  return /[\p{L}\p{N}]/u.test(text.replaceAll(/\\[a-zA-Z]+/g, ''));
}

/** Components of the graph of equal answers, split where not all in one are equal. */
function paired(answers: readonly Answer[], policy: AnswerPolicy): number[] {
  const equal = answers.map((a, i) => answers.map((b, j) => j > i && compareRead(a, b, policy).equal === true));
  const isEqual = (i: number, j: number): boolean => i === j || (equal[Math.min(i, j)]?.[Math.max(i, j)] ?? false);
  const components = united(answers.length, isEqual);
  const clique = (component: number): boolean => {
    const members = answers.map((_, i) => i).filter((i) => components[i] === component);
    return members.every((i) => members.every((j) => isEqual(i, j)));
  };
  const whole = new Map([...new Set(components)].map((component) => [component, clique(component)]));
  const strict = { ...POLICIES.strict, repair: policy.repair };
  return united(answers.length, (i, j) => {
    const [a, b] = [answers[i] as Answer, answers[j] as Answer];
    return isEqual(i, j) && (whole.get(components[i] as number) === true || compareRead(a, b, strict).equal === true);
  });
}

/** Answers with equal keys, confirmed against the first of them. */
function keyed(answers: readonly Answer[], policy: AnswerPolicy): number[] {
  const heads = new Map<string, number[]>();
  return answers.map((answer, i) => {
    const key = keyOf(answer);
    const same = heads.get(key) ?? [];
    const head = same.find((j) => compareRead(answers[j] as Answer, answer, policy).equal === true);
    if (head !== undefined) return head;
    heads.set(key, [...same, i]);
    return i;
  });
}

/** Union-find: for each of `count` the least that it is linked to. */
function united(count: number, linked: (i: number, j: number) => boolean): number[] {
  const parents = Array.from({ length: count }, (_, i) => i);
  const root = (i: number): number => {
    let at = i;
    while (parents[at] !== at) at = parents[at] as number;
    return at;
  };
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      const [a, b] = [root(i), root(j)];
      if (a !== b && linked(i, j)) parents[Math.max(a, b)] = Math.min(a, b);
    }
  }
  return parents.map((_, i) => root(i));
}
