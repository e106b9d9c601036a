import { afterEach, describe, expect, test } from '@jest/globals';
import { compare } from '../../../ts/bench/generation/comparison.ts';
import { vllmPython } from '../../../ts/bench/generation/environment.ts';
import { type GenerationSide, type Round, sideCommand, takeRounds } from '../../../ts/bench/generation/measure.ts';
import { parseOptions } from '../../../ts/bench/generation/options.ts';
import { requestArgs } from '../../../ts/bench/generation/requests.ts';
import { SHAPES } from '../../../ts/bench/generation/shapes.ts';
import { formatResults } from '../../../ts/bench/generation/table.ts';
import { Side } from '../../../ts/bench/trainStep/side.ts';

const DEFAULTS = {
  shapes: ['groups', 'full', 'jittered', 'shared'],
  changes: {},
  model: 'embedded',
  repeats: 5,
  threads: 1,
  rows: 512,
  topP: 1,
  seed: 0,
  vllm: undefined,
  skipVllm: false,
};

describe('options', () => {
  test('every shape as it is, five rounds on the embedded base, unless told otherwise', () => {
    expect(parseOptions([])).toEqual(DEFAULTS);
    const given = '--shapes full --repeats 3 --threads 2 --model tiny --rows 64 --top-p .9 --seed 9 --vllm py';
    expect(parseOptions([...given.split(' '), '--prompts', '4', '--max-tokens=16'])).toEqual({
      ...DEFAULTS,
      shapes: ['full'],
      changes: { prompts: 4, maxTokens: 16 },
      repeats: 3,
      threads: 2,
      model: 'tiny',
      rows: 64,
      topP: 0.9,
      seed: 9,
      vllm: 'py',
    });
    expect(parseOptions(['--skip-vllm', '--samples', '2'])).toMatchObject({ skipVllm: true, changes: { samples: 2 } });
  });

  test.each([
    [['--shapes', 'full,round'], '--shapes is "round": it must be one of groups, full, jittered, shared'],
    [['--model', 'huge'], '--model is "huge": it must be one of embedded, nano, tiny, small'],
    [['--repeats', '0'], '--repeats is "0": it must be a whole number from 1 to 1000'],
    [['--prompts', '1001'], '--prompts is "1001": it must be a whole number from 1 to 1000'],
    [['--samples', '-1'], 'argument is ambiguous'],
    [['--max-tokens', '1.5'], '--max-tokens is "1.5": it must be a whole number from 1 to 200'],
    [['--top-p', '0'], '--top-p is "0": it must be a number above 0, at most 1'],
    [['--top-p', '1.1'], '--top-p is "1.1"'],
    [['--vllm', 'x', '--skip-vllm'], '--vllm names a Python to measure: it must be without --skip-vllm'],
    [['--temperature', '1'], "Unknown option '--temperature'"],
  ])('%j is refused', (args, message) => {
    expect(() => parseOptions(args)).toThrow(expect.objectContaining({ name: 'UsageError' }));
    expect(() => parseOptions(args)).toThrow(message);
  });
});

describe('requests', () => {
  test('the embedded base is asked held-out problems, other models random tokens', () => {
    const ours = requestArgs(SHAPES.jittered, parseOptions([]));
    expect(ours.conversations).toHaveLength(64);
    expect(ours.conversations?.[0]?.messages.at(-1)?.content).toMatch(/Start with \d\d/);
    expect(ours).toMatchObject({ prompts: 64, samples: 8, least: 8, most: 128, ends: false, prompt_length: null });
    expect(requestArgs(SHAPES.groups, parseOptions(['--model', 'tiny']))).toMatchObject({
      model: 'tiny',
      conversations: null,
      least: null,
      ends: true,
    });
    expect(requestArgs(SHAPES.shared, parseOptions([]))).toMatchObject({ conversations: null, prompt_length: 256 });
  });

  test('no sample is to be longer than the longest', () => {
    expect(requestArgs({ ...SHAPES.jittered, maxTokens: 4 }, parseOptions([]))).toMatchObject({ least: 4, most: 4 });
  });
});

describe("vLLM's environment", () => {
  test('is left out where nobody wants it, with the reason', async () => {
    expect(await vllmPython({ vllm: undefined, skipVllm: true })).toEqual({ missing: '--skip-vllm' });
  });

  test('of the user must have vLLM', async () => {
    await expect(vllmPython({ vllm: '/no/such/python', skipVllm: false })).rejects.toMatchObject({
      name: 'UsageError',
      message: '--vllm is "/no/such/python": it must be a Python that has vLLM',
    });
  });
});

/** A side that takes one second more each round. */
const FAKE = `
  console.log('{"versions":{"fake":"1"}}');
  let seconds = 0;
  require('node:readline').createInterface({ input: process.stdin }).on('line', () => {
    seconds += 1;
    console.log(JSON.stringify({ seconds, processorSeconds: seconds, tokens: 100, logprob: null }));
  });`;

describe('sides', () => {
  const started: GenerationSide[] = [];
  const start = (program: string): GenerationSide => {
    const side: GenerationSide = new Side([process.execPath, '-e', program]);
    started.push(side);
    return side;
  };
  afterEach(() => Promise.all(started.splice(0).map((side) => side.close())));

  test('draw their rounds in turn; one that refuses is left out, with its reason', async () => {
    const refusing = `console.log('{"refused":"no such head size"}'); process.exit(1)`;
    const sides = { ours: start(FAKE), generate: start(FAKE), vllm: start(refusing) };
    const asked: string[] = [];
    for (const [name, side] of Object.entries(sides)) {
      const step = side.step.bind(side);
      side.step = () => {
        asked.push(name);
        return step();
      };
    }
    const measured = await takeRounds(sides, 2);
    expect(asked).toEqual(['ours', 'generate', 'ours', 'generate']);
    const rounds = [1, 2].map((seconds) => ({ seconds, processorSeconds: seconds, tokens: 100, logprob: null }));
    expect(measured).toEqual({
      rounds: { ours: rounds, generate: rounds },
      versions: { fake: '1' },
      refused: { vllm: 'no such head size' },
    });
  });

  test('one that ends without a word is an error with what it printed', async () => {
    await expect(takeRounds({ ours: start('console.error("no torch"); process.exit(1)') }, 1)).rejects.toMatchObject({
      message: expect.stringMatching(/ended before its time$/),
      details: expect.stringContaining('no torch'),
    });
  });

  test('are told which they are, and what to draw', () => {
    expect(sideCommand('python', 'scored', 'dump')).toEqual(['python', '-m', 'generation.side', 'scored', 'dump']);
  });
});

/** Rounds in which the processor was busy half of the time. */
const rounds = (...pairs: [seconds: number, tokens: number][]): Round[] =>
  pairs.map(([seconds, tokens], at) => ({ seconds, processorSeconds: seconds / 2, tokens, logprob: -at }));
const OURS = rounds([1, 3000], [1, 2000], [2, 2000]);

test('a ratio is the median of the rounds, of tokens a second and not of times', () => {
  const silent = rounds([3, 3000], [1, 1000], [4, 2000]).map((round) => ({ ...round, logprob: null }));
  const [first, ...others] = silent as [Round, ...Round[]];
  // Ours 3000, 2000, 1000 a second; theirs 1000, 1000, 500, and by the processor 1000, 2000, 1000.
  const { sides, ...ratios } = compare({ ours: OURS, generate: [{ ...first, processorSeconds: 3 }, ...others] });
  expect(ratios).toEqual({ ratioToGenerate: 2 });
  expect(sides.ours).toEqual({
    tokensPerSecond: 2000,
    tokensPerProcessorSecond: 4000,
    ratio: 1,
    processorRatio: 1,
    seconds: [1, 1, 2],
    processorSeconds: [0.5, 0.5, 1],
    tokens: [3000, 2000, 2000],
    logprob: -1,
  });
  expect(sides.generate).toMatchObject({ tokensPerSecond: 1000, tokensPerProcessorSecond: 1000, logprob: null });
  expect(sides.generate).toMatchObject({ ratio: 2, processorRatio: 2 });
});

test('the tables have a column for each side that drew, and how many times faster ours is', () => {
  const rest = { versions: {}, skipped: {} };
  const text = formatResults([
    { shape: 'full', ...compare({ ours: OURS, generate: rounds([3, 3000], [1, 1000], [4, 2000]) }), ...rest },
    { shape: 'shared', ...compare({ ours: OURS, vllm: rounds([1, 3000], [1, 12_345], [2, 2000]) }), ...rest },
  ]);
  expect(text.split('\n')).toEqual([
    '| tokens/s | rzero | generate | vLLM |',
    '| --- | --- | --- | --- |',
    '| full | 2,000 | 1,000 (2.0 x) |  |',
    '| shared | 2,000 |  | 3,000 (1.0 x) |',
    '',
    '| tokens per processor second | rzero | generate | vLLM |',
    '| --- | --- | --- | --- |',
    '| full | 4,000 | 2,000 (2.0 x) |  |',
    '| shared | 4,000 |  | 6,000 (1.0 x) |',
  ]);
});
