import { expect, test } from '@jest/globals';
import type { JournalEntry } from '../../../ts/ports/journal.ts';
import { sweeper } from '../../../ts/store/sweeper.ts';

const RULE = {
  storage: { keepCheckpoints: 1, keepModels: 'every', keepAnswers: false },
  roles: { judge: 'frozen', ensemble: 1 },
  warnings: {},
} as const;
const place = { iteration: 1, phase: 'solver' } as const;

function checkpoint(step: number): JournalEntry {
  const name = `iteration-1/checkpoints/solver-00${step}/solver`;
  const models = [{ modelId: 'solver', name, manifestSha256: '', weightsVersion: step }];
  return { type: 'checkpoint', ...place, step, seq: step, models };
}

/** A folder that is asked to remove things, of which some cannot be. */
function folder() {
  const asked: string[] = [];
  const stuck = new Set<string>();
  const remove = (name: string): void => {
    asked.push(name);
    if (stuck.has(name)) throw new Error('EBUSY: resource busy or locked, unlink');
  };
  return { asked, stuck, remove };
}

test('frees each thing once, as soon as nothing needs it, and again where it was made anew', () => {
  const entries: JournalEntry[] = [{ type: 'phase', ...place }, checkpoint(1)];
  const { asked, remove } = folder();
  const sweep = sweeper({ remove }, entries, RULE);
  sweep();
  expect(asked).toEqual([]);
  entries.push(checkpoint(2));
  sweep();
  sweep();
  expect(asked).toEqual(['iteration-1/checkpoints/solver-001/solver']);
  entries.push(checkpoint(1), checkpoint(2));
  sweep();
  expect(asked).toEqual(Array.from({ length: 2 }, () => 'iteration-1/checkpoints/solver-001/solver'));
});

test('what cannot be removed is told once, stops nobody, and is tried again', () => {
  const entries: JournalEntry[] = [{ type: 'phase', ...place }, ...[1, 2, 3].map(checkpoint)];
  const { asked, stuck, remove } = folder();
  const troubles: string[] = [];
  const sweep = sweeper({ remove }, entries, RULE, (message) => troubles.push(message));
  stuck.add('iteration-1/checkpoints/solver-001/solver');
  sweep();
  sweep();
  expect(asked.map((name) => name.slice(-10, -7))).toEqual(['001', '002', '001']);
  expect(troubles).toEqual([
    'iteration-1/checkpoints/solver-001/solver is not needed and cannot be removed: EBUSY: resource busy or locked, unlink',
  ]);
  stuck.clear();
  sweep();
  sweep();
  expect(asked).toHaveLength(4);
});
