import type { QuestionsHead, QuestionTable } from '../document.ts';
import type { Criteria } from './criteria.ts';

/** Rows that are looked at between two pauses: a few milliseconds' worth. */
const STRIDE = 5_000;

/**
 * The numbers of the questions that meet the criteria, in the order asked for; those without the value that is sorted by
 * come last, equals stay in order.
 *
 * @param parts of the table, in order; a part that is not there yet has no questions
 * @param pause lets others have their turn; false: the result is no longer wanted
 * @returns null where it is no longer wanted
 */
export async function selectQuestions(
  parts: readonly (QuestionTable | undefined)[],
  head: Pick<QuestionsHead, 'tableSize' | 'fates' | 'phases'>,
  criteria: Criteria,
  pause: () => Promise<boolean>,
): Promise<Uint32Array | null> {
  const total = parts.reduce((sum, part) => sum + (part?.text.length ?? 0), 0);
  const found = new Uint32Array(total);
  const keys = new Float64Array(criteria.sort === 'order' ? 0 : total);
  const meets = matcher(head, criteria);
  const key = keyOf(criteria);
  let [length, looked] = [0, 0];
  for (const [number, part] of parts.entries()) {
    if (part === undefined) continue;
    for (let row = 0; row < part.text.length; row++) {
      const question = number * head.tableSize + row;
      if (++looked % STRIDE === 0 && !(await pause())) return null;
      if (!meets(part, row, question)) continue;
      if (criteria.sort !== 'order') keys[length] = key(part, row);
      found[length++] = question;
    }
  }
  const chosen = found.subarray(0, length);
  if (criteria.sort === 'order') return criteria.descending ? chosen.reverse() : chosen;
  const order = new Uint32Array(length).map((_, at) => at);
  order.sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b);
  return order.map((at) => chosen[at] as number);
}

function matcher(head: Pick<QuestionsHead, 'fates' | 'phases'>, criteria: Criteria) {
  const text = criteria.text.trim().toLowerCase();
  const number = /^#(\d+)$/.exec(text);
  const wanted = number ? Number(number[1]) : null;
  const fate = criteria.fate === null ? null : head.fates.indexOf(criteria.fate);
  const phase = criteria.phase === null ? null : (head.phases as string[]).indexOf(criteria.phase);
  const right = criteria.label === null ? undefined : { right: true, wrong: false, unknown: null }[criteria.label];
  const ranged = criteria.low > 0 || criteria.high < 1;
  return (part: QuestionTable, row: number, question: number): boolean => {
    if (criteria.iteration !== null && part.iteration[row] !== criteria.iteration) return false;
    if (phase !== null && part.phase[row] !== phase) return false;
    if (fate !== null && part.fate[row] !== fate) return false;
    if (right !== undefined && part.labelRight[row] !== right) return false;
    if (ranged) {
      const agreement = part.agreement[row] ?? null;
      // A tenth that was added up must not fall out of the range that ends with it.
      if (agreement === null || agreement < criteria.low - 1e-9 || agreement > criteria.high + 1e-9) return false;
    }
    if (wanted !== null) return question === wanted;
    return text === '' || (part.text[row] ?? '').toLowerCase().includes(text);
  };
}

/** Ascending keys are the order; unknown is beyond every number. */
function keyOf({ sort, descending }: Criteria): (part: QuestionTable, row: number) => number {
  const sign = descending ? -1 : 1;
  const of = (value: number | null | undefined): number =>
    value === null || value === undefined ? Infinity : sign * value;
  switch (sort) {
    case 'agreement':
      return (part, row) => of(part.agreement[row]);
    case 'reward':
      return (part, row) => of(part.reward[row]);
    case 'length':
      return (part, row) => of(part.text[row]?.length);
    case 'order':
      return () => 0;
  }
}
