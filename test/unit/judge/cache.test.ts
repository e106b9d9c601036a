import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VerdictCache, verdictKey } from '../../../ts/judge/cache.ts';

const folder = mkdtempSync(join(tmpdir(), 'rzero-cache-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const newFile = (): string => join(folder, randomUUID());

const judge = { model: 'm', temperature: 0 };
const response = { question: 'q', gold: 'g', answer: 'a' };

describe('what a verdict is known by', () => {
  test('a SHA-256, the same for the same', () => {
    expect(verdictKey(judge, response)).toMatch(/^[0-9a-f]{64}$/);
    expect(verdictKey({ ...judge }, { ...response })).toBe(verdictKey(judge, response));
  });

  test.each([
    ['the model', { ...judge, model: 'n' }, response],
    ['the temperature', { ...judge, temperature: 0.1 }, response],
    ['the question', judge, { ...response, question: 'q ' }],
    ['gold', judge, { ...response, gold: 'G' }],
    ['the answer', judge, { ...response, answer: 'a\n' }],
    ["gold and answer in each other's place", judge, { question: 'q', gold: 'a', answer: 'g' }],
    ['where one text ends', judge, { question: 'qg', gold: '', answer: 'a' }],
  ])('%s makes another', (_, otherJudge, otherResponse) => {
    expect(verdictKey(otherJudge, otherResponse)).not.toBe(verdictKey(judge, response));
  });

  test('no two triples of texts are one', () => {
    const text = fc.string({ unit: 'binary', maxLength: 3 });
    const triple = fc.record({ question: text, gold: text, answer: text });
    fc.assert(
      fc.property(triple, triple, (one, other) => {
        const same = one.question === other.question && one.gold === other.gold && one.answer === other.answer;
        expect(verdictKey(judge, one) === verdictKey(judge, other)).toBe(same);
      }),
    );
  });
});

describe('the file', () => {
  test('gives back what was put in, also to the next', () => {
    const path = newFile();
    const cache = new VerdictCache(path);
    expect(cache.get('one')).toBeUndefined();
    cache.set('one', true);
    cache.set('two', false);
    for (const one of [cache, new VerdictCache(path)]) {
      expect(['one', 'two', 'three'].map((key) => one.get(key))).toEqual([true, false, undefined]);
    }
    expect(readFileSync(path, 'utf8')).toBe('{"key":"one","right":true}\n{"key":"two","right":false}\n');
  });

  test('memory alone', () => {
    const cache = new VerdictCache(null);
    cache.set('one', true);
    expect(cache.get('one')).toBe(true);
    expect(new VerdictCache(null).get('one')).toBeUndefined();
  });

  test('cut anywhere, it gives what is whole, and takes more', () => {
    const whole = '{"key":"one","right":true}\n{"key":"two","right":false}\n';
    for (let length = 0; length <= whole.length; length++) {
      const path = newFile();
      writeFileSync(path, whole.slice(0, length));
      const lines = whole.slice(0, length).split('\n');
      const cache = new VerdictCache(path);
      // A line may lack its end alone.
      const has = (line: number, text: string): boolean => lines[line] === text;
      const one = has(0, '{"key":"one","right":true}') ? true : undefined;
      const two = has(1, '{"key":"two","right":false}') ? false : undefined;
      expect([length, cache.get('one'), cache.get('two')]).toEqual([length, one, two]);
      cache.set('three', true);
      cache.set('four', false);
      const next = new VerdictCache(path);
      expect(['one', 'two', 'three', 'four'].map((key) => next.get(key))).toEqual([one, two, true, false]);
    }
  });

  test('two write to one at a time, and each finds all of both afterwards', () => {
    const path = newFile();
    const [first, second] = [new VerdictCache(path), new VerdictCache(path)];
    for (let i = 0; i < 50; i++) {
      first.set(`first ${i}`, i % 2 === 0);
      second.set(`second ${i}`, i % 3 === 0);
    }
    const after = new VerdictCache(path);
    for (let i = 0; i < 50; i++) {
      expect([after.get(`first ${i}`), after.get(`second ${i}`)]).toEqual([i % 2 === 0, i % 3 === 0]);
    }
  });

  test('the first of two verdicts stays', () => {
    const path = newFile();
    writeFileSync(path, '{"key":"one","right":true}\n{"key":"one","right":false}\n');
    expect(new VerdictCache(path).get('one')).toBe(true);
  });

  test.each([
    '{"id":1,"question":"What?"}\n',
    'Some text.\n',
    'no end',
    '{"key":"one","right":true}\n{"id":2}\n',
    '{"other":1}',
  ])('%j is none, and stays as it is', (text) => {
    const path = newFile();
    writeFileSync(path, text);
    expect(() => new VerdictCache(path)).toThrow(/holds something else than verdicts \(line \d\): name another file$/);
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  test('what is no verdict of ours is not taken for one', () => {
    const path = newFile();
    writeFileSync(path, '{"key":"one","right":"yes"}\n{"key":"two","right":null}\n{"key":"three"}\n');
    appendFileSync(path, '{"key":"four","right":true}{"key":"five","right":true}\n');
    const cache = new VerdictCache(path);
    for (const key of ['one', 'two', 'three', 'four', 'five']) expect(cache.get(key)).toBeUndefined();
  });

  test('one that cannot be written is an error at once', () => {
    expect(() => new VerdictCache(join(folder, 'no', 'such', 'folder'))).toThrow(/ENOENT/);
  });
});
