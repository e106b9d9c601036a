import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Questions } from '../../../ts/page/questions.ts';
import type { RunFolder } from '../../../ts/store/runFolder.ts';
import { writeSyntheticRun } from '../../fixtures/syntheticRun.ts';
import { readerOf } from './setup.ts';

let home: string;
let folder: RunFolder;
let questions: Questions;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'rzero-page-'));
  folder = await writeSyntheticRun(join(home, 'run'), {
    questions: 480,
    iterations: 2,
    samples: 4,
    problems: 4,
    answerLength: 20,
  });
  questions = readerOf(folder).read().questions;
});
afterAll(() => rmSync(home, { recursive: true }));

interface Recorded {
  question?: string;
  text?: string;
  fate?: string;
  responses?: string[];
}

/** Every record of a question, in the order in which they were asked. */
function recorded(): Recorded[] {
  const steps = ['001', '002', '003', '004'].map((step) => `challenger/step-${step}.jsonl`);
  return [1, 2].flatMap((iteration) =>
    [...steps, 'questions.jsonl'].flatMap((name) => folder.readRecords<Recorded>(`iteration-${iteration}/${name}`)),
  );
}

const details = () => Array.from({ length: questions.detailParts }, (_, part) => questions.details(part, true)).flat();

describe('tables and details', () => {
  test('have every question that was asked, in the order in which they were', () => {
    const records = recorded();
    const { text, fate, phase, iteration } = questions.table(0);
    expect(text).toEqual(records.map((record) => record.question ?? record.text));
    const head = questions.head({ included: true, reason: null });
    expect(fate.map((at) => head.fates[at])).toEqual(records.map((record) => record.fate));
    expect(new Set(phase.map((at) => head.phases[at]))).toEqual(new Set(['challenger', 'questions']));
    expect(iteration).toEqual([...iteration].sort());
    expect(details().map(({ samples }) => samples?.map((sample) => sample.text))).toEqual(
      records.map(({ responses = [] }) => responses),
    );
  });

  test('come in parts of as many as the head says', () => {
    const { count, detailSize, tableSize } = questions.head({ included: true, reason: null });
    expect(count).toBe(480);
    expect(questions.detailParts).toBe(Math.ceil(count / detailSize));
    expect(questions.tableParts).toBe(Math.ceil(count / tableSize));
    expect(questions.details(4, false)).toHaveLength(count - 4 * detailSize);
    // One part reaches over the end of a file.
    expect(questions.details(1, true)).toEqual(details().slice(100, 200));
  });

  test('tell when the Solver was trained on a question, and what it earned', () => {
    const { trained, fate } = questions.table(0);
    const all = details();
    expect(trained).toEqual(all.map(({ training }) => training.length));
    expect(trained.every((count, at) => count === 0 || fate[at] === 0)).toBe(true);
    const steps = folder.readRecords<{ question: string; rewards: number[] }>('iteration-1/solver/step-002.jsonl');
    const [{ question, rewards } = { question: '', rewards: [] }] = steps;
    const lessons = all[questions.table(0).text.lastIndexOf(question)]?.training ?? [];
    const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
    const whole = questions.table(0).text.flatMap((text, at) => (text === question ? (all[at]?.training ?? []) : []));
    expect(whole).toContainEqual({ iteration: 1, step: 2, reward: mean, rollouts: 4 });
    expect(lessons.every(({ iteration }) => iteration >= 1)).toBe(true);
  });

  test('kin are of later iterations, the likest first', () => {
    const { iteration, text } = questions.table(0);
    const all = details();
    for (const [number, { kin }] of all.entries()) {
      expect(kin.every(({ question }) => (iteration[question] ?? 0) > (iteration[number] ?? 0))).toBe(true);
      const likeness = kin.map(({ similarity }) => similarity);
      expect(likeness).toEqual([...likeness].sort((a, b) => b - a));
    }
    const words = (value = '') => new Set(value.split(' '));
    const [first] = all;
    const [{ question, similarity } = { question: 0, similarity: 0 }] = first?.kin ?? [];
    const [one, other] = [words(text[0]), words(text[question])];
    const both = [...one].filter((word) => other.has(word)).length;
    expect(similarity).toBeCloseTo(both / (one.size + other.size - both), 3);
    expect(first?.kin).toHaveLength(5);
    expect(all.at(-1)?.kin).toEqual([]);
  });
});
