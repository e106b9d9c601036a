import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RunFolder, RunFolderError } from '../../../ts/store/runFolder.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rzero-store-'));
});
afterEach(() => rmSync(home, { recursive: true }));

describe('run folder', () => {
  test('is made once and never written over', () => {
    const path = join(home, 'a', 'run');
    RunFolder.create(path).writeStatus({ status: 'running', startedAt: '2026-01-01T00:00:00Z' });
    expect(() => RunFolder.create(path)).toThrow(RunFolderError);
    expect(() => RunFolder.create(path)).toThrow(
      `run folder ${path} exists and is not empty; choose another with --out`,
    );
  });

  test('an empty folder is taken, a file in its place is an error of the file system', () => {
    expect(() => RunFolder.create(home)).not.toThrow();
    const file = join(home, 'file');
    writeFileSync(file, '');
    expect(() => RunFolder.create(file)).toThrow(/ENOTDIR|EEXIST/);
  });

  test('what is not a run cannot be opened', () => {
    expect(() => RunFolder.open(home)).toThrow(`${home} is not a run folder: it has no run.json`);
  });

  test('records and documents come back as they went, and leave no temporary file', () => {
    const run = RunFolder.create(join(home, 'run'));
    run.writeRecords('iteration-1/questions.jsonl', [{ a: 1 }, { a: 'two\nlines' }]);
    run.writeDocument('summary.json', { b: [1, 2] });
    run.appendMetrics({ step: 1 });
    run.appendMetrics({ step: 2 });
    expect(run.readRecords('iteration-1/questions.jsonl')).toEqual([{ a: 1 }, { a: 'two\nlines' }]);
    expect(run.readDocument('summary.json')).toEqual({ b: [1, 2] });
    expect(run.readRecords('metrics.jsonl')).toEqual([{ step: 1 }, { step: 2 }]);
    expect(readdirSync(run.path).sort()).toEqual(['iteration-1', 'metrics.jsonl', 'summary.json']);
  });

  test('a document that cannot be made leaves the old one whole', () => {
    const run = RunFolder.create(join(home, 'run'));
    run.writeDocument('summary.json', { good: true });
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(() => run.writeDocument('summary.json', circular)).toThrow(TypeError);
    expect(readFileSync(run.file('summary.json'), 'utf8')).toBe('{\n  "good": true\n}\n');
  });

  test("a model's folder does not exist yet, its parent does", () => {
    const run = RunFolder.create(join(home, 'run'));
    const folder = run.modelFolder(2, 'solver');
    expect(existsSync(folder)).toBe(false);
    expect(existsSync(join(folder, '..'))).toBe(true);
  });
});
