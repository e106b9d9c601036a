import { describe, expect, test } from '@jest/globals';
import type { JournalEntry } from '../../../ts/ports/journal.ts';
import type { Phase } from '../../../ts/ports/reporter.ts';
import { entriesBefore, parseForkPoint } from '../../../ts/store/fork.ts';

const done = (iteration: number, phase: Phase): JournalEntry[] => [
  { type: 'phase', iteration, phase },
  { type: 'answer', iteration, phase, key: 'k', object: 'o' },
  { type: 'step', iteration, phase, step: 1, metrics: {}, files: [] },
  { type: 'done', iteration, phase, metrics: {}, seconds: 1, files: [], value: 'v' },
];
const start = (iteration: number): JournalEntry => ({
  type: 'iteration',
  iteration,
  challengerFrom: iteration - 1,
  solverFrom: iteration - 1,
  trainsChallenger: true,
});
const iteration = (number: number): JournalEntry[] => [
  start(number),
  ...(['challenger', 'questions', 'solver', 'evaluation'] as const).flatMap((phase) => done(number, phase)),
];
const run: JournalEntry[] = [
  { type: 'run', config: {}, workingFolder: '/' },
  ...done(0, 'evaluation'),
  ...iteration(1),
  { type: 'workers', message: 'joined' },
  ...iteration(2),
  start(3),
  { type: 'phase', iteration: 3, phase: 'challenger' },
];
const shape = (entries: readonly JournalEntry[]) =>
  entries.flatMap((entry) => (entry.type === 'done' ? [`${entry.iteration}/${entry.phase}`] : []));

describe('parseForkPoint', () => {
  test.each([
    ['iteration:2', { iteration: 2, phase: 'challenger' }],
    ['iteration:12/solver', { iteration: 12, phase: 'solver' }],
  ])('%s', (text, point) => {
    expect(parseForkPoint(text)).toEqual(point);
  });

  test.each(['2', 'iteration:0', 'iteration:2/', 'iteration:2/training', 'iteration:-1', ' iteration:1', 'step:3'])(
    'not %s',
    (text) => {
      expect(parseForkPoint(text)).toBeUndefined();
    },
  );
});

describe('entriesBefore', () => {
  test('the beginning of an iteration: all before it, and nothing of how it was made', () => {
    const shared = entriesBefore(run, { iteration: 2, phase: 'challenger' });
    expect(shape(shared)).toEqual(['0/evaluation', '1/challenger', '1/questions', '1/solver', '1/evaluation']);
    expect(new Set(shared.map(({ type }) => type))).toEqual(new Set(['iteration', 'phase', 'step', 'done']));
    expect(shared.filter(({ type }) => type === 'iteration')).toHaveLength(1);
  });

  test('within an iteration: its first phases too', () => {
    const shared = entriesBefore(run, { iteration: 2, phase: 'solver' });
    expect(shape(shared).slice(-2)).toEqual(['2/challenger', '2/questions']);
    expect(shared.filter(({ type }) => type === 'iteration')).toHaveLength(2);
  });

  test('a phase that was done again counts as it was done last', () => {
    const again: JournalEntry[] = [
      ...run.slice(0, -2),
      { type: 'undone', iteration: 1, phase: 'questions', reason: 'damaged' },
      ...done(1, 'questions'),
    ];
    const shared = entriesBefore(again, { iteration: 2, phase: 'challenger' });
    expect(shape(shared).filter((one) => one === '1/questions')).toHaveLength(1);
  });

  test('what is not over cannot be shared, and is named', () => {
    expect(() => entriesBefore(run, { iteration: 3, phase: 'questions' })).toThrow(
      'iteration 3, challenger is not over',
    );
    expect(() => entriesBefore(run, { iteration: 4, phase: 'challenger' })).toThrow('iteration 3, challenger is not');
    expect(() => entriesBefore(run, { iteration: 9, phase: 'solver' })).toThrow('is not over');
  });

  test('an iteration whose Challenger is not trained can be forked at its questions', () => {
    const untrained = run.filter((entry) => !('phase' in entry && entry.phase === 'challenger'));
    expect(shape(entriesBefore(untrained, { iteration: 2, phase: 'questions' }))).toHaveLength(4);
  });
});
