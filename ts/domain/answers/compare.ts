import { type Answer, readAnswer } from './answer.ts';
import { Budget, isLimit } from './budget.ts';
import { functionName } from './labels.ts';
import type { InequalityPart, Meaning, Quantity } from './meaning.ts';
import { assigned, better, covered, inOrder, isSolutions, matched, unlabelled, worse } from './members.ts';
import { type AnswerPolicy, POLICIES } from './policy.ts';
import { compareQuantities, type Rules } from './quantity.ts';
import { sameRegion } from './region.ts';
import { type Outcome, proportional, refusalOf } from './scalar.ts';
import { asRegion } from './sets.ts';
import { formulaText, isFormula, isUnsupported, wordText } from './texts.ts';
import { isZeroValue } from './value.ts';

/** What a comparison found. */
export interface Verdict {
  /** null: undecided. */
  equal: boolean | null;
  /**
   * One stable word. Equal: `text` (the same characters or words), `value`, `decimal`, `percent`, `degrees`, `base`,
   * `members`, `region`, `equation`, `choice`. Different: `value`, `kind`, `size`, `bracket`, `unit`, `label`, `base`,
   * `text`, `unreduced`, `members`, `region`, `equation`, `choice`. Undecided: a reason of RefusalReason.
   */
  reason: string;
}

/**
 * Are two answers the same? Both are bare answers: what was in the box. Never throws; bounded work (see LIMITS), so the
 * verdict depends on the two texts and the policy alone.
 */
export function compareAnswers(gold: string, prediction: string, policy: AnswerPolicy = POLICIES.default): Verdict {
  return compareRead(readAnswer(gold, policy.repair), readAnswer(prediction, policy.repair), policy);
}

/** Are two answers certainly the same? Undecided is no. */
export function sameAnswer(a: string, b: string, policy: AnswerPolicy = POLICIES.default): boolean {
  return a === b || compareAnswers(a, b, policy).equal === true;
}

/** {@link compareAnswers} of answers that were read before, with the same `repair`. */
export function compareRead(a: Answer, b: Answer, policy: AnswerPolicy): Verdict {
  if (a.text === b.text) return { equal: true, reason: 'text' };
  for (const { refusal } of [a, b]) if (refusal !== null && isLimit(refusal)) return { equal: null, reason: refusal };
  if (a.meaning === null || b.meaning === null) {
    const [textA, textB] = [formulaText(a.text), formulaText(b.text)];
    if (textA === textB && textA !== '') return { equal: true, reason: 'text' };
    if ([a, b].some(({ meaning, text }) => meaning === null && isUnsupported(text))) {
      return { equal: null, reason: 'unsupported' };
    }
    const open = a.meaning === null && b.meaning === null && isFormula(a.text) && isFormula(b.text);
    return open ? { equal: null, reason: 'syntax' } : { equal: false, reason: 'syntax' };
  }
  const [meaningA, meaningB] = [a.meaning, b.meaning];
  const verdict = verdictOr(() => compareMeanings(meaningA, meaningB, { ...policy, budget: new Budget() }));
  // 1000,99 is a list, unless it is to be the number 1000.99.
  for (const [comma, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const number = comma.alternative;
    if (
      number === null ||
      other.meaning?.kind !== 'quantity' ||
      other.meaning.decimal === null ||
      verdict.equal === true
    )
      continue;
    const { meaning } = other;
    return verdictOr(() => compareMeanings(number, meaning, { ...policy, budget: new Budget() }));
  }
  if (verdict.equal === true || (a.meaning.kind !== 'text' && b.meaning.kind !== 'text')) return verdict;
  const [wordsA, wordsB] = [wordText(a.text), wordText(b.text)];
  return wordsA === wordsB && wordsA.length > 1 ? { equal: true, reason: 'text' } : verdict;
}

function verdictOr(work: () => Verdict): Verdict {
  const verdict = refusalOf(work);
  return typeof verdict === 'string' ? { equal: null, reason: verdict } : verdict;
}

/** The verdict on two meanings; symmetric. */
export function compareMeanings(a: Meaning, b: Meaning, rules: Rules): Verdict {
  if (a.kind === 'choice' || b.kind === 'choice') return compareChoices(a, b, rules);
  if (a.kind === 'labelled' || b.kind === 'labelled') return compareLabelled(a, b, rules);
  if (a.kind === b.kind) return compareKind(a, b, rules);
  return compareKinds(a, b, rules) ?? compareKinds(b, a, rules) ?? { equal: false, reason: 'kind' };
}

// Two of one kind

function compareKind(a: Meaning, b: Meaning, rules: Rules): Verdict {
  if (a.kind === 'quantity' && b.kind === 'quantity') return compareQuantities(a, b, rules);
  if (a.kind === 'sequence' && b.kind === 'sequence') return compareSequences(a, b, rules);
  if (a.kind === 'collection' && b.kind === 'collection') return compareCollections(a, b, rules);
  if (a.kind === 'matrix' && b.kind === 'matrix') {
    const shapes = [a, b].map(({ rows }) => `${rows.length}x${rows[0]?.length}`);
    if (shapes[0] !== shapes[1]) return { equal: false, reason: 'size' };
    return inOrder(a.rows.flat(), b.rows.flat(), rules);
  }
  if (a.kind === 'ratio' && b.kind === 'ratio') {
    if (a.unit !== '' && b.unit !== '' && a.unit !== b.unit) return { equal: false, reason: 'unit' };
    const [x, y] = [ratioValue(a), ratioValue(b)];
    if (rules.ratioByValue && x !== null && y !== null) return compareQuantities(x, y, rules);
    return inOrder(a.items, b.items, rules);
  }
  if (a.kind === 'region' && b.kind === 'region') {
    if (a.variable !== null && b.variable !== null && a.variable !== b.variable && rules.labels !== 'ignore') {
      return { equal: false, reason: 'label' };
    }
    if ((a.variable === null) !== (b.variable === null) && !rules.inequalityAsInterval)
      return { equal: false, reason: 'kind' };
    return decided(sameRegion(a.region, b.region), 'region');
  }
  if (a.kind === 'equation' && b.kind === 'equation')
    return verdictOf(proportional(a.difference, b.difference, false), 'equation');
  if (a.kind === 'inequality' && b.kind === 'inequality') {
    return compareInequalities(a.parts, b.parts);
  }
  if (a.kind === 'infinity' && b.kind === 'infinity') return { equal: a.sign === b.sign, reason: 'value' };
  if (a.kind === 'text' && b.kind === 'text') return { equal: a.words === b.words && a.words !== '', reason: 'text' };
  return { equal: false, reason: 'kind' };
}

/** Chains have few parts, each compared with that of the same place; x < y < z and z > y > x are one. */
function compareInequalities(a: readonly InequalityPart[], b: readonly InequalityPart[]): Verdict {
  if (a.length !== b.length) return { equal: false, reason: 'size' };
  const verdicts = [b, [...b].reverse()].map((parts) => {
    const each = a.map((part, i) => comparePart(part, parts[i] as InequalityPart));
    return (
      each.find(({ equal }) => equal === false) ??
      each.find(({ equal }) => equal === null) ?? { equal: true, reason: 'equation' }
    );
  });
  return (
    verdicts.find(({ equal }) => equal === true) ??
    verdicts.find(({ equal }) => equal === null) ?? { equal: false, reason: 'equation' }
  );
}

function comparePart(x: InequalityPart, y: InequalityPart): Verdict {
  if (x.relation !== y.relation) return { equal: false, reason: 'equation' };
  return verdictOf(proportional(x.difference, y.difference, x.relation !== '!='), 'equation');
}

type Sequence = Extract<Meaning, { kind: 'sequence' }>;
type Labelled = Extract<Meaning, { kind: 'labelled' }>;
type Collection = Extract<Meaning, { kind: 'collection' }>;

function compareSequences(a: Sequence, b: Sequence, rules: Rules): Verdict {
  if (a.items.length !== b.items.length) return { equal: false, reason: 'size' };
  const vectors = (a.open === '<') !== (b.open === '<');
  const tuple = a.open === '<' ? b : a;
  const brackets = vectors
    ? rules.vectorAsTuple && tuple.open === '(' && tuple.close === ')'
    : a.open === b.open && a.close === b.close;
  return brackets ? inOrder(a.items, b.items, rules) : { equal: false, reason: 'bracket' };
}

function compareCollections(a: Collection, b: Collection, rules: Rules): Verdict {
  if (a.braces !== b.braces && !rules.setAsList) return { equal: false, reason: 'kind' };
  const [valuesA, valuesB] = [assigned(a), assigned(b)];
  if ((valuesA === null) !== (valuesB === null)) {
    const [given, list] = valuesA === null ? [b, a] : [a, b];
    const sorted = inOrder(valuesA ?? a.items, valuesB ?? b.items, rules);
    return sorted.equal === true ? sorted : better(sorted, inOrder(given.items.map(unlabelled), list.items, rules));
  }
  const repeats = a.braces || b.braces || (isSolutions(a) && isSolutions(b));
  if (!repeats && a.items.length !== b.items.length) return { equal: false, reason: 'size' };
  if (!repeats) return worse(matched(a.items, b.items, rules), matched(b.items, a.items, rules));
  // In a set a member may be written twice, and so may a point among solutions.
  const [there, back] = [covered(a.items, b.items, rules), covered(b.items, a.items, rules)];
  return worse(there, back);
}

// Two kinds

/** The verdict where `a` can be read as what `b` is; null where it cannot. */
function compareKinds(a: Meaning, b: Meaning, rules: Rules): Verdict | null {
  if (a.kind === 'region') {
    const region = b.kind === 'sequence' || b.kind === 'collection' ? asRegion(b) : null;
    if (region !== null && (a.variable === null || rules.inequalityAsInterval))
      return decided(sameRegion(a.region, region), 'region');
  }
  if (a.kind === 'collection') {
    const values = b.kind === 'sequence' && rules.tupleAsAssignments ? assigned(a) : null;
    if (b.kind === 'sequence' && values !== null && b.open !== '[' && b.close !== ']')
      return inOrder(values, b.items, rules);
    if (b.kind === 'sequence' && rules.tupleAsList && !a.braces) return inOrder(a.items, b.items, rules);
    const [only] = a.items;
    if (a.items.length === 1 && only !== undefined && rules.setAsList) return compareMeanings(only, b, rules);
    // 2 ± 0
    if (a.braces && b.kind === 'quantity' && rules.setAsList) return covered(a.items, [b], rules);
  }
  // 10:00 am and 10 am
  if (a.kind === 'ratio' && b.kind === 'quantity' && (b.unit === 'am' || b.unit === 'pm') && a.items.length === 2) {
    const [hour, minutes] = a.items as [Meaning, Meaning];
    const value = minutes.kind === 'quantity' ? minutes.scalar.value : null;
    if (hour.kind !== 'quantity' || minutes.kind !== 'quantity' || value === null || isZeroValue(value) !== true)
      return null;
    return compareQuantities({ ...hour, unit: minutes.unit, knownUnit: minutes.knownUnit }, b, rules);
  }
  if (a.kind === 'ratio' && b.kind === 'quantity' && rules.ratioByValue) {
    const value = ratioValue(a);
    return value === null ? null : compareQuantities(value, b, rules);
  }
  return null;
}

/** 2:14 as 2/14. */
function ratioValue({ items }: Extract<Meaning, { kind: 'ratio' }>): Quantity | null {
  const [first, second] = items;
  if (items.length !== 2 || first?.kind !== 'quantity' || second?.kind !== 'quantity') return null;
  return { ...first, scalar: first.scalar.over(second.scalar), decimal: null };
}

function compareLabelled(a: Meaning, b: Meaning, rules: Rules): Verdict {
  if (a.kind === 'labelled' && b.kind === 'labelled') {
    if (sameLabel(a, b) || rules.labels === 'ignore') return compareMeanings(a.value, b.value, rules);
    if (a.equation === null || b.equation === null || a.equation.constant) return { equal: false, reason: 'label' };
    const verdict = verdictOf(proportional(a.equation, b.equation, false), 'equation');
    return verdict.equal === false ? { equal: false, reason: 'label' } : verdict;
  }
  const [labelled, other] = a.kind === 'labelled' ? [a, b] : [b as Extract<Meaning, { kind: 'labelled' }>, a];
  if (other.kind === 'equation') {
    return labelled.equation === null
      ? { equal: false, reason: 'kind' }
      : verdictOf(proportional(labelled.equation, other.difference, false), 'equation');
  }
  return rules.labels === 'strict' ? { equal: false, reason: 'label' } : compareMeanings(labelled.value, other, rules);
}

/** f(x) = 1 and f(n) = 1 say the same: the values do not speak of what f is applied to. */
function sameLabel(a: Labelled, b: Labelled): boolean {
  if (a.label === b.label) return true;
  const name = functionName(a.label);
  return name !== null && name === functionName(b.label) && isConstant(a.value) && isConstant(b.value);
}

function isConstant(meaning: Meaning): boolean {
  if (meaning.kind === 'collection') return meaning.items.every(isConstant);
  return meaning.kind === 'quantity' && meaning.scalar.constant;
}

function compareChoices(a: Meaning, b: Meaning, rules: Rules): Verdict {
  if (a.kind === 'choice' && b.kind === 'choice') {
    return a.letter === b.letter ? compareMeanings(a.value, b.value, rules) : { equal: false, reason: 'choice' };
  }
  const [choice, other] = a.kind === 'choice' ? [a, b] : [b as Extract<Meaning, { kind: 'choice' }>, a];
  if (!rules.choiceWithValue) return { equal: false, reason: 'choice' };
  if (other.kind === 'quantity' && other.scalar.node.kind === 'group')
    return { equal: letterOf(other) === choice.letter, reason: 'choice' };
  if (letterOf(other) === choice.letter) return { equal: true, reason: 'choice' };
  return compareMeanings(choice.value, other, rules);
}

function letterOf(meaning: Meaning): string | null {
  const node = meaning.kind === 'quantity' ? meaning.scalar.node : null;
  const inner = node?.kind === 'group' ? node.inner : node;
  return inner?.kind === 'symbol' ? inner.name : null;
}

function decided(same: boolean | null, reason: string): Verdict {
  return same === null ? { equal: null, reason: 'precision' } : { equal: same, reason };
}

function verdictOf(outcome: Outcome, reason: string): Verdict {
  return outcome.same === null ? { equal: null, reason: outcome.why } : { equal: outcome.same, reason };
}
