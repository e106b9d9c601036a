import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { differences, resultDigests } from '../../ts/bench/result.ts';
import { VERBS } from '../../ts/protocol/generated.ts';
import { readJournal } from '../../ts/store/journal.ts';
import { cli, temporaryFolder } from '../e2e/cli.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const path = (name: string) => join(home.path, name);

/** Several updates a step, so that log-probs are asked for; an anchor that follows, which is averaged. */
const SIZES = [
  'challenger.steps=3',
  'challenger.rollouts=8',
  'challenger.miniBatch=4',
  'questions.candidates=8',
  'solver.steps=3',
  'solver.prompts=2',
  'solver.rollouts=4',
  'solver.miniBatch=4',
  'evaluation.problems=4',
  'roles.anchor=ema',
].flatMap((set) => ['--set', set]);

/** A run on a mock worker with faults (py_worker/README.md), each of which happens once. */
async function run(name: string, faults: readonly string[], ...more: string[]) {
  process.env.RZERO_FAULT = faults.join(';');
  process.env.RZERO_FAULT_ONCE = mkdtempSync(path('once-'));
  return cli(['run', '--preset', 'mock', ...SIZES, '--out', path(name), ...more]);
}

afterEach(() => {
  delete process.env.RZERO_FAULT;
  delete process.env.RZERO_FAULT_ONCE;
});

beforeAll(async () => {
  expect((await run('alone', [])).exitCode).toBe(0);
}, 60_000);

function expectAsAlone(name: string): void {
  expect(differences(resultDigests(path('alone')), resultDigests(path(name)))).toEqual([]);
  expect(readFileSync(join(path(name), 'summary.json'))).toEqual(readFileSync(join(path('alone'), 'summary.json')));
}

const restarts = (name: string): number =>
  readJournal(path(name)).entries.filter(
    (entry) => entry.type === 'workers' && entry.message.includes('is started again'),
  ).length;

/** The verbs of a run. */
const USED = Object.entries(VERBS).flatMap(([verb, { control }]) =>
  control || verb === 'sleep' || verb === 'wake' ? [] : [verb],
);

describe('a worker that is killed once at every verb', () => {
  test.each(['kill', 'kill-after'])(
    '%s: the run ends as one that was left alone',
    async (action) => {
      const result = await run(
        action,
        // A model is looked at once.
        USED.map((verb) => `${action}@${verb}:${verb === 'inspect_model' ? 1 : 2}`),
        ...['--set', 'worker.restarts=9'],
      );
      expect(result.exitCode).toBe(0);
      expect(restarts(action)).toBe(USED.length);
      expectAsAlone(action);
    },
    120_000,
  );
});

describe('a worker that goes wrong otherwise', () => {
  test('it exits, and says why', async () => {
    const result = await run('exits', ['exit@forward_backward:3']);
    expect(result.exitCode).toBe(0);
    expect(result.err).toMatch(/workers: .*exit code 1/);
    expectAsAlone('exits');
  }, 60_000);

  test('it hangs, heartbeats and all: it is found by its deadline', async () => {
    const result = await run('hangs', ['hang@optim_step:2'], '--set', 'worker.deadlines.train=2');
    expect(result.exitCode).toBe(0);
    expect(result.err).toMatch(/optim_step made no progress for 2 s/);
    expectAsAlone('hangs');
  }, 60_000);

  test('it is slow, and gets on: nobody kills it', async () => {
    const result = await run('slow', ['slow@sample:20'], '--set', 'worker.deadlines.sample=1');
    expect(result.exitCode).toBe(0);
    expect(restarts('slow')).toBe(0);
    expectAsAlone('slow');
  }, 120_000);

  test('it runs out of memory, and has enough for less', async () => {
    const result = await run('oom', ['oom@forward_backward:1', 'oom@forward:2']);
    expect(result.exitCode).toBe(0);
    expectAsAlone('oom');
  }, 60_000);

  test('a loss is not finite: the update is skipped, with a warning', async () => {
    const result = await run('nan', ['nan@forward_backward:2']);
    expect(result.exitCode).toBe(0);
    expect(result.err).toMatch(/warning: .*update 2 was skipped/s);
  }, 60_000);

  test('a checkpoint cannot be written: the run stops, and goes on to the same end', async () => {
    const result = await run('io', ['io@save_checkpoint:2']);
    expect(result.exitCode).toBe(74);
    delete process.env.RZERO_FAULT;
    expect((await cli(['resume', path('io')])).exitCode).toBe(0);
    expectAsAlone('io');
  }, 60_000);

  test('it dies at once, over and over: the run ends with what it died of', async () => {
    const result = await run('loop', ['exit@load_model:1:always'], '--set', 'worker.restarts=1');
    expect(result.exitCode).toBe(69);
    expect(result.err).toMatch(/rzero: .*worker 1.*exit code 1/);
    expect(readJournal(path('loop')).entries.at(-1)).toMatchObject({ type: 'end', how: 'failed' });
    delete process.env.RZERO_FAULT;
    expect((await cli(['resume', path('loop')])).exitCode).toBe(0);
  }, 60_000);
});
