import { expect, test } from '@jest/globals';
import { EvalProgress } from '../../../ts/report/evalProgress.ts';
import { Screen } from './screen.ts';

function show(live: boolean) {
  const screen = new Screen(100);
  const time = { now: 0, tokens: 0 };
  const progress = new EvalProgress({
    write: screen.write,
    terminal: { live, colour: false, width: () => 100 },
    clock: { now: () => time.now },
    activity: () => ({ tokens: time.tokens, busySeconds: 0, deviceSeconds: 0 }),
    totals: new Map([
      ['AMC', 100],
      ['GSM8K', 300],
    ]),
  });
  return { screen, time, progress };
}

test('a line every five seconds: how many, how long yet by the pace of this attempt, and what is under way', () => {
  const { screen, time, progress } = show(false);
  // 200 are on record.
  progress.advance('AMC', 100);
  progress.advance('GSM8K', 100);
  expect(screen.text()).toBe('');
  Object.assign(time, { now: 10, tokens: 5000 });
  progress.advance('GSM8K', 200);
  time.now = 12;
  progress.advance('GSM8K', 250);
  time.now = 20;
  progress.advance('GSM8K', 300);
  expect(screen.text()).toBe(
    '300/400 responses  10 s  10 s left  500 tokens/s  GSM8K\n400/400 responses  20 s  0.0 s left  250 tokens/s  grading',
  );
});

test('on a live terminal one line, gone in the end, below what stays', () => {
  const { screen, time, progress } = show(true);
  progress.advance('AMC', 0);
  time.now = 1;
  progress.advance('GSM8K', 30);
  progress.tell('workers: one is lost');
  expect(screen.text()).toBe('workers: one is lost\n 30/400 responses  1 s  AMC, GSM8K');
  progress.close();
  expect(screen.text()).toBe('workers: one is lost');
});
