import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Criteria, EVERY_QUESTION, SORTS } from '../../../../ts/page/client/criteria.ts';
import { selectQuestions } from '../../../../ts/page/client/selection.ts';
import type { QuestionsHead, QuestionTable } from '../../../../ts/page/document.ts';

const HEAD: Pick<QuestionsHead, 'tableSize' | 'fates' | 'phases'> = {
  tableSize: 4,
  fates: ['kept', 'too_easy'],
  phases: ['challenger', 'questions'],
};
const always = async (): Promise<boolean> => true;

interface Row {
  text: string;
  iteration: number;
  phase: number;
  fate: number;
  agreement: number | null;
  reward: number | null;
  labelRight: boolean | null;
}

function parts(rows: readonly Row[]): QuestionTable[] {
  return Array.from({ length: Math.ceil(rows.length / HEAD.tableSize) }, (_, part) => {
    const cut = rows.slice(part * HEAD.tableSize, (part + 1) * HEAD.tableSize);
    const column = <K extends keyof Row>(key: K): Row[K][] => cut.map((row) => row[key]);
    return {
      text: column('text'),
      iteration: column('iteration'),
      phase: column('phase'),
      fate: column('fate'),
      agreement: column('agreement'),
      reward: column('reward'),
      labelRight: column('labelRight'),
      step: cut.map(() => 0),
      label: cut.map(() => null),
      trained: cut.map(() => 0),
    };
  });
}

const tenth = fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10);
const row: fc.Arbitrary<Row> = fc.record({
  text: fc.string({ unit: fc.constantFrom('a', 'B', 'ß', ' '), maxLength: 4 }),
  iteration: fc.integer({ min: 1, max: 3 }),
  phase: fc.constantFrom(0, 1),
  fate: fc.constantFrom(-1, 0, 1),
  agreement: fc.option(tenth),
  reward: fc.option(tenth),
  labelRight: fc.constantFrom(true, false, null),
});
const criteria: fc.Arbitrary<Criteria> = fc.record({
  text: fc.constantFrom('', 'a', 'b', 'AB', '#1'),
  iteration: fc.option(fc.constantFrom(1, 2)),
  phase: fc.option(fc.constantFrom('challenger', 'questions', 'neither')),
  fate: fc.option(fc.constantFrom('kept', 'too_easy')),
  label: fc.constantFrom('right', 'wrong', 'unknown', null),
  low: tenth,
  high: tenth,
  sort: fc.constantFrom(...SORTS),
  descending: fc.boolean(),
});

/** The same, said plainly. */
function naive(rows: readonly Row[], wanted: Criteria): number[] {
  const value = (at: number): number | null => {
    const { text, agreement, reward } = rows[at] as Row;
    return { order: at, agreement, reward, length: text.length }[wanted.sort];
  };
  return rows
    .map((_, at) => at)
    .filter((at) => {
      const { text, iteration, phase, fate, agreement, labelRight } = rows[at] as Row;
      const inRange = agreement !== null && agreement >= wanted.low && agreement <= wanted.high;
      return (
        (wanted.text === '#1' ? at === 1 : text.toLowerCase().includes(wanted.text.toLowerCase())) &&
        (wanted.iteration === null || iteration === wanted.iteration) &&
        (wanted.phase === null || HEAD.phases[phase] === wanted.phase) &&
        (wanted.fate === null || HEAD.fates[fate] === wanted.fate) &&
        (wanted.label === null || labelRight === { right: true, wrong: false, unknown: null }[wanted.label]) &&
        ((wanted.low === 0 && wanted.high === 1) || inRange)
      );
    })
    .sort((a, b) => {
      const [left, right] = [value(a), value(b)];
      if (left === right) return a - b;
      if (left === null) return 1;
      if (right === null) return -1;
      return wanted.descending ? right - left : left - right;
    });
}

test('what is selected is what meets the criteria, in the order asked for', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 30 }), criteria, async (rows, wanted) => {
      const found = await selectQuestions(parts(rows), HEAD, wanted, always);
      expect([...(found ?? [])]).toEqual(naive(rows, wanted));
    }),
  );
});

describe('a table that is long, or not whole', () => {
  const plain: Row = { text: 'a', iteration: 1, phase: 1, fate: 0, agreement: 0.5, reward: null, labelRight: null };

  test('parts that are not read yet have no questions, and the others keep their numbers', async () => {
    const [first, second, third] = parts(Array.from({ length: 12 }, () => plain));
    const found = await selectQuestions([first, undefined, third], HEAD, EVERY_QUESTION, always);
    expect(second).toBeDefined();
    expect([...(found ?? [])]).toEqual([0, 1, 2, 3, 8, 9, 10, 11]);
  });

  test('others have their turn, and may say that it is no longer wanted', async () => {
    const many = parts(Array.from({ length: 20_000 }, () => plain));
    let pauses = 0;
    const twice = async (): Promise<boolean> => ++pauses < 2;
    expect(await selectQuestions(many, HEAD, EVERY_QUESTION, twice)).toBeNull();
    expect(pauses).toBe(2);
  });
});
