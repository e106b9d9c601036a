import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { JournalEntry } from '../../../ts/ports/journal.ts';
import { MetricsFile, metricsLine, metricsLines } from '../../../ts/store/metricsFile.ts';

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'rzero-metrics-'));
});
afterEach(() => rmSync(run, { recursive: true }));

const solver = { iteration: 1, phase: 'solver' } as const;
const step = (number: number, loss: number | null): JournalEntry => ({
  type: 'step',
  ...solver,
  step: number,
  metrics: { loss },
  files: [],
});
const done: JournalEntry = { type: 'done', ...solver, metrics: { steps: 2 }, seconds: 1.5, files: [], value: 'v' };

describe('a line of metrics.jsonl', () => {
  test.each<[JournalEntry, string | undefined]>([
    [
      { type: 'iteration', iteration: 1, challengerFrom: 0, solverFrom: 0, trainsChallenger: true },
      '{"kind":"iteration","iteration":1,"challengerFrom":0,"solverFrom":0,"trainsChallenger":true}',
    ],
    [step(3, null), '{"kind":"step","iteration":1,"phase":"solver","step":3,"loss":null}'],
    [
      { type: 'warning', ...solver, message: 'few' },
      '{"kind":"warning","iteration":1,"phase":"solver","message":"few"}',
    ],
    [done, '{"kind":"phase","iteration":1,"phase":"solver","steps":2,"seconds":1.5}'],
    [{ type: 'workers', message: 'came' }, '{"kind":"workers","message":"came"}'],
    [{ type: 'answer', ...solver, key: 'k', object: 'o' }, undefined],
    [{ type: 'end', how: 'stopped' }, undefined],
  ])('%j', (entry, line) => {
    expect(JSON.stringify(metricsLine(entry))).toBe(line);
  });
});

describe('metrics.jsonl', () => {
  const read = () =>
    readFileSync(join(run, 'metrics.jsonl'), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));

  test('is made anew from what is on record: half a line of a lost attempt goes', () => {
    writeFileSync(join(run, 'metrics.jsonl'), '{"kind":"workers"}\n{"kind":"st');
    new MetricsFile(run, [step(1, 0.5)], () => {});
    expect(read()).toEqual([{ kind: 'step', ...solver, step: 1, loss: 0.5 }]);
  });

  test('is always what the entries say, however they come', () => {
    const other = { iteration: 1, phase: 'evaluation' } as const;
    const entry = fc.oneof(
      fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer()).map(([number, loss]) => step(number, loss)),
      fc.constantFrom<JournalEntry>(
        done,
        { type: 'undone', ...solver, reason: 'damaged' },
        { ...done, ...other },
        { type: 'undone', ...other, reason: 'damaged' },
        { type: 'workers', message: 'came' },
      ),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), fc.nat(12), (all, before) => {
        const entries = all.slice(0, before);
        const file = new MetricsFile(run, entries, () => {});
        for (const one of all.slice(before)) {
          entries.push(one);
          file.add(one);
        }
        expect(read()).toEqual(metricsLines(all));
      }),
      { numRuns: 60 },
    );
  });

  test('of a phase that is done again, and of a step that was made twice, the last counts', () => {
    const again: JournalEntry = { type: 'undone', ...solver, reason: 'damaged' };
    expect(metricsLines([step(1, 1), step(2, 2), step(2, 3)]).map(({ loss }) => loss)).toEqual([1, 3]);
    expect(metricsLines([step(1, 1), done, again, step(1, 4)]).map(({ loss }) => loss)).toEqual([4]);
  });

  test('where it cannot be written the run is told once and goes on; later all is there', () => {
    mkdirSync(join(run, 'metrics.jsonl'));
    const told: string[] = [];
    const entries: JournalEntry[] = [];
    const file = new MetricsFile(run, entries, (message) => told.push(message));
    for (const number of [1, 2, 3]) {
      if (number === 3) rmdirSync(join(run, 'metrics.jsonl'));
      entries.push(step(number, number));
      file.add(step(number, number));
    }
    expect(told).toEqual([expect.stringMatching(/^metrics.jsonl cannot be written: EISDIR/)]);
    expect(read().map(({ loss }) => loss)).toEqual([1, 2, 3]);
  });
});
