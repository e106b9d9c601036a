import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ObjectStore, objectFile } from '../../../ts/store/objects.ts';
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
    expect(run.readRecords('iteration-1/questions.jsonl')).toEqual([{ a: 1 }, { a: 'two\nlines' }]);
    expect(run.readDocument('summary.json')).toEqual({ b: [1, 2] });
    expect(readdirSync(run.path).sort()).toEqual(['iteration-1', 'summary.json']);
    expect(readdirSync(run.file('iteration-1'))).toEqual(['questions.jsonl']);
  });

  test('a document that cannot be made leaves the old one whole', () => {
    const run = RunFolder.create(join(home, 'run'));
    run.writeDocument('summary.json', { good: true });
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(() => run.writeDocument('summary.json', circular)).toThrow(TypeError);
    expect(readFileSync(run.file('summary.json'), 'utf8')).toBe('{\n  "good": true\n}\n');
  });

  test('a file of records is known by its SHA-256, however it was written', () => {
    const run = RunFolder.create(join(home, 'run'));
    const records = Array.from({ length: 3000 }, (_, id) => ({ id, text: `Frage ä ${id}` }));
    const mark = run.writeRecords('iteration-1/solver.jsonl', records);
    const sha256 = createHash('sha256')
      .update(readFileSync(run.file(mark.name)))
      .digest('hex');
    expect(mark).toEqual({ name: 'iteration-1/solver.jsonl', sha256 });
    const file = run.openRecords('other.jsonl');
    for (const record of records) file.add(record);
    expect(file.finish()).toEqual({ name: 'other.jsonl', sha256 });
    expect(run.holds(mark)).toBe(true);
    writeFileSync(run.file(mark.name), 'changed');
    expect(run.holds(mark)).toBe(false);
    rmSync(run.file(mark.name));
    expect(run.holds(mark)).toBe(false);
  });

  test('records that cannot all be made leave nothing', () => {
    const run = RunFolder.create(join(home, 'run'));
    const records = function* () {
      yield { a: 1 };
      throw new Error('no more');
    };
    expect(() => run.writeRecords('a.jsonl', records())).toThrow('no more');
    expect(readdirSync(run.path)).toEqual([]);
  });

  test("a model's folder does not exist yet, its parent does; what an earlier attempt left there is put aside", () => {
    const run = RunFolder.create(join(home, 'run'));
    const name = 'iteration-2/models/solver';
    for (const attempt of [1, 2, 3]) {
      const folder = run.emptyFolder(name);
      expect(folder).toBe(run.folder(name));
      expect(existsSync(folder)).toBe(false);
      mkdirSync(folder);
      writeFileSync(join(folder, 'weights'), `${attempt}`);
    }
    const aside = (number: number) => run.readText(`quarantine/iteration-2-models-solver-${number}/weights`);
    expect([aside(1), aside(2)]).toEqual(['1', '2']);
  });

  test.each(['../x', 'a/../../x', '/etc/passwd', 'a//b', '.', '', 'a/..', 'a\0b'])(
    'no name leads out of it: %j',
    (name) => {
      const run = RunFolder.create(join(home, 'run'));
      expect(() => run.file(name)).toThrow(
        `a file of a run has the name ${JSON.stringify(name)}; allowed is a relative one`,
      );
      expect(() => run.emptyFolder(name)).toThrow(RunFolderError);
      expect(() => run.holds({ name, sha256: '' })).toThrow(RunFolderError);
      expect(() => run.remove(name)).toThrow(RunFolderError);
    },
  );

  test('removes what it is told to, and the folders that are empty then', () => {
    const run = RunFolder.create(join(home, 'run'));
    mkdirSync(run.file('a/b/c'), { recursive: true });
    writeFileSync(run.file('a/d'), '');
    run.tidy();
    run.tidiedBy(() => run.remove('a/b/c'));
    expect(readdirSync(run.file('a'))).toEqual(['d']);
    mkdirSync(run.file('a/b/c'), { recursive: true });
    run.tidy();
    expect(readdirSync(run.file('a'))).toEqual(['d']);
    run.remove('a/d');
    expect(readdirSync(run.path)).toEqual([]);
  });

  test('an object that frees its folder can be put again', () => {
    const run = RunFolder.create(join(home, 'run'));
    const store = new ObjectStore(run.path);
    const name = store.put({ a: 1 });
    run.remove(objectFile(name));
    expect(readdirSync(run.path)).toEqual([]);
    expect(store.get(store.put({ a: 1 }))).toEqual({ a: 1 });
  });

  test('shares with another run what is finished, and neither sees what becomes of the other', () => {
    const [one, other] = ['one', 'other'].map((name) => RunFolder.create(join(home, name))) as [RunFolder, RunFolder];
    const mark = one.writeRecords('iteration-1/solver/step-001.jsonl', [{ a: 1 }]);
    one.share('iteration-1', other);
    one.share(mark.name, other);
    expect(other.holds(mark)).toBe(true);
    other.writeRecords(mark.name, []);
    expect([one.holds(mark), other.holds(mark)]).toEqual([true, false]);
    expect(() => one.share('absent', other)).toThrow(/ENOENT/);
  });

  test('is unfinished from its first line on until it is finished', () => {
    const path = join(home, 'run');
    const run = RunFolder.create(path);
    expect(RunFolder.unfinished(path)).toBeUndefined();
    mkdirSync(run.file('journal'));
    expect(RunFolder.unfinished(path)?.path).toBe(path);
    expect(RunFolder.open(path).path).toBe(path);
    run.writeStatus({ status: 'preempted', startedAt: '' });
    expect(RunFolder.unfinished(path)?.readStatus()?.status).toBe('preempted');
    run.writeStatus({ status: 'finished', startedAt: '' });
    expect(RunFolder.unfinished(path)).toBeUndefined();
  });
});

describe("a model's folder", () => {
  const name = 'iteration-1/models/solver';

  /** As py_worker/rzero_worker/manifest.py describes a folder. */
  function writeModel(run: RunFolder, files: Record<string, string>) {
    const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(dirname(run.file(`${name}/${file}`)), { recursive: true });
      writeFileSync(run.file(`${name}/${file}`), content);
    }
    const described = Object.entries(files).map(([file, content]) => [
      file,
      { bytes: Buffer.byteLength(content), sha256: sha256(content) },
    ]);
    const manifest = JSON.stringify({ format: 1, files: Object.fromEntries(described), steps: 1, weightsVersion: 1 });
    writeFileSync(run.file(`${name}/manifest.json`), manifest);
    return { name, manifestSha256: sha256(manifest) };
  }

  const FILES = { 'config.json': '{}', 'shards/one.safetensors': 'x'.repeat(3_000_000) };

  test('is intact when all its files are', () => {
    const run = RunFolder.create(join(home, 'run'));
    expect(run.damageOf(writeModel(run, FILES))).toBeUndefined();
    expect(run.damageOf(writeModel(run, {}))).toBeUndefined();
  });

  test.each<[string, (run: RunFolder) => void, string | RegExp]>([
    ['the folder is gone', (run) => run.remove(name), `${name} is gone`],
    ['a file is gone', (run) => rmSync(run.file(`${name}/config.json`)), `${name}/config.json is gone`],
    [
      'a file is longer',
      (run) => writeFileSync(run.file(`${name}/config.json`), '{} '),
      `${name}/config.json is damaged: it has 3 bytes, not 2`,
    ],
    [
      'a byte is another',
      (run) => writeFileSync(run.file(`${name}/shards/one.safetensors`), `${'x'.repeat(2_999_999)}y`),
      /one.safetensors is damaged: its SHA-256 is [0-9a-f]{64}, not [0-9a-f]{64}$/,
    ],
    [
      'the manifest is another',
      (run) => writeFileSync(run.file(`${name}/manifest.json`), '{}'),
      /manifest.json is damaged: its SHA-256 is [0-9a-f]{64}, not/,
    ],
  ])('%s', (_, damage, message) => {
    const run = RunFolder.create(join(home, 'run'));
    const mark = writeModel(run, FILES);
    damage(run);
    expect(run.damageOf(mark)).toMatch(message);
  });

  test('what was hashed is only measured later, unless it is written anew', () => {
    const run = RunFolder.create(join(home, 'run'));
    const mark = writeModel(run, FILES);
    expect(run.damageOf(mark)).toBeUndefined();
    writeFileSync(run.file(`${name}/config.json`), '[]');
    expect(run.damageOf(mark)).toBeUndefined();
    run.writeStatus({ status: 'running', startedAt: '' });
    expect(RunFolder.open(run.path).damageOf(mark)).toMatch('damaged');
    rmSync(run.file(`${name}/config.json`));
    expect(run.damageOf(mark)).toMatch('gone');
  });

  test('a manifest that names files elsewhere is refused', () => {
    const run = RunFolder.create(join(home, 'run'));
    const mark = writeModel(run, FILES);
    const manifest = JSON.stringify({ format: 1, files: { '../../../../outside': { bytes: 1, sha256: '' } } });
    writeFileSync(run.file(`${name}/manifest.json`), manifest);
    mark.manifestSha256 = createHash('sha256').update(manifest).digest('hex');
    expect(() => run.damageOf(mark)).toThrow(RunFolderError);
  });
});
