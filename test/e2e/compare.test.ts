import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cli, temporaryFolder } from './cli.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const path = (name: string) => join(home.path, name);

beforeAll(async () => {
  for (const [name, seed] of Object.entries({ one: '1', other: '2' })) {
    const run = ['run', '--preset', 'mock', '--iterations', '1', '--set', 'evaluation.problems=8', '--seed', seed];
    expect((await cli([...run, '--out', path(name)])).exitCode).toBe(0);
  }
  const evaluate = ['eval', path('one'), '--suite', 'arithmetic', '--limit', '4', '--k', '2', '--iteration', 'all'];
  expect((await cli(evaluate)).exitCode).toBe(0);
}, 60_000);

describe('rzero compare', () => {
  test('two runs by the held-out problems that both sat', async () => {
    const { exitCode, out } = await cli(['compare', path('one'), path('other')]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^A: \S+one, iteration 1\nB: \S+other, iteration 1\n/);
    expect(out).toMatch(/held-out problems, greedy +8 /);
    expect(out).toMatch(/A alone sat Arithmetic \(greedy\), Arithmetic \(mean\)\./);
  });

  test('two iterations of a run by what rzero eval left of them', async () => {
    const evaluation = (iteration: number) => path(`one/evals/iteration-${iteration}`);
    const { exitCode, out } = await cli(['compare', evaluation(0), evaluation(1), '--json']);
    expect(exitCode).toBe(0);
    const { benchmarks } = JSON.parse(out);
    expect(
      benchmarks.map(({ benchmark, metric, items }: Record<string, unknown>) => [benchmark, metric, items]),
    ).toEqual([
      ['arithmetic', 'greedy', 4],
      ['arithmetic', 'mean', 4],
    ]);
  });

  test('a run beside the paper, or alone where the paper does not have its backbone', async () => {
    const { exitCode, out } = await cli(['compare', path('one')]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^Others, % right +Arithmetic\nbase +\d/);
    expect(out).toContain('The paper has no rows for this backbone');
  });

  test.each([
    [['compare', 'other'], 'run other has no evaluation yet: rzero eval other --suite math makes one'],
    [['compare', '.'], '. is neither a run (run.json) nor an evaluation (evaluation.json)'],
    [['compare', 'one', 'other', '--iteration', '7'], 'run one has no iteration 7 that is over'],
    [
      ['compare', 'one', 'other', '--iteration', 'last'],
      '--iteration is last, allowed are whole numbers from 0 (the base)',
    ],
    [['compare', 'one', '--judged'], '--judged is for two models: rzero compare A B --judged ...'],
    [
      ['compare', 'one/evals/iteration-0', 'one/evals/iteration-1', '--judged'],
      '--judged: one/evals/iteration-0 was not judged',
    ],
    [
      ['compare', 'one/evals/iteration-0', 'one', '--iteration', '1'],
      '--iteration is for runs, and one/evals/iteration-0 is an evaluation',
    ],
  ])('%p is refused in a sentence', async (args, message) => {
    expect(await cli(args, { workingFolder: home.path })).toMatchObject({ exitCode: 2, err: `rzero: ${message}\n` });
  });

  test('an evaluation that is not finished is refused with what to do', async () => {
    writeFileSync(path('one/evals/evaluation.json'), '{}');
    const { exitCode, err } = await cli(['compare', path('one/evals')]);
    expect({ exitCode, err }).toEqual({
      exitCode: 2,
      err: expect.stringMatching(/is not finished: it has no scores\.json/),
    });
  });
});
