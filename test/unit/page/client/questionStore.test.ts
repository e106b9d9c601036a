import { expect, test } from '@jest/globals';
import { QuestionStore } from '../../../../ts/page/client/questionStore.ts';
import type { QuestionsHead } from '../../../../ts/page/document.ts';
import { sampleRun, textOf } from '../../../browser/sampleRun.ts';

const now = async (): Promise<void> => {};

/** A store of a run of 12,000 questions, and the parts that it asks for. */
function store() {
  const sample = sampleRun(12_000);
  const asked: string[] = [];
  const parts = {
    table: async (part: number) => {
      asked.push(`table-${part}`);
      return sample.table(part);
    },
    details: async (part: number) => {
      asked.push(`detail-${part}`);
      return sample.details(part);
    },
  };
  return { store: new QuestionStore(parts, sample.run.questions), asked };
}

test('reads the table part by part, and a row of a part that is not read yet when it is asked for', async () => {
  const { store: questions, asked } = store();
  expect(questions.row(11_999)).toBeUndefined();
  expect((await questions.readRow(11_999))?.text).toBe(textOf(11_999));
  expect(asked).toEqual(['table-2']);
  const read: number[] = [];
  await questions.readAll(now, () => read.push(questions.read));
  expect(read).toEqual([7_000, 12_000, 12_000]);
  expect(questions.row(5_001)).toEqual({
    number: 5_001,
    text: textOf(5_001),
    iteration: 1,
    phase: 'questions',
    step: 0,
    fate: 'too_easy',
    agreement: 0.7,
    reward: null,
    label: '1',
    labelRight: false,
    trained: 2,
  });
  expect(questions.row(4)).toMatchObject({ phase: 'challenger', fate: null });
  expect(await questions.readRow(12_000)).toBeUndefined();
  expect(await questions.detail(12_000)).toBeUndefined();
});

test('keeps the parts of the details that were used last, and no more', async () => {
  const { store: questions, asked } = store();
  for (const part of [0, 1, 2, 3, 0, 4, 0, 1]) expect((await questions.detail(part * 200 + 7))?.truth).toBeDefined();
  expect(asked).toEqual(['detail-0', 'detail-1', 'detail-2', 'detail-3', 'detail-4', 'detail-1']);
});

test('what was asked for before a refresh does not overwrite what is read after it', async () => {
  const head: QuestionsHead = { ...sampleRun(1).run.questions, count: 1 };
  const waiting: ((text: string) => void)[] = [];
  const table = async () => {
    const text = await new Promise<string>((resolve) => waiting.push(resolve));
    return { ...sampleRun(1).table(0), text: [text] };
  };
  const questions = new QuestionStore({ table, details: async () => [] }, head);
  const before = questions.readAll(now, () => {});
  await now();
  questions.refresh(head);
  const after = questions.readAll(now, () => {});
  await now();
  waiting[1]?.('new');
  await after;
  waiting[0]?.('old');
  await before;
  expect(questions.row(0)?.text).toBe('new');
});

test('details that could not be read are asked for again', async () => {
  let calls = 0;
  const details = async () => {
    if (++calls === 1) throw new Error('gone');
    return sampleRun(1).details(0);
  };
  const questions = new QuestionStore(
    { table: async () => sampleRun(1).table(0), details },
    sampleRun(1).run.questions,
  );
  await expect(questions.detail(0)).rejects.toThrow('gone');
  expect((await questions.detail(0))?.truth).toBe('0');
});
