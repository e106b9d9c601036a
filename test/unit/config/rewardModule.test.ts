import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../../ts/config/errors.ts';
import { loadRewardModule } from '../../../ts/config/rewardModule.ts';
import { METHODS } from '../../../ts/domain/published.ts';
import { scoreBatch } from '../../../ts/domain/score.ts';

const folder = mkdtempSync(join(tmpdir(), 'rzero-reward-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function module(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const batch = scoreBatch(
  ['1', '2'].map((question) => ({ text: '', parsed: { question, answer: null }, answers: ['1', question] })),
  METHODS.paper.challenger,
);

test('its rewards, with the hash of its file', async () => {
  const text = 'export default (batch) => batch.map(({ vote, reward }) => vote.agreement + reward.repetition);\n';
  const { reward, sha256 } = await loadRewardModule(module('good.mjs', text));
  expect(sha256).toBe(createHash('sha256').update(text).digest('hex'));
  // All of '1' and half of '2' agree; each question is half of the batch.
  expect(await reward(batch)).toEqual([1.5, 1]);
});

test('it may take its time', async () => {
  const { reward } = await loadRewardModule(module('slow.mjs', 'export default async (batch) => batch.map(() => 1);'));
  expect(await reward(batch)).toEqual([1, 1]);
});

describe('what is wrong with it is said', () => {
  const problem = async (path: string, use = false): Promise<string> => {
    try {
      const { reward } = await loadRewardModule(path, 'my.mjs');
      if (use) await reward(batch);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      return (error as Error).message;
    }
    throw new Error('it was accepted');
  };

  test.each([
    ['missing.mjs', undefined, 'rewards.challenger.module my.mjs: no such file'],
    [
      'throws.mjs',
      'throw new Error("no licence");',
      'rewards.challenger.module my.mjs: it cannot be loaded: no licence',
    ],
    ['empty.mjs', '', 'rewards.challenger.module my.mjs: its default export is missing: it must be a function'],
    [
      'number.mjs',
      'export default 3;',
      'rewards.challenger.module my.mjs: its default export is a number: it must be a function',
    ],
  ])('%s', async (name, text, message) => {
    expect(await problem(text === undefined ? join(folder, name) : module(name, text))).toBe(message);
  });

  test('what does not parse', async () => {
    expect(await problem(module('syntax.mjs', 'export default ('))).toMatch(/my\.mjs: it cannot be loaded: /);
  });

  test.each([
    ['late.mjs', '() => { throw new TypeError("x is not a function"); }', 'it threw x is not a function'],
    ['text.mjs', '() => { throw "text"; }', 'it threw text'],
    ['short.mjs', '() => [1]', 'it returned 1 rewards for 2 proposals, allowed is one each'],
    ['nan.mjs', '() => [1, NaN]', 'its reward 1 is NaN, allowed are finite numbers'],
    ['nothing.mjs', '() => {}', 'it returned undefined, allowed is an array of numbers'],
  ])('%s', async (name, body, message) => {
    const path = module(name, `export default ${body};`);
    expect(await problem(path, true)).toBe(`rewards.challenger.module my.mjs: ${message}`);
  });
});
