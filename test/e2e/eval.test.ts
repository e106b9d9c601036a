import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readEvaluation } from '../../ts/store/evaluationFolder.ts';
import { FolderLock } from '../../ts/store/folderLock.ts';
import { ChatEndpoint } from '../fixtures/chatEndpoint.ts';
import { SMALL_RUN } from '../fixtures/smallRun.ts';
import { type CliResult, cli, temporaryFolder } from './cli.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const inHome = (name: string) => join(home.path, name);
const read = (name: string) => readFileSync(inHome(name), 'utf8');
const inFolder = (args: readonly string[], options: Parameters<typeof cli>[1] = {}) =>
  cli(args, { workingFolder: home.path, ...options });
const evaluate = (model: string, ...args: string[]) =>
  inFolder(['eval', model, '--suite', 'arithmetic-2', '--limit', '10', ...args]);
const mock = (...args: string[]) => evaluate('mock://rzero', '--preset', 'mock', ...args);

describe('models on the mock worker', () => {
  let first: CliResult;
  beforeAll(async () => {
    first = await mock('--k', '4', '--out', 'four');
  }, 60_000);

  test('the table is on stdout, with what was not said elsewhere', () => {
    expect({ exitCode: first.exitCode, err: first.err }).toEqual({
      exitCode: 0,
      err: 'Evaluating mock://rzero on arithmetic-2: 10 items, backend mock, no judge.\n',
    });
    expect(first.out).toMatch(/items +k +greedy +mean@k +majority@k +pass@k/);
    expect(first.out).toMatch(/Arithmetic, 2 steps +10 of 100 +4 .*\* \[/);
    expect(first.out).toMatch(/temperature 0\.6, top-p 0\.95, top-k off, seed 1/);
    expect(first.out).toMatch(/No judge: the rule grader alone/);
    expect(first.out).toMatch(/first 10 of 100 items are not the whole benchmark/);
    expect(first.out).toMatch(/four/);
  });

  test('everything is kept, each response with its mark', () => {
    const lines = (name: string) =>
      read(`four/arithmetic-2/${name}`)
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    expect(lines('responses.jsonl')).toHaveLength(50);
    expect(lines('marks.jsonl')).toHaveLength(50);
    const { scores, items } = readEvaluation(inHome('four'));
    expect(scores.benchmarks[0]).toMatchObject({ items: 10, available: 100, samples: 4 });
    expect(items.get('arithmetic-2')).toHaveLength(10);
  });

  test('--json is scores.json, and what is there is not drawn again', async () => {
    const responses = read('four/arithmetic-2/responses.jsonl');
    const { out, exitCode } = await mock('--k', '4', '--out', 'four', '--json');
    expect(exitCode).toBe(0);
    expect(out).toBe(read('four/scores.json'));
    expect(read('four/arithmetic-2/responses.jsonl')).toBe(responses);
  });

  test('marks that are lost are made again, without a worker', async () => {
    const [scores, marks] = [read('four/scores.json'), read('four/arithmetic-2/marks.jsonl')];
    writeFileSync(inHome('four/arithmetic-2/marks.jsonl'), '');
    const args = ['eval', 'mock://rzero', '--preset', 'mock', '--suite', 'arithmetic-2', '--limit', '10', '--k', '4'];
    const again = await inFolder([...args, '--out', 'four'], { env: { RZERO_PYTHON: '/nowhere' } });
    expect(again.exitCode).toBe(0);
    expect(read('four/scores.json')).toBe(scores);
    expect(read('four/arithmetic-2/marks.jsonl').split('\n').sort()).toEqual(marks.split('\n').sort());
  });

  test('4 samples and then 16 are 16 at once', async () => {
    await mock('--k', '4', '--out', 'grown');
    await mock('--k', '16', '--out', 'grown');
    await mock('--k', '16', '--out', 'once');
    expect(read('grown/scores.json')).toBe(read('once/scores.json'));
  }, 60_000);

  test('what is begun beside and not finished is named, and has no scores yet', async () => {
    const [line] = read('grown/arithmetic-2/responses.jsonl').split('\n');
    writeFileSync(inHome('grown/arithmetic-2/responses.jsonl'), `${line}\n`);
    const args = [
      'eval',
      'mock://rzero',
      '--preset',
      'mock',
      '--suite',
      'arithmetic-3',
      '--limit',
      '2',
      '--out',
      'grown',
    ];
    const { exitCode, err } = await inFolder(args);
    expect(exitCode).toBe(0);
    expect(err).toMatch(/Note: arithmetic-2 was begun here and is not finished/);
    const { benchmarks } = JSON.parse(read('grown/scores.json'));
    expect(benchmarks.map(({ benchmark }: { benchmark: string }) => benchmark)).toEqual(['arithmetic-3']);
  });

  test('several workers come to the same', async () => {
    const several = ['--set', 'worker.count=2', '--set', 'worker.requestSamples=5'];
    await mock('--k', '4', '--out', 'several', ...several);
    expect(read('several/scores.json')).toBe(read('four/scores.json'));
  }, 60_000);

  test('another protocol is refused by name', async () => {
    const { exitCode, err } = await mock('--k', '4', '--out', 'four', '--temperature', '1', '--seed', '2');
    expect(exitCode).toBe(78);
    expect(err).toContain(
      'four holds an evaluation that was begun otherwise:\n  temperature: 0.6 -> 1\n  seed: 1 -> 2\n',
    );
  });

  test('a folder that somebody has is refused', async () => {
    const lock = new FolderLock(inHome('four'), 'four');
    const { exitCode, err } = await mock('--k', '4', '--out', 'four');
    lock.release();
    expect(exitCode).toBe(69);
    expect(err).toMatch(/four is held by process \d+/);
  });

  test('a benchmark of one file, greedily', async () => {
    writeFileSync(inHome('mine.jsonl'), '{"question":"What is 7 times 6?","answer":"42"}\n');
    writeFileSync(inHome('mine.yml'), 'source:\n  file: mine.jsonl\n');
    const { exitCode, err, out } = await inFolder(['eval', 'mock://rzero', '--preset', 'mock', '--suite', 'mine.yml']);
    expect({ exitCode, err: exitCode === 0 ? '' : err }).toEqual({ exitCode: 0, err: '' });
    expect(out).toMatch(/mine/);
    expect(existsSync(inHome('evals/mock_-rzero/mine/responses.jsonl'))).toBe(true);
  });

  test('with a judge: both gradings side by side, the judge asked once, its key nowhere', async () => {
    const endpoint = await ChatEndpoint.start();
    const key = 'a-key-that-looks-like-nothing';
    const judge = ['--judge', endpoint.url, '--judge-model', 'judge-1', '--judge-max-tokens', '77'];
    const args = ['eval', 'mock://rzero', '--preset', 'mock', '--suite', 'arithmetic-2', '--limit', '10', '--k', '4'];
    const judged = () => inFolder([...args, '--out', 'judged', ...judge], { env: { RZERO_JUDGE_KEY: key } });
    const { exitCode, out, err } = await judged();
    expect({ exitCode, err: exitCode === 0 ? '' : err }).toEqual({ exitCode: 0, err: '' });
    expect(out).toMatch(/The same with the judge/);
    expect(out).toMatch(/agree with the rules +kappa +points given +taken +no verdict/);
    expect(err).toMatch(/judge judge-1: \d+ answers judged/);
    expect(endpoint.requests.items[0]?.body).toMatchObject({ model: 'judge-1', max_tokens: 77 });
    const { protocol, benchmarks } = JSON.parse(read('judged/scores.json'));
    expect(protocol.judge).toEqual({ model: 'judge-1', endpoint: endpoint.url, temperature: 0 });
    expect(benchmarks[0].judged).toMatchObject({ agreement: 1, given: 0, taken: 0, missing: 0 });
    const verdicts = read('judged/arithmetic-2/verdicts.jsonl');
    expect((await judged()).err).toMatch(/judge judge-1: 0 answers judged/);
    expect(read('judged/arithmetic-2/verdicts.jsonl')).toBe(verdicts);
    await endpoint.close();
    for (const name of ['scores.json', 'evaluation.json', 'arithmetic-2/verdicts.jsonl']) {
      expect(read(`judged/${name}`)).not.toContain(key);
    }
    expect(out + err).not.toContain(key);
  }, 60_000);

  test('a stop says how to go on, and what goes on comes to the same', async () => {
    const args = ['eval', 'mock://rzero', '--preset', 'mock', '--suite', 'arithmetic-2', '--limit', '10', '--k', '4'];
    const out = ['--out', 'stopped', '--set', 'worker.requestSamples=5'];
    const stopped = await inFolder([...args, ...out], { stopAt: /Evaluating/ });
    expect(stopped.exitCode).toBe(130);
    expect(stopped.err).toMatch(/stopped; the same command goes on: what is on record is not drawn again/);
    expect((await inFolder([...args, ...out])).exitCode).toBe(0);
    expect(read('stopped/scores.json')).toBe(read('four/scores.json'));
  }, 60_000);

  test.each([
    [['--k', 'x'], '--k x: allowed are whole numbers from 0'],
    [['--temperature', '0'], '--temperature 0: allowed are numbers above 0'],
    [['--no-greedy', '--k', '0'], '--no-greedy leaves nothing to draw for arithmetic-2'],
    [['--iteration', '1'], "--iteration is for a run's folder"],
    [['--judge', 'http://localhost:1/v1', '--judge-model', 'm', '--judge-concurrency', '0'], '--judge-concurrency 0'],
    [['--judge', 'http://localhost:1/v1'], '--judge http://localhost:1/v1 needs --judge-model'],
  ])('%j is wrong usage', async (args, message) => {
    const { exitCode, err } = await mock(...args);
    expect(exitCode).toBe(2);
    expect(err).toContain(message);
  });
});

describe("a run's models", () => {
  beforeAll(async () => {
    await inFolder(['run', '--preset', 'mock', ...SMALL_RUN, '--out', 'run']);
  }, 60_000);

  test('its last Solver, unless told otherwise', async () => {
    const { exitCode, out } = await evaluate('run');
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^run, iteration 2/m);
    expect(readdirSync(inHome('run/evals'))).toEqual(['iteration-2']);
  });

  test('all of them in one go, as lists for programs', async () => {
    const { exitCode, out } = await evaluate('run', '--iteration', 'all', '--json');
    expect(exitCode).toBe(0);
    const models = JSON.parse(out).map(({ model }: { model: object }) => model);
    expect(models).toMatchObject([0, 1, 2].map((iteration) => ({ iteration, backbone: 'mock://rzero' })));
    expect(new Set(models.map(({ identity }: { identity: string }) => identity)).size).toBe(3);
    expect(readdirSync(inHome('run/evals')).sort()).toEqual(['iteration-0', 'iteration-1', 'iteration-2']);
  }, 60_000);

  test('an iteration that it has not is refused by name', async () => {
    const { exitCode, err } = await evaluate('run', '--iteration', '9');
    expect(exitCode).toBe(2);
    expect(err).toMatch(/there is no solver of iteration 9, but of 1, 2; --iteration 0 is its base/);
  });
});

test('the embedded base on PyTorch: as good as its exam says, and the same again', async () => {
  const args = ['eval', 'embedded', '--suite', 'arithmetic', '--k', '2', '--limit', '20'];
  const { exitCode, err } = await inFolder(args);
  expect({ exitCode, err: exitCode === 0 ? '' : err }).toEqual({ exitCode: 0, err: '' });
  const { benchmarks } = JSON.parse(read('evals/embedded/scores.json'));
  // 49 % of all 640 greedily.
  expect(benchmarks[0].greedy.value).toBeGreaterThan(15);
  expect(benchmarks[0].greedy.value).toBeLessThan(85);
  await inFolder([...args, '--out', 'again']);
  expect(read('again/scores.json')).toBe(read('evals/embedded/scores.json'));
}, 120_000);
