import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { JournalEntry } from '../../../../ts/ports/journal.ts';
import { EventFile, makeEventFile } from '../../../../ts/trackers/tensorboard/eventFile.ts';
import { python } from '../../../fixtures/python.ts';

let run: string;

beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'rzero-events-'));
});

afterEach(() => {
  rmSync(run, { recursive: true, force: true });
});

const config = { seed: 1, arm: 'full', challenger: { steps: 2 }, solver: { steps: 3 }, worker: { keys: '/private' } };
const begun: JournalEntry = { type: 'run', config, workingFolder: '/' };
const solver = { iteration: 1, phase: 'solver' } as const;
const step = (number: number, loss: number): JournalEntry => ({
  ...{ type: 'step', ...solver, step: number, files: [] },
  metrics: { loss },
});
const done = (phase: 'evaluation' | 'questions' | 'solver', iteration: number): JournalEntry => ({
  ...{ type: 'done', iteration, phase, seconds: 2, files: [], value: 'v' },
  metrics: { mean: 0.5 },
});
const undone: JournalEntry = { type: 'undone', ...solver, reason: 'damaged' };

/** A journal to which entries come, one a second from 1000 s after 1970. */
function trail(...first: JournalEntry[]) {
  const [entries, times]: [JournalEntry[], number[]] = [[], []];
  const add = (...more: JournalEntry[]) => {
    for (const entry of more) {
      entries.push(entry);
      times.push(1e6 + 1000 * entries.length);
    }
  };
  add(...first);
  return { entries, times, add };
}

const folder = () => join(run, 'tensorboard');
/** What is in the file, the only one that is not empty. */
function content(): Buffer {
  const full = readdirSync(folder())
    .map((name) => readFileSync(join(folder(), name)))
    .filter(({ length }) => length > 0);
  expect(full).toHaveLength(1);
  return full[0] as Buffer;
}

interface Read {
  scalars: Record<string, [step: number, value: number, wallTime: number][]>;
  histograms: Record<string, [step: number, num: number, counts: number[]][]>;
  texts: Record<string, string>;
  hparams: string;
}

/** TensorBoard itself, looking at the folder. */
function tensorBoard() {
  const script = fileURLToPath(new URL('../../../fixtures/readEvents.py', import.meta.url));
  const child = spawn(python(), [script, folder(), '--watch'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => JSON.parse((await lines.next()).value as string) as Read;
  return {
    read,
    again: () => {
      child.stdin.write('\n');
      return read();
    },
    close: () => child.stdin.end(),
  };
}

test('TensorBoard reads what was written, also while it grows and where it is made anew', async () => {
  mkdirSync(join(run, 'iteration-1'));
  const asked = [
    { question: 'What is | 1 + 1?', agreement: 0.3, label: '2', fate: 'kept' },
    { question: null, agreement: null, label: null, fate: 'malformed' },
    { question: 'And 2?', agreement: 1, label: '3', fate: 'too_easy' },
  ];
  writeFileSync(join(run, 'iteration-1', 'questions.jsonl'), asked.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const journal = trail(begun, done('evaluation', 0), done('questions', 1), step(1, 0.5));
  const file = new EventFile(run, journal, (message) => expect(message).toBe(''));
  file.catchUp();
  await file.settle();
  const board = tensorBoard();
  try {
    const first = await board.read();
    expect(first.scalars).toEqual({
      'evaluation/mean': [[0, 0.5, 1002]],
      'evaluation/seconds': [[0, 2, 1002]],
      'questions/mean': [[2, 0.5, 1003]],
      'questions/seconds': [[2, 2, 1003]],
      'solver/loss': [[3, 0.5, 1004]],
    });
    const [number, num, counts] = first.histograms['questions/agreements']?.[0] ?? [];
    expect([number, num, counts?.[6], counts?.[20]]).toEqual([2, 2, 1, 1]);
    expect(first.texts['questions/samples']).toContain('| kept | 0.30 | 2 | What is \\| 1 + 1? |');
    expect(first.texts.config).toContain('| solver.steps | 3 |');
    expect(first.texts.config).not.toContain('private');
    expect(first.hparams).toBe('hparams');

    journal.add(step(2, 0.25));
    file.catchUp();
    await file.settle();
    expect((await board.again()).scalars['solver/loss']).toEqual([
      [3, 0.5, 1004],
      [4, 0.25, 1005],
    ]);

    // A later attempt goes on from step 1: nothing is there twice, for who looked on neither.
    const resumed = new EventFile(run, journal, () => {});
    resumed.catchUp();
    await resumed.settle();
    journal.add(step(2, 0.75));
    resumed.catchUp();
    await resumed.settle();
    const values = [
      [3, 0.5, 1004],
      [4, 0.75, 1006],
    ];
    expect((await board.again()).scalars['solver/loss']).toEqual(values);
    content();
  } finally {
    board.close();
  }
});

test('is always what the journal says, however entries come', async () => {
  const entry = fc.oneof(
    fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ max: 99 })).map(([number, loss]) => step(number, loss)),
    fc.constantFrom<JournalEntry>(done('solver', 1), done('evaluation', 1), undone, {
      type: 'workers',
      message: 'came',
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(entry, fc.boolean()), { maxLength: 10 }), async (all) => {
      rmSync(folder(), { recursive: true, force: true });
      const journal = trail(begun);
      const file = new EventFile(run, journal, (message) => expect(message).toBe(''));
      for (const [one, waits] of all) {
        journal.add(one);
        file.catchUp();
        if (waits) await file.settle();
      }
      file.catchUp();
      await file.settle();
      const written = content();
      await makeEventFile(run, journal);
      expect(written.equals(content())).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test('where it cannot be written the run is told once and goes on; later all is there', async () => {
  writeFileSync(folder(), 'in the way');
  const told: string[] = [];
  const journal = trail(begun);
  const file = new EventFile(run, journal, (message) => told.push(message));
  for (const number of [1, 2, 3]) {
    if (number === 3) rmSync(folder());
    journal.add(step(number, number));
    file.catchUp();
    await file.settle();
  }
  expect(told).toEqual([expect.stringMatching(/^TensorBoard's file cannot be written: (EEXIST|ENOTDIR)/)]);
  const written = content();
  await makeEventFile(run, journal);
  expect(written.equals(content())).toBe(true);
});

test('a file that somebody else made anew meanwhile is made again', async () => {
  const journal = trail(begun, step(1, 1));
  const file = new EventFile(run, journal, () => {});
  file.catchUp();
  await file.settle();
  await makeEventFile(run, journal);
  for (const number of [2, 3]) {
    journal.add(step(number, number));
    file.catchUp();
    await file.settle();
  }
  const written = content();
  await makeEventFile(run, journal);
  expect(written.equals(content())).toBe(true);
});
