import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { differences, resultDigests } from '../../ts/bench/result.ts';
import { RunJournal } from '../../ts/store/journal.ts';
import { cli, temporaryFolder } from './cli.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const path = (name: string) => join(home.path, name);
const summary = (name: string) => readFileSync(join(path(name), 'summary.json'), 'utf8');

beforeAll(async () => {
  expect((await cli(['run', '--preset', 'mock', '--out', path('alone')])).exitCode).toBe(0);
}, 60_000);

/** A run that was stopped in its second phase. */
async function stopped(name: string, ...more: string[]) {
  const result = await cli(['run', '--preset', 'mock', '--out', path(name), ...more], { stopAt: /Challenger 1 from/ });
  expect(result.exitCode).toBe(130);
  return result;
}

function expectAsAlone(name: string): void {
  expect(differences(resultDigests(path('alone')), resultDigests(path(name)))).toEqual([]);
  expect(summary(name)).toBe(summary('alone'));
}

test('a run that was stopped says how to go on, and goes on to the same end', async () => {
  const { err } = await stopped('stopped');
  expect(err).toMatch(/rzero: stopped; go on with: rzero resume \S+stopped\n$/);
  expect(JSON.parse(readFileSync(join(path('stopped'), 'run.json'), 'utf8')).status).toBe('stopped');
  const show = await cli(['show', path('stopped')]);
  expect(show).toMatchObject({ exitCode: 2, err: expect.stringMatching(/not finished: it was stopped; rzero resume/) });

  const { exitCode, out, err: told } = await cli(['resume', path('stopped')]);
  expect(exitCode).toBe(0);
  expect(told).toMatch(/^Attempt 2 at \S+stopped, with 1 phase done before\.\n/);
  expect(told).toMatch(/base +evaluation +done before/);
  expect(out).toMatch(/Held-out problems/);
  expectAsAlone('stopped');
});

test('rzero run on a run that is not finished goes on with it, and says so', async () => {
  await stopped('again');
  const { exitCode, err } = await cli(['run', '--out', path('again')]);
  expect(exitCode).toBe(0);
  expect(err).toMatch(/^\S+again holds a run that is not finished: going on with it\.\n/);
  expectAsAlone('again');
  // A finished one is never written over.
  const once = await cli(['run', '--preset', 'mock', '--out', path('again')]);
  expect(once).toMatchObject({ exitCode: 2, err: expect.stringMatching(/exists and is not empty/) });
});

test('a run that was lost before it had done anything is begun in its folder', async () => {
  const journal = await RunJournal.open(path('early'), { version: 'test' });
  journal.close();
  expect(await cli(['resume', path('early')])).toMatchObject({
    exitCode: 2,
    err: expect.stringMatching(/start it anew/),
  });
  expect((await cli(['run', '--preset', 'mock', '--out', path('early')])).exitCode).toBe(0);
  expectAsAlone('early');
});

test('a finished run is shown', async () => {
  const { exitCode, err, out } = await cli(['resume', path('alone')]);
  expect(exitCode).toBe(0);
  expect(err).toMatch(/is finished/);
  expect(out).toMatch(/Held-out problems/);
  expect((await cli(['resume', path('nothing')])).err).toMatch(/nothing is not a run folder/);
});

describe('a configuration that was changed meanwhile', () => {
  test('is shown and refused where it would be another run', async () => {
    await stopped('changed');
    const { exitCode, err } = await cli(['resume', path('changed'), '--set', 'solver.steps=9', '--set', 'seed=5']);
    expect(exitCode).toBe(78);
    expect(err).toMatch(/was begun with another configuration:\n {2}seed: 1 -> 5\n {2}solver\.steps: 3 -> 9\n/);
    expect(err).toMatch(/rzero fork \S+changed --at iteration:K/);
    const other = await cli(['run', '--preset', 'mock', '--seed', '2', '--out', path('changed')]);
    expect(other).toMatchObject({ exitCode: 78, err: expect.stringMatching(/seed: 1 -> 2/) });
    // Nothing of it counts afterwards.
    expect((await cli(['resume', path('changed')])).exitCode).toBe(0);
    expectAsAlone('changed');
  });

  test('is taken, and shown, where it is harmless; in config.yml too', async () => {
    await stopped('harmless');
    const file = join(path('harmless'), 'config.yml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('checkpointEvery: 1', 'checkpointEvery: 2'));
    const { exitCode, err } = await cli(['resume', path('harmless'), '--set', 'worker.restarts=9']);
    expect(exitCode).toBe(0);
    expect(err).toMatch(/Changed since:\n {2}worker\.restarts: 5 -> 9\n {2}storage\.checkpointEvery: 1 -> 2\n/);
    expect(readFileSync(file, 'utf8')).toMatch('restarts: 9');
    expectAsAlone('harmless');
  });

  test('a config.yml that is gone comes from the journal; one that is damaged is named', async () => {
    await stopped('gone');
    const file = join(path('gone'), 'config.yml');
    appendFileSync(file, '\nzzz: 1\n');
    const { exitCode, err } = await cli(['resume', path('gone')]);
    expect(exitCode).toBe(78);
    expect(err).toMatch(
      /unknown option "zzz".*\n\(without \S+config\.yml the run goes on with the configuration in its/,
    );
    rmSync(file);
    expect((await cli(['resume', path('gone')])).exitCode).toBe(0);
    expect(existsSync(file)).toBe(true);
    expectAsAlone('gone');
  });

  test('more iterations come after those that are there', async () => {
    const args = ['run', '--preset', 'mock', '--iterations', '1', '--out', path('longer')];
    expect((await cli(args)).exitCode).toBe(0);
    const { exitCode, err } = await cli(['resume', path('longer'), '--set', 'iterations=2']);
    expect(exitCode).toBe(0);
    expect(err).toMatch(/iterations: 1 -> 2/);
    expectAsAlone('longer');
  });
});

describe('a fork', () => {
  test('with nothing changed ends as the run that it comes from', async () => {
    const fork = await cli(['fork', path('alone'), '--at', 'iteration:2', '--out', path('same')]);
    expect(fork).toMatchObject({
      exitCode: 0,
      err: expect.stringMatching(/shares 5 phases with .*\nGo on with: rzero/),
    });
    const { exitCode, err } = await cli(['resume', path('same')]);
    expect(exitCode).toBe(0);
    expect(err.match(/ done before /g)).toHaveLength(5);
    expectAsAlone('same');
  });

  test('with another option shares what came before it, and leaves the first run as it was', async () => {
    const before = resultDigests(path('alone'));
    const args = ['--at', 'iteration:2/solver', '--out', path('other'), '--set', 'solver.steps=2'];
    const fork = await cli(['fork', path('alone'), ...args]);
    expect(fork.err).toMatch(/what follows is done with\n {2}solver\.steps: 3 -> 2\n/);
    expect((await cli(['resume', path('other')])).exitCode).toBe(0);
    const changed = differences(before, resultDigests(path('other')));
    expect(changed).toContain('iteration-2/models/solver/weights.json');
    expect(changed.filter((name) => !/^iteration-2\/(solver|models\/solver|evaluation)/.test(name))).toEqual([]);
    expect(existsSync(join(path('other'), 'iteration-2/solver/step-003.jsonl'))).toBe(false);
    expect(resultDigests(path('alone'))).toEqual(before);
  });

  test('at a point whose models were freed is refused by name', async () => {
    const run = await cli(['run', '--preset', 'mock', '--set', 'storage.keepModels=last', '--out', path('few')]);
    expect(run.exitCode).toBe(0);
    const { exitCode, err } = await cli(['fork', path('few'), '--at', 'iteration:2', '--out', path('refused')]);
    expect(exitCode).toBe(2);
    expect(err).toMatch(/cannot be forked at iteration:2: iteration-1\/models\/challenger is not there any more/);
    expect(existsSync(path('refused'))).toBe(false);
  });

  test('at a point that is none, or not reached, is refused and leaves nothing', async () => {
    const at = (point: string) => cli(['fork', path('alone'), '--at', point, '--out', path('refused')]);
    expect(await at('two')).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/--at is "two": allowed is iteration:K/),
    });
    expect(await at('iteration:4')).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/cannot be forked at iteration:4: iteration 3, evaluation is not over/),
    });
    expect(existsSync(path('refused'))).toBe(false);
  });
});
