import { expect, test } from '@jest/globals';
import { logLine } from '../../../ts/log/logLine.ts';
import type { LoopEvent } from '../../../ts/ports/reporter.ts';

const place = { iteration: 2, phase: 'solver' } as const;

test.each<[LoopEvent, object]>([
  [
    { type: 'phase-started', ...place, total: 5, unit: 'steps', note: 'learns', recorded: 7 },
    {
      level: 'info',
      message: 'goes on with 7 answers on record',
      fields: { total: 5, unit: 'steps', note: 'learns', recorded: 7 },
    },
  ],
  [
    { type: 'step', ...place, step: 1, steps: 5, metrics: { reward: 0.5 } },
    { level: 'info', message: 'step 1 of 5', fields: { step: 1, steps: 5, metrics: { reward: 0.5 } } },
  ],
  [
    { type: 'warning', ...place, message: 'few' },
    { level: 'warn', message: 'few', fields: {} },
  ],
  [
    { type: 'sample-question', ...place, question: 'q', agreement: 0.5, samples: 4, label: 'a' },
    { level: 'debug', message: 'a question, for example' },
  ],
])('%j', (event, line) => {
  expect(logLine(event)).toMatchObject({ event: event.type, ...place, ...line });
});

test('what belongs to no phase has none', () => {
  expect(logLine({ type: 'workers', message: 'a joined' })).toEqual({
    level: 'info',
    event: 'workers',
    message: 'a joined',
    fields: {},
  });
});

test('what comes many times a second is no line', () => {
  expect(logLine({ type: 'progress', ...place, done: 1, total: 2 })).toBeUndefined();
  expect(logLine({ type: 'agreements', ...place, agreements: [1] })).toBeUndefined();
  expect(logLine({ type: 'activity', tokens: 1, deviceSeconds: 1, busySeconds: 1 })).toBeUndefined();
});
