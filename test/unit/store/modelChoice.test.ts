import { describe, expect, test } from '@jest/globals';
import type { JournalEntry } from '../../../ts/ports/journal.ts';
import type { Phase } from '../../../ts/ports/reporter.ts';
import { chooseModel, lastMeasured } from '../../../ts/store/modelChoice.ts';

function done(iteration: number, phase: Phase, mean?: number): JournalEntry {
  const model = { name: `iteration-${iteration}/models/${phase}`, manifestSha256: `${iteration}` };
  const trains = phase === 'challenger' || phase === 'solver';
  const metrics = mean === undefined ? {} : { mean };
  return { type: 'done', iteration, phase, metrics, seconds: 1, files: [], value: '', ...(trains ? { model } : {}) };
}

const ENTRIES: JournalEntry[] = [
  done(0, 'evaluation', 0.9),
  ...[0.5, 0.7, 0.6].flatMap((mean, index) => [
    done(index + 1, 'challenger'),
    done(index + 1, 'solver'),
    done(index + 1, 'evaluation', mean),
  ]),
  done(4, 'challenger'),
];

describe('chooseModel', () => {
  test('last is of the last iteration that is over, best of the one whose Solver was best', () => {
    expect(chooseModel(ENTRIES, 'solver', 'last')).toMatchObject({ iteration: 3 });
    expect(chooseModel(ENTRIES, 'challenger', 'last')).toMatchObject({ iteration: 3 });
    expect(chooseModel(ENTRIES, 'solver', 'best').model.name).toBe('iteration-2/models/solver');
    expect(chooseModel(ENTRIES, 'challenger', 4)).toMatchObject({ iteration: 4 });
    expect(lastMeasured(ENTRIES)).toBe(3);
  });

  test('what was undone is not there', () => {
    const undone: JournalEntry = { type: 'undone', iteration: 3, phase: 'solver', reason: 'damaged' };
    expect(chooseModel([...ENTRIES, undone], 'solver', 'last')).toMatchObject({ iteration: 2 });
  });

  test.each([
    [ENTRIES, 'solver', 4, /no solver of iteration 4, but of 1, 2, 3/],
    [[], 'solver', 'last', /no solver is trained yet/],
    [[done(1, 'solver')], 'solver', 'last', /no iteration is over yet; made so far is the solver of iteration 1/],
    [[done(1, 'solver')], 'solver', 'best', /no iteration is over yet/],
  ] as const)('%#: what is not there is named with what is', (entries, role, which, message) => {
    expect(() => chooseModel(entries, role, which)).toThrow(message);
  });
});
