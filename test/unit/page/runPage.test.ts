import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RunJournal } from '../../../ts/store/journal.ts';
import { RunFolder } from '../../../ts/store/runFolder.ts';
import { writeSyntheticRun } from '../../fixtures/syntheticRun.ts';
import { readerOf, SMALL } from './setup.ts';

let home: string;
let path: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rzero-page-'));
  path = join(home, 'run');
});
afterEach(() => rmSync(home, { recursive: true }));

/** Records of a file of the run. */
const recordsOf = (folder: RunFolder, name: string) => folder.readRecords<Record<string, unknown>>(name);

describe('a run that is finished', () => {
  test('has all figures of what its journal and records say', async () => {
    const folder = await writeSyntheticRun(path, { ...SMALL, questions: 80 });
    const { document, questions, missing } = readerOf(folder, 2).read();
    expect(missing).toEqual([]);
    expect(document.run).toMatchObject({
      name: 'a run',
      state: 'finished',
      error: null,
      preset: 'mock',
      iterations: 2,
      exam: { name: 'two-digit arithmetic chains', problems: 4, samples: 4 },
      program: '1.2.3',
      configHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      config: expect.stringContaining('\npreset: mock\n'),
      begun: expect.stringMatching(/Z$/),
    });
    expect(document.iterations.map(({ iteration }) => iteration)).toEqual([0, 1, 2]);
    const [base, first] = document.iterations;
    expect(base).toMatchObject({ gain: null, challenger: null, questions: null, solver: null });
    expect(base?.evaluation).toMatchObject({ samples: 4, greedy: { value: expect.any(Number) } });
    expect(first?.gain?.mean?.value).toBeCloseTo(
      (first?.evaluation?.mean?.value ?? Number.NaN) - (base?.evaluation?.mean?.value ?? Number.NaN),
      9,
    );
    expect(first?.gain?.pValue).toBeGreaterThan(0);
    const candidates = recordsOf(folder, 'iteration-1/questions.jsonl');
    const kept = candidates.filter(({ fate }) => fate === 'kept');
    expect(first?.questions).toMatchObject({ candidates: candidates.length, kept: kept.length });
    const fates = first?.questions?.fates ?? {};
    expect(Object.values(fates).reduce((sum, count) => sum + count, 0)).toBe(candidates.length);
    const answers = candidates.flatMap(({ responses }) => (responses as string[] | undefined) ?? []);
    const unboxed = answers.filter((text) => !text.includes('\\boxed'));
    expect(first?.questions?.noBox).toBeCloseTo(unboxed.length / answers.length, 12);
    expect(first?.questions?.answerLength).toBeCloseTo(answers.join('').length / answers.length, 9);
    expect(first?.questions?.labelAccuracy?.asked).toBeGreaterThan(0.5);
    expect(first?.challenger).toMatchObject({ wellFormed: 0.97, distinct: 0.85 });
    expect(first?.solver?.meanTokens).toBe(132.5);
    expect(document.steps).toHaveLength(2 * (4 + 4));
    expect(document.phases).toHaveLength(1 + 2 * 4);
    expect(questions.count).toBe(80);
  });

  test('costs what its devices took, by the price of an hour', async () => {
    const folder = await writeSyntheticRun(path, SMALL);
    const { cost, phases } = readerOf(folder, 2).read().document;
    const seconds = phases.reduce((sum, phase) => sum + phase.seconds, 0);
    expect(cost).toEqual({
      seconds,
      tokens: 1000 * seconds,
      deviceHours: (8 * seconds) / 3600,
      busyShare: 0.75,
      pricePerHour: 2,
      price: (2 * 8 * seconds) / 3600,
      currency: '€',
    });
    expect(readerOf(folder).read().document.cost).toMatchObject({ pricePerHour: null, price: null });
  });

  test('shows what rzero eval left in it, by this version of the shape alone', async () => {
    const folder = await writeSyntheticRun(path, SMALL);
    const reader = readerOf(folder);
    const pulse = reader.pulse();
    expect(reader.pulse()).toBe(pulse);
    for (const [name, version, iteration] of [
      ['iteration-10', 1, 10],
      ['iteration-2', 1, 2],
      ['old', 2, 1],
      ['other', 1, null],
    ] as const) {
      mkdirSync(join(path, 'evals', name), { recursive: true });
      const scores = { version, program: name, model: { iteration } };
      writeFileSync(join(path, 'evals', name, 'scores.json'), JSON.stringify(scores));
    }
    mkdirSync(join(path, 'evals', 'unfinished'));
    expect(reader.pulse()).not.toBe(pulse);
    const { evaluations } = reader.read().document;
    expect(evaluations.map(({ program }) => program)).toEqual(['iteration-2', 'iteration-10', 'other']);
  });

  test('has a report without what is gone, and says what that is', async () => {
    const folder = await writeSyntheticRun(path, SMALL);
    rmSync(folder.file('iteration-1/questions.jsonl'));
    rmSync(folder.file('iteration-0/evaluation.jsonl'));
    const { document, missing } = readerOf(folder).read();
    expect(missing.sort()).toEqual(['iteration-0/evaluation.jsonl', 'iteration-1/questions.jsonl']);
    expect(document.iterations[0]?.evaluation).toBeNull();
    expect(document.iterations[1]).toMatchObject({ gain: null, questions: null, evaluation: { samples: 4 } });
  });

  test('damage is named', async () => {
    const folder = await writeSyntheticRun(path, SMALL);
    writeFileSync(folder.file('iteration-1/questions.jsonl'), '{"fate"');
    expect(() => readerOf(folder).read()).toThrow('iteration-1/questions.jsonl, line 1 is damaged');
  });
});

describe('a run that is not', () => {
  test.each([
    ['running', 'lost', null],
    ['failed', 'failed', 'the disk is full'],
  ] as const)('%s: what is not there is null', async (state, shown, error) => {
    const folder = await writeSyntheticRun(path, { ...SMALL, state });
    const { document, questions } = readerOf(folder).read();
    // Its process is this one, and holds the run no more.
    expect([shown, 'running', 'elsewhere']).toContain(document.run.state);
    expect(document.run.error).toBe(error);
    expect(document.iterations).toHaveLength(3);
    expect(document.iterations[2]).toMatchObject({
      evaluation: null,
      gain: null,
      challenger: { wellFormed: 0.97 },
      questions: null,
      solver: null,
    });
    const asked = recordsOf(folder, 'iteration-1/questions.jsonl').length;
    expect(questions.count).toBe(asked + 2 * 4 * recordsOf(folder, 'iteration-2/challenger/step-001.jsonl').length);
  });

  test('begun: nothing but its configuration is known', async () => {
    const folder = RunFolder.create(path);
    const journal = await RunJournal.open(path, { version: '1.0.0' });
    expect(() => readerOf(folder).read()).toThrow('run a run has nothing on record yet');
    journal.append({ type: 'run', config: { preset: 'mock' }, workingFolder: '/' });
    const { document, questions } = readerOf(folder).read();
    journal.close();
    expect(document).toMatchObject({ iterations: [], steps: [], phases: [], warnings: [], evaluations: [] });
    expect(document.cost).toMatchObject({ seconds: 0, tokens: null, deviceHours: null, busyShare: null });
    expect(questions.count).toBe(0);
    expect([questions.tableParts, questions.detailParts]).toEqual([0, 0]);
  });

  test('undone phases do not count', async () => {
    const folder = await writeSyntheticRun(path, SMALL);
    const journal = await RunJournal.open(path, { version: '1.0.0' });
    for (const phase of ['questions', 'solver', 'evaluation'] as const) {
      journal.append({ type: 'undone', iteration: 2, phase, reason: 'damaged' });
    }
    const warning = { iteration: 2, phase: 'questions' as const, message: 'look' };
    journal.append({ type: 'warning', ...warning });
    journal.append({ type: 'warning', ...warning, name: 'labels', action: 'stop' });
    const { document } = readerOf(folder).read();
    journal.close();
    expect(document.iterations[2]).toMatchObject({ evaluation: null, questions: null, solver: null });
    expect(document.phases).toHaveLength(6);
    const at = expect.stringMatching(/Z$/);
    expect(document.warnings).toEqual([
      { ...warning, at, name: null, action: null },
      { ...warning, at, name: 'labels', action: 'stop' },
    ]);
  });
});

test('a reader reads again what has changed, and nothing else', async () => {
  const folder = await writeSyntheticRun(path, SMALL);
  const reader = readerOf(folder);
  const before = reader.read();
  // By its mark in the journal it is what it was.
  const file = folder.file('iteration-1/questions.jsonl');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, '');
  expect(reader.read().questions.table(0)).toEqual(before.questions.table(0));
  writeFileSync(file, text);
  appendFileSync(file, `${JSON.stringify({ text: 'one more', fate: 'malformed' })}\n`);
  expect(reader.read().questions.count).toBe(before.questions.count);
  expect(readerOf(folder).read().questions.count).toBe(before.questions.count + 1);
});
