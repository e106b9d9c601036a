import { expect, test } from '@jest/globals';
import { pairScores } from '../../../ts/eval/pairedScores.ts';
import { renderPairedTable } from '../../../ts/report/pairedTable.ts';

const page = { colour: false, width: 100 };
const names = { before: 'base', after: 'iteration 3' };

function sat(benchmark: string, marks: string, digest = 'd') {
  const values = new Map([...marks].map((mark, index) => [String(index), Number(mark)]));
  return { benchmark, title: benchmark, group: 'math', metric: 'greedy' as const, counts: true, digest, values };
}

test('both accuracies, the difference with its interval, p-values, and what they are', () => {
  const text = renderPairedTable(
    pairScores(
      [sat('AMC', '10000010'), sat('GSM8K', '00'), sat('A', '1')],
      [sat('AMC', '11111100', 'e'), sat('GSM8K', '111')],
      1,
    ),
    names,
    page,
  );
  expect(text).toMatch(/A: base\nB: iteration 3\n/);
  expect(text).toMatch(/AMC, greedy \(!\) +8 +25\.0 +75\.0 +\+50\.0 \[[-+0-9.]+, \+[0-9.]+\] +0\.22 +0\.44/);
  expect(text).toMatch(/GSM8K, greedy +2 +0\.0 +100\.0 +\+100\.0 \[\+100\.0, \+100\.0\] +0\.50 +0\.50/);
  expect(text).toMatch(/average of math \(2\) +12\.5 +87\.5 +\+75\.0/);
  expect(text).toContain('(!): the items were not asked, answered or graded in the same way');
  expect(text).toContain('GSM8K: 1 item that one of them alone was asked');
  expect(text).toContain('A alone sat A (greedy).');
  for (const one of text.split('\n')) expect(one.length).toBeLessThanOrEqual(100);
});

test('nothing in common', () => {
  expect(renderPairedTable(pairScores([], [], 1), names, page)).toContain('They have no items in common.');
});
