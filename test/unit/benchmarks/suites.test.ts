import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { describeSuite } from '../../../ts/benchmarks/suites.ts';

const home = mkdtempSync(join(tmpdir(), 'rzero-suites-'));
afterAll(() => rmSync(home, { recursive: true }));
writeFileSync(join(home, 'mine.yml'), 'source: {file: mine.jsonl}\n');
writeFileSync(join(home, 'other.json'), '{"name": "gsm8k", "source": {"file": "mine.jsonl"}}');

const names = (list: string) => describeSuite(list, home).map(({ name }) => name);

test.each([
  ['math', 7, 'amc'],
  ['general', 3, 'supergpqa'],
  ['all', 10, 'amc'],
  ['embedded', 2, 'arithmetic'],
  ['arithmetic-7', 1, 'arithmetic-7'],
])('%s is %d', (suite, count, first) => {
  expect(names(suite)).toHaveLength(count);
  expect(names(suite)[0]).toBe(first);
});

test('a list is in its order, and each counts once', () => {
  expect(names('gsm8k, amc,mine.yml,gsm8k')).toEqual(['gsm8k', 'amc', 'mine']);
  expect(names('gsm8k,math')).toHaveLength(7);
});

test('tasks of Reasoning Gym with size and seed', () => {
  const [plain, drawn] = describeSuite('reasoning-gym:chain_sum,reasoning-gym:chain_sum:seed=3:size=20', home);
  expect(plain?.source).toEqual({ task: 'chain_sum', size: 100, seed: 0 });
  expect(drawn).toMatchObject({ name: 'reasoning-gym:chain_sum:seed=3:size=20', group: 'own' });
  expect(drawn?.source).toEqual({ task: 'chain_sum', size: 20, seed: 3 });
});

describe('what is none is refused', () => {
  test.each([
    ['gsm8', /^"gsm8" is no benchmark \(did you mean "gsm8k"\?\): there are math, general, .*reasoning-gym:TASK/],
    ['', /^"" is no benchmark/],
    ['math,,amc', /^"" is no benchmark/],
    ['reasoning-gym:', /"" is no task/],
    ['reasoning-gym:a b', /"a b" is no task/],
    ['reasoning-gym:chain_sum:size=0', /"size=0" is no option: size=N with N from 1, and seed=N/],
    ['reasoning-gym:chain_sum:level=3', /"level=3" is no option/],
  ])('%s', (list, message) => {
    expect(() => names(list)).toThrow(
      expect.objectContaining({ code: 'unknown', message: expect.stringMatching(message) }),
    );
  });

  test('a file that is not there, and one with the name of another', () => {
    expect(() => names('nowhere.yml')).toThrow('nowhere.yml: no such file');
    expect(() => names('gsm8k,other.json')).toThrow('other.json: there is a benchmark gsm8k already');
  });
});
