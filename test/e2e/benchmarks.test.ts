import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadSuite } from '../../ts/benchmarks/load.ts';
import { benchmarkTools } from '../../ts/cli/benchmarkTools.ts';
import { python } from '../fixtures/python.ts';
import { StandInHub } from '../fixtures/standInHub.ts';
import { cli } from './cli.ts';

const home = mkdtempSync(join(tmpdir(), 'rzero-benchmarks-'));
let hub: StandInHub;
beforeAll(async () => {
  hub = await StandInHub.start();
});
afterAll(async () => {
  await hub.close();
  rmSync(home, { recursive: true });
});

const run = (args: string[], env: NodeJS.ProcessEnv = {}) => cli(['benchmarks', ...args], { workingFolder: home, env });

test('the list has every benchmark, and as JSON all that is said of one', async () => {
  const { exitCode, out } = await run([]);
  expect(exitCode).toBe(0);
  expect(out).toMatch(/math-500 +MATH-500 +math +500 +greedy +4096 +HuggingFaceH4\/MATH-500 at 6e4ed1a2\n/);
  expect(out).toMatch(/amc +AMC +math +40 +mean@32/);
  const list = JSON.parse((await run(['--json'])).out);
  expect(list).toHaveLength(21);
  expect(list[3]).toMatchObject({ name: 'gsm8k', fields: { answer: { from: 'answer', after: '####' } } });
});

test('an item is shown as the model sees it, without what would move the cursor', async () => {
  writeFileSync(join(home, 'amc.csv'), 'question,answer\nFirst?,1\n"Se\u001b[2Jcond?\nReally?",2\n');
  const { exitCode, out } = await run(['amc', '--data', '.', '--item', '2']);
  expect(exitCode).toBe(0);
  expect(out).toMatch(/^AMC \(amc\): 2 items, mean@32, at most 4096 new tokens\namc\.csv, digest [0-9a-f]{64}\n/);
  expect(out).toContain('\nuser\n  Se\\u001b[2Jcond?\n  Really?\nwhat is right\n  2\n');
  const [shown] = JSON.parse((await run(['amc', '--data', '.', '--json'])).out);
  expect(shown).toMatchObject({
    name: 'amc',
    items: 2,
    item: { id: '1' },
    messages: [{ role: 'system' }, { role: 'user' }],
  });
});

describe('a wrong call', () => {
  test.each([
    [['gsm8'], 2, /did you mean "gsm8k"/],
    [['--item', '1'], 2, /--item is for a benchmark, and none is named/],
    [['arithmetic', '--item', 'x'], 2, /--item x: arithmetic has 640 items, which begin with 1, 2, 3/],
    [['gsm8k', '--data', '.'], 65, /the data folder \. has no gsm8k\.jsonl/],
    [['nowhere.yml'], 78, /nowhere\.yml: no such file/],
  ])('%j', async (args, code, message) => {
    const { exitCode, err } = await run(args);
    expect({ exitCode, err }).toEqual({ exitCode: code, err: expect.stringMatching(message) });
  });
});

describe('the hub', () => {
  const env = (): NodeJS.ProcessEnv => ({ ...hub.env(), HF_HOME: join(home, 'cache') });

  test("a benchmark of one's own from the hub, and again from its cache", async () => {
    const files = new Map([['data/test.jsonl', Buffer.from('{"q": "Two?", "options": ["1", "2"], "gold": 1}\n')]]);
    hub.repositories.set('datasets/me/two', { isPrivate: false, branches: new Map([['main', files]]), commits: [] });
    const fields = '{question: q, choices: options, answer: {from: gold, letterOfIndex: true}}';
    writeFileSync(join(home, 'two.yml'), `source: {hub: me/two, files: data/test.jsonl}\nfields: ${fields}\n`);
    const first = await run(['two.yml'], env());
    expect(first.err).toBe('');
    expect(first.out).toMatch(/me\/two at [0-9a-f]{40}, digest/);
    expect(first.out).toContain('  A. 1\n  B. 2\n');
    expect((await run(['two.yml'], { ...env(), HF_HUB_OFFLINE: '1' })).out).toBe(first.out);
  });

  test('what it has not, and what it keeps to itself', async () => {
    writeFileSync(join(home, 'none.yml'), 'source: {hub: me/none, files: a.jsonl}\n');
    expect(await run(['none.yml'], env())).toMatchObject({
      exitCode: 65,
      err: expect.stringContaining('data set me/none has no file a.jsonl at main'),
    });
    hub.fail(/none/, 403, 9);
    expect(await run(['none.yml'], env())).toMatchObject({
      exitCode: 77,
      err: expect.stringContaining('does not accept the token in HF_TOKEN, or go on without the hub: --data FOLDER'),
    });
  });

  test('offline, without a cache: how to go on', async () => {
    const { exitCode, err } = await run(['amc'], { ...env(), HF_HUB_OFFLINE: '1' });
    expect(exitCode).toBe(69);
    expect(err).toContain("is not in the hub's cache, and HF_HUB_OFFLINE is set: unset it, or go on without the hub: ");
    expect(err).toContain('--data FOLDER reads FOLDER/amc.jsonl (or .json, .csv, .parquet)');
  });
});

describe('Reasoning Gym', () => {
  const fixtures = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures');
  const env = { ...process.env, RZERO_PYTHON: python(), PYTHONPATH: fixtures };

  async function load(suite: string, signal: AbortSignal) {
    const [benchmark] = await loadSuite(suite, { workingFolder: home, tools: benchmarkTools({ env }), signal });
    if (benchmark === undefined) throw new Error(suite);
    return benchmark;
  }

  test('items and scores are those of the task; its death is said', async () => {
    const stop = new AbortController();
    const benchmark = await load('reasoning-gym:doubling:size=3:seed=4', stop.signal);
    expect(benchmark.items.map(({ answer }) => answer)).toEqual(['8', '10', '12']);
    const item = benchmark.items[1] as (typeof benchmark.items)[number];
    const marks = await benchmark.grade(item, ['\\boxed{10}', '\\boxed{11}', 'ten', '\\boxed{raise}']);
    expect(marks.map(({ correct, undecided }) => [correct, undecided])).toEqual([
      [true, false],
      [false, false],
      [false, false],
      [false, true],
    ]);
    await expect(benchmark.grade(item, ['\\boxed{die}'])).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('python -m rzero_tasks ended with exit code 3'),
    });
    stop.abort();
  });

  test('a task that there is not', async () => {
    const loading = load('reasoning-gym:doublin', new AbortController().signal);
    await expect(loading).rejects.toMatchObject({
      code: 'unknown',
      message: expect.stringContaining('did you mean doubling?'),
    });
  });
});
