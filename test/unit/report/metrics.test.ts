import { expect, test } from '@jest/globals';
import { figure, percent, phrases } from '../../../ts/report/metrics.ts';

test.each([
  [0.3819, '38.2 %'],
  [0.9996, '100.0 %'],
  [1, '100 %'],
  [0, '0.0 %'],
  [Number.NaN, '-'],
])('a share of %f is %s', (share, expected) => {
  expect(percent(share)).toBe(expected);
});

test.each([
  [1234.5, '1235'],
  [31.24, '31.2'],
  [0.456, '0.46'],
  [-0.456, '-0.46'],
  [0.0123, '0.0123'],
  [0.0004, '0.0004'],
  [0, '0.00'],
  [Number.NaN, '-'],
])('%f is shown as %s', (value, expected) => {
  expect(figure(value)).toBe(expected);
});

test('each phase has its phrases', () => {
  expect(phrases('evaluation', { worked: 0.7, majority: 1, mean: 0.5, greedy: 0.25, samples: 4 })).toEqual([
    'greedy 25.0 %',
    'mean@4 50.0 %',
    'majority@4 100 %',
    'if worked 70.0 %',
  ]);
  expect(phrases('evaluation', { mean: 0.5 })).toEqual(['mean 50.0 %']);
  expect(phrases('questions', { kept: 171, candidates: 400, keptShare: 0.4275, noLabelShare: 0.1 })).toEqual([
    'kept 171 of 400 (43 %)',
    'no answer 10 %',
  ]);
  expect(phrases('questions', { kept: 171 })).toEqual(['kept 171']);
  expect(phrases('solver', { reward: 0.5, kl: 0.001, gradNorm: 3 })).toEqual(['reward 0.50', 'KL 0.0010']);
});

test('repetition is told only when there is some', () => {
  expect(phrases('challenger', { reward: 0.4, repetition: 0.016 })).toEqual(['reward 0.40']);
  expect(phrases('challenger', { reward: 0.4, repetition: 0.3 })).toEqual(['reward 0.40', 'repetition 30 %']);
});

test('metrics of unknown names are shown under these', () => {
  expect(phrases('solver', { gradNorm: 1.5, steps: 15, loss: 0.25, lag: 1, more: 2 })).toEqual([
    'grad norm 1.50',
    'loss 0.25',
    'lag 1.00',
  ]);
  expect(phrases('solver', { steps: 0 })).toEqual([]);
});

test('a figure that is not a number is not hidden', () => {
  expect(phrases('solver', { reward: Number.NaN })).toEqual(['reward -']);
});
