import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { byRule, marksOf } from '../../../ts/eval/answeredItem.ts';
import { buildScores } from '../../../ts/eval/buildScores.ts';
import type { DrawingProtocol, EvaluationDocument, SatBenchmark } from '../../../ts/eval/evaluationDocument.ts';
import { EvaluationFolder, readEvaluation } from '../../../ts/store/evaluationFolder.ts';
import { itemOf, satOf } from '../eval/answered.ts';

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'rzero-evaluation-'));
});
afterEach(() => rmSync(path, { recursive: true }));

const model = { name: 'm', identity: 'abc', backbone: 'm', iteration: null };
const protocol: DrawingProtocol = { temperature: 0.6, topP: 0.95, topK: 0, maxTokens: null, seed: 1, backend: 'mock' };
const document = (benchmarks: Record<string, SatBenchmark>, changes: Partial<EvaluationDocument> = {}) =>
  ({ version: 1, model, protocol, benchmarks, ...changes }) as EvaluationDocument;
const open = (asked: EvaluationDocument) => new EvaluationFolder(path, 'evals/m', asked);
const answers = [itemOf('b', '7', '7', '6'), itemOf('a', '6', '6', '7')];

/** Two items with a greedy response and two samples each, on record. */
function fill(name: string, sat = satOf({ samples: 2 })): void {
  const folder = open(document({ [name]: sat }));
  const records = folder.benchmark(
    name,
    answers.map(({ item }) => item),
  );
  const all = answers.flatMap(({ greedy, sampled }) => [...(greedy === null ? [] : [greedy]), ...sampled]);
  // In another order than the items have.
  records.addResponses(all.map(({ response }) => response).reverse());
  records.addMarks(all.map(({ mark }) => mark));
  folder.writeScores(
    buildScores(folder.document, [{ name, sat, answered: answers }], { math: [], general: [] }, null, '1'),
  );
  folder.close();
}

describe('an evaluation folder', () => {
  test('is read back with its items in order and their marks', () => {
    fill('one');
    const { scores, items } = readEvaluation(path);
    expect(scores.benchmarks.map(({ benchmark }) => benchmark)).toEqual(['one']);
    expect(items.get('one')?.map((item) => [item.item.id, marksOf(item, byRule)])).toEqual([
      ['b', { greedy: true, sampled: [true, false], majority: true }],
      ['a', { greedy: false, sampled: [false, true], majority: false }],
    ]);
  });

  test('takes other benchmarks in, and other numbers of items and samples', () => {
    fill('one');
    open(document({ two: satOf({ digest: 'e' }) })).close();
    const folder = open(document({ one: satOf({ samples: 8, items: 1 }) }));
    expect(Object.keys(folder.document.benchmarks)).toEqual(['one', 'two']);
    expect(folder.document.benchmarks.one).toMatchObject({ samples: 8, items: 1 });
    folder.close();
  });

  test.each<[string, EvaluationDocument, string]>([
    ['temperature', document({}, { protocol: { ...protocol, temperature: 1 } }), '  temperature: 0.6 -> 1'],
    ['seed', document({}, { protocol: { ...protocol, seed: 2 } }), '  seed: 1 -> 2'],
    ['backend', document({}, { protocol: { ...protocol, backend: 'vllm' } }), '  backend: "mock" -> "vllm"'],
    ['model', document({}, { model: { ...model, identity: 'def' } }), '  model: other files (SHA-256 abc -> def)'],
    [
      'model that only the hub knows',
      document({}, { model: { ...model, name: 'n', identity: null } }),
      '  model: "m" -> "n"',
    ],
    ['items', document({ one: satOf({ digest: 'e' }) }), '  items, prompt or grading of one (SHA-256 d -> e)'],
    ['length', document({ one: satOf({ maxTokens: 17 }) }), '  max-tokens of one: 16 -> 17'],
  ])('refuses another %s, and stays as it was', (_, asked, line) => {
    fill('one');
    const before = readFileSync(join(path, 'evaluation.json'), 'utf8');
    expect(() => open(asked)).toThrow(
      `evals/m holds an evaluation that was begun otherwise:\n${line}\nTake the changes back`,
    );
    expect(readFileSync(join(path, 'evaluation.json'), 'utf8')).toBe(before);
    // It is not held by who was refused.
    open(document({})).close();
  });

  test('a model that was moved is the same one', () => {
    fill('one');
    const folder = open(document({}, { model: { ...model, name: 'elsewhere' } }));
    expect(folder.document.model.name).toBe('m');
    folder.close();
  });

  test('without a response it is begun anew', () => {
    open(document({ one: satOf() })).close();
    const folder = open(document({ two: satOf() }, { protocol: { ...protocol, seed: 2 } }));
    expect(Object.keys(folder.document.benchmarks)).toEqual(['two']);
    folder.close();
  });

  test('is not made in a folder with something else', () => {
    writeFileSync(join(path, 'mine.txt'), 'mine');
    expect(() => open(document({}))).toThrow('evals/m is not empty and holds no evaluation');
  });

  test('cannot be read before it is finished, nor where none is', () => {
    expect(() => readEvaluation(path, 'x')).toThrow('x is no evaluation: it has no evaluation.json');
    open(document({ one: satOf() })).close();
    expect(() => readEvaluation(path, 'x')).toThrow('x is not finished: it has no scores.json');
    fill('one');
    writeFileSync(join(path, 'one', 'marks.jsonl'), '');
    expect(() => readEvaluation(path, 'x')).toThrow('x is not finished: one lacks responses or marks');
  });
});
