import { describe, expect, test } from '@jest/globals';
import { changesBetween, describeChanges, isHarmless } from '../../../ts/config/changes.ts';
import { loadConfig } from '../../../ts/config/load.ts';

const changes = (...sets: string[]) => changesBetween(loadConfig({}), loadConfig({ sets }));

test('the same configuration has no changes', () => {
  expect(changes()).toEqual([]);
});

test('every option that differs is named with both values', () => {
  expect(describeChanges(changes('solver.steps=20', 'worker.deadlines.load=60', 'model=other'))).toBe(
    ['  model: "embedded" -> "other"', '  worker.deadlines.load: 1800 -> 60', '  solver.steps: 15 -> 20'].join('\n'),
  );
});

test('an option that was not there before is told as such', () => {
  const { storage: _, ...before } = loadConfig({});
  expect(describeChanges(changesBetween(before as never, loadConfig({})))).toMatch(/^ {2}storage: not there -> \{/);
});

describe('what may change while a run is under way', () => {
  const allowed = (set: string, ...others: string[]) => {
    const [before, after] = [loadConfig({ sets: others }), loadConfig({ sets: [...others, set] })];
    return changesBetween(before, after).map((change) => isHarmless(change, before, after));
  };

  test.each([
    'worker.count=3',
    'worker.deadlines.sample=60',
    'worker.restarts=9',
    'placement.gpusPerHost=4',
    'storage.keepModels=last',
    'warnings.labels.floor=0.5',
    'warnings.labels.action=stop',
    'warnings.no-box.share=0.1',
    'iterations=9',
  ])('%s', (set) => {
    expect(allowed(set)).toEqual([true]);
  });

  test.each([
    'seed=2',
    'iterations=1',
    'worker.threads=2',
    'worker.backend=mock',
    'solver.steps=20',
    'evaluation.samples=3',
    'warnings.labels.action=roll-back',
  ])('not %s', (set) => {
    expect(allowed(set)).toEqual([false]);
  });

  test('a threshold of a warning that rolls back, before or after, does not', () => {
    expect(allowed('warnings.labels.floor=0.1', 'warnings.labels.action=roll-back')).toEqual([false]);
    expect(allowed('warnings.labels.action=none', 'warnings.labels.action=roll-back')).toEqual([false]);
    expect(allowed('warnings.length.cut=0.1', 'warnings.labels.action=roll-back')).toEqual([true]);
  });
});
