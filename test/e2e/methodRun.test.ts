import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { METHODS } from '../../ts/domain/published.ts';
import { readJournal } from '../../ts/store/journal.ts';
import { cli, temporaryFolder } from './cli.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const read = (name: string) => readFileSync(join(home.path, ...name.split('/')), 'utf8');
const lines = (name: string) =>
  read(name)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const run = (out: string, ...sets: string[]) =>
  cli(['run', '--preset', 'mock', '--iterations', '1', ...sets.flatMap((set) => ['--set', set]), '--out', out], {
    workingFolder: home.path,
  });

test.each(['repo-head', 'repo-2025'] as const)(
  '%s at the sizes of the mock',
  async (name) => {
    const { curriculum } = METHODS[name];
    const { exitCode } = await run(
      name,
      `rewards.challenger=${name}`,
      `rewards.solver=${name}`,
      'questions.votes=9',
      ...(['parsing', 'voting', 'center', 'delta'] as const).map((key) => `questions.${key}=${curriculum[key]}`),
    );
    expect(exitCode).toBe(0);
    for (const { reward, agreement } of lines(`${name}/iteration-1/challenger/step-001.jsonl`)) {
      const p = reward.validity === 1 ? agreement : 0;
      const uncertainty = reward.format === 1 ? Math.min(p, 1 - p) : -1;
      expect(reward.total).toBeCloseTo(uncertainty - reward.repetition, 12);
    }
    const kept = lines(`${name}/iteration-1/questions.jsonl`).filter(({ fate }) => fate === 'kept');
    expect(kept.length).toBeGreaterThan(0);
    for (const { vote } of kept) {
      expect(vote.votes / vote.samples).toBeGreaterThanOrEqual(0.3 - 1e-9);
      expect(vote.votes / vote.samples).toBeLessThanOrEqual(0.8 + 1e-9);
      expect(vote.samples).toBeLessThanOrEqual(9);
    }
  },
  60_000,
);

test('every option at once: rounds, order, gates, one model, credit', async () => {
  const { exitCode, err } = await run(
    'options',
    'questions.answersPerRound=3',
    'questions.order=hard-first',
    'questions.shortfall=resample',
    'questions.duplicates=drop',
    'rewards.challenger.echo=refused',
    'roles={models: one, judge: current, anchor: base}',
    'solver.credit={advantage: leave-one-out, zeroVariance: drop, overlong: penalise, overlongPenalty: 0.5}',
    'challenger.credit={advantage: dr-grpo, zeroVariance: drop, overlong: mask}',
  );
  expect({ exitCode, err: exitCode === 0 ? '' : err }).toEqual({ exitCode: 0, err: '' });
  const metrics = lines('options/metrics.jsonl');
  const questions = metrics.find(({ kind, phase }) => kind === 'phase' && phase === 'questions');
  expect(questions.savedSamples).toBeGreaterThan(0);
  expect(questions.savedTokens).toBeGreaterThan(0);
}, 60_000);

test.each([
  ['gspo', 'solver.aggregation=sequence', 'solver.klEstimator=k2'],
  ['cispo', 'solver.aggregation=constant', 'solver.klEstimator=k1'],
  ['policy_gradient', 'solver.aggregation=token', 'solver.importanceCap=1.5'],
])(
  'the loss %s trains a whole run, in which sampler and trainer are close',
  async (loss, ...sets) => {
    const { exitCode, err } = await run(loss, `solver.loss=${loss}`, `challenger.loss=${loss}`, ...sets);
    expect({ exitCode, err: exitCode === 0 ? '' : err }).toEqual({ exitCode: 0, err: '' });
    const steps = lines(`${loss}/metrics.jsonl`).filter(({ kind }) => kind === 'step');
    expect(steps.length).toBeGreaterThan(4);
    for (const { updates, skippedUpdates, gradNorm, importanceMean, importanceCapped, samplerKl } of steps) {
      expect([updates, skippedUpdates, importanceCapped]).toEqual([1, 0, 0]);
      expect(gradNorm).toBeGreaterThan(0);
      // What topP 0.99 cuts off is the difference: the policy is a little less likely than what was drawn from.
      expect(importanceMean).toBeGreaterThan(0.98);
      expect(importanceMean).toBeLessThan(1);
      expect(samplerKl).toBeGreaterThan(0);
      expect(samplerKl).toBeLessThan(1e-3);
    }
  },
  60_000,
);

test('an anchor that follows the policy is nearer to it than one that stays at the start of the phase', async () => {
  const divergence = async (out: string, ...sets: string[]): Promise<number> => {
    const { exitCode, err } = await run(out, ...sets);
    expect({ exitCode, err: exitCode === 0 ? '' : err }).toEqual({ exitCode: 0, err: '' });
    return lines(`${out}/metrics.jsonl`).findLast(({ kind, phase }) => kind === 'step' && phase === 'solver').kl;
  };
  const still = await divergence('still');
  const follows = await divergence('follows', 'roles.anchor=ema', 'roles.anchorDecay=0.9');
  const sticks = await divergence('sticks', 'roles.anchor=ema', 'roles.anchorDecay=0');
  expect(follows).toBeLessThan(still);
  expect(sticks).toBeLessThan(follows);
  // It is the policy itself, seen through log-probs of 32 bits.
  expect(sticks).toBeLessThan(1e-9);
}, 60_000);

test("a reward of one's own is used, and its hash kept", async () => {
  const text = 'export default (batch) => batch.map((_, i) => i);\n';
  writeFileSync(join(home.path, 'mine.mjs'), text);
  expect((await run('own', 'rewards.challenger=./mine.mjs')).exitCode).toBe(0);
  const sha256 = createHash('sha256').update(text).digest('hex');
  expect(readJournal(join(home.path, 'own')).entries[0]).toMatchObject({
    type: 'run',
    rewardModule: { path: './mine.mjs', sha256 },
  });
  const records = lines('own/iteration-1/challenger/step-001.jsonl');
  expect(records.map(({ reward }) => reward.total)).toEqual(records.map((_, i) => i));
}, 60_000);

test('a run does not go on with a reward that has changed', async () => {
  const file = join(home.path, 'changing.mjs');
  writeFileSync(file, 'export default () => { throw new Error("not yet"); };');
  await run('changing', 'rewards.challenger=./changing.mjs');
  writeFileSync(file, 'export default (batch) => batch.map(() => 1);\n');
  const { exitCode, err } = await cli(['resume', 'changing'], { workingFolder: home.path });
  expect(exitCode).toBe(78);
  expect(err).toMatch(/\.\/changing\.mjs has changed since run changing was begun: its SHA-256 is \w+, and was \w+/);
}, 60_000);

test('a reward that cannot be loaded ends the run before it begins; one that throws ends it with its words', async () => {
  const missing = await run('missing', 'rewards.challenger=./none.mjs');
  expect(missing.exitCode).toBe(78);
  expect(missing.err).toMatch(/rewards\.challenger\.module \.\/none\.mjs: no such file/);
  expect(existsSync(join(home.path, 'missing', 'run.json'))).toBe(false);
  writeFileSync(join(home.path, 'throws.mjs'), 'export default () => { throw new Error("too dear"); };');
  const thrown = await run('thrown', 'rewards.challenger=./throws.mjs');
  expect(thrown.exitCode).toBe(78);
  expect(JSON.parse(read('thrown/run.json'))).toMatchObject({
    status: 'failed',
    error: 'rewards.challenger.module ./throws.mjs: it threw too dear',
  });
}, 60_000);

test('too few questions end the run where the configuration says so', async () => {
  const { exitCode, err } = await run('few', 'questions.shortfall=stop', 'questions.delta=0', 'questions.center=0');
  expect(exitCode).toBe(65);
  expect(err).toMatch(/kept 0 of 32 questions and a batch of the Solver holds 8; questions\.shortfall is stop/);
  expect(JSON.parse(read('few/run.json')).status).toBe('failed');
}, 60_000);
