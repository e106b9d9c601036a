import { afterEach, describe, expect, test } from '@jest/globals';
import { compare } from '../../../ts/bench/trainStep/comparison.ts';
import { boundOf, countTokens } from '../../../ts/bench/trainStep/fixture.ts';
import { type Measured, takeTurns } from '../../../ts/bench/trainStep/measure.ts';
import { parseOptions } from '../../../ts/bench/trainStep/options.ts';
import { Side, sideCommand } from '../../../ts/bench/trainStep/side.ts';
import { formatResults } from '../../../ts/bench/trainStep/table.ts';

describe('options', () => {
  test('every shape, eight steps of the tiny model under DAPO, unless told otherwise', () => {
    const options = {
      shapes: ['equal', 'jittered', 'challenger'],
      repeats: 8,
      threads: undefined,
      model: 'tiny',
      jitter: 0.8,
      loss: 'dapo',
      seed: 0,
      trl: undefined,
      skipTrl: false,
      fixture: undefined,
      makeGolden: undefined,
    };
    expect(parseOptions([])).toEqual(options);
    const given = '--shapes jittered --repeats 3 --threads 2 --model nano --jitter .5 --loss cispo --seed 9 --trl py';
    expect(parseOptions([...given.split(' '), '--fixture=dump'])).toEqual({
      ...options,
      shapes: ['jittered'],
      repeats: 3,
      threads: 2,
      model: 'nano',
      jitter: 0.5,
      loss: 'cispo',
      seed: 9,
      trl: 'py',
      fixture: 'dump',
    });
    expect(parseOptions(['--skip-trl']).skipTrl).toBe(true);
    expect(parseOptions(['--make-golden', 'golden.json']).makeGolden).toBe('golden.json');
  });

  test.each([
    [['--shapes', 'equal,round'], '--shapes is "round": it must be one of equal, jittered, challenger'],
    [['--shapes', ''], '--shapes is "": it must be one of'],
    [['--repeats', '0'], '--repeats is "0": it must be a whole number from 1 to 1000'],
    [['--threads', '1.5'], '--threads is "1.5": it must be a whole number from 1 to 1024'],
    [['--model', 'huge'], '--model is "huge": it must be one of nano, tiny, small'],
    [['--jitter', '0.95'], '--jitter is "0.95": it must be a number from 0 to 0.9'],
    [['--jitter', '1e-1'], '--jitter is "1e-1"'],
    [['--loss', 'ppo'], '--loss is "ppo": it must be one of dapo, grpo, dr_grpo, cispo'],
    [['--make-golden', 'x', '--skip-trl'], '--make-golden takes its numbers from TRL: it must be without --skip-trl'],
    [['--steps', '3'], "Unknown option '--steps'"],
  ])('%j is refused', (args, message) => {
    expect(() => parseOptions(args)).toThrow(expect.objectContaining({ name: 'UsageError' }));
    expect(() => parseOptions(args)).toThrow(message);
  });
});

test('tokens that there are, and those of the rectangle that holds a step', () => {
  const rollouts = [
    { prompt_ids: [[1, 2], [1, 2], [3]], completion_ids: [[4], [5, 6, 7], [8, 9]] },
    { prompt_ids: [[1]], completion_ids: [[2]] },
  ];
  // 5 of prompts and 6 of completions in 3 rows of 2 + 3; 2 in one row of 1 + 1.
  expect(countTokens(rollouts)).toEqual({ real: (11 + 2) / 2, rectangle: (15 + 2) / 2 });
});

test('the weights of CISPO have a bound that TRL would put elsewhere', () => {
  expect(boundOf('cispo')).toEqual({ epsilon_high: 1.2 });
  expect(boundOf('dapo')).toEqual({});
});

test('threads are given to a side where someone said how many', () => {
  expect(sideCommand('python', 'ours', 'dump')).toEqual(['python', '-m', 'train_step.side', 'ours', 'dump']);
  expect(sideCommand('python', 'trl', 'dump', 2).slice(3)).toEqual(['trl', 'dump', '2']);
});

/** A side that counts its steps, takes as many seconds, and says what it is told to at the end. */
const FAKE = (name: string, steps: number) => `
  const outcome = { param_delta_l2: ${name.length}, base_bytes: 0, peak_bytes: 0, threads: 1, versions: {} };
  const { stdin } = process;
  console.log('{"ready":true}');
  let step = 0;
  require('node:readline').createInterface({ input: stdin }).on('line', () => {
    step += 1;
    console.log(JSON.stringify({ seconds: step, grad_norm: 10 * step }));
    if (step === ${steps}) console.log(JSON.stringify(outcome));
  });`;

describe('sides', () => {
  const started: Side[] = [];
  const start = (...args: string[]): Side => {
    const side = new Side([process.execPath, '-e', ...args]);
    started.push(side);
    return side;
  };
  afterEach(() => Promise.all(started.splice(0).map((side) => side.close())));

  test('take their steps in turn', async () => {
    const asked: string[] = [];
    const sides = { ours: start(FAKE('ours', 3)), bare: start(FAKE('plain', 3)) };
    for (const [name, side] of Object.entries(sides)) {
      const step = side.step.bind(side);
      side.step = () => {
        asked.push(name);
        return step();
      };
    }
    const { ours, bare } = await takeTurns(sides, 3);
    expect(asked).toEqual(['ours', 'bare', 'ours', 'bare', 'ours', 'bare']);
    expect(ours.steps).toEqual([1, 2, 3].map((step) => ({ seconds: step, grad_norm: 10 * step })));
    expect([ours.outcome.param_delta_l2, bare.outcome.param_delta_l2]).toEqual([4, 5]);
  });

  test('one that ends before its time is an error with what it printed', async () => {
    const sides = { ours: start(FAKE('ours', 2)), trl: start('console.error("no module named trl"); process.exit(1)') };
    await expect(takeTurns(sides, 2)).rejects.toMatchObject({
      message: expect.stringMatching(/ended before its time$/),
      details: expect.stringContaining('no module named trl'),
    });
    await expect(sides.ours.step()).rejects.toThrow(/ended before its time/); // it was ended with the other
  });

  test('one that cannot be started is an error that says why', async () => {
    const side = new Side(['/no/such/python', '-m', 'train_step.side']);
    await expect(side.ready()).rejects.toMatchObject({
      message: '/no/such/python -m train_step.side: ended before its time',
      details: expect.stringContaining('ENOENT'),
    });
    await side.close();
  });
});

/** A side as it was measured: seconds and norms of its steps. */
function measured(seconds: number[], norms: number[], movement: number, bytes: [number, number] | null): Measured {
  const [base_bytes, peak_bytes] = bytes ?? [null, null];
  return {
    steps: seconds.map((value, step) => ({ seconds: value, grad_norm: norms[step] as number })),
    outcome: { param_delta_l2: movement, base_bytes, peak_bytes, threads: 1, versions: {} },
  };
}

const MIB = 2 ** 20;
const OURS = measured([9, 1, 2, 4], [1, 2, 3, 4], 0.5, [300 * MIB, 700 * MIB]);

describe('comparison', () => {
  test('the ratio is the median of the rounds, not the ratio of the medians; warm-up counts for nothing', () => {
    const trl = measured([1, 3, 3, 4], [1, 2, 3, 4], 0.5, null);
    const { sides, agrees } = compare({ ours: OURS, trl }, 1);
    // Rounds 3, 1.5 and 1; medians 3 and 2 as well, but of other rounds.
    expect(sides.trl).toMatchObject({ medianSeconds: 3, ratio: 1.5, seconds: [3, 3, 4], peakMebibytes: null });
    expect(sides.ours).toMatchObject({ medianSeconds: 2, ratio: 1, stepMebibytes: 400, peakMebibytes: 700 });
    expect(agrees).toBe(true);
    const bare = measured([1, 5, 1, 4], [1, 2, 3, 4], 0.5, null);
    expect(compare({ ours: OURS, bare }, 1).sides.bare).toMatchObject({ medianSeconds: 4, ratio: 1 });
  });

  test.each([
    ['as far apart as they may be', [1, 2 * (1 + 9e-5), 3, 4], 0.5 * (1 + 9e-4), true],
    ['a norm, of a step that warms up', [1 * (1 + 2e-4), 2, 3, 4], 0.5, false],
    ['a norm, smaller than ours', [1, 2, 3, 4 * (1 - 2e-4)], 0.5, false],
    ['the movement', [1, 2, 3, 4], 0.5 * (1 + 2e-3), false],
    ['no norm at all', [1, 2, Number.NaN, 4], 0.5, false],
  ])('%s', (_, norms, movement, agrees) => {
    expect(compare({ ours: OURS, trl: measured([1, 1, 1, 1], norms, movement, null) }, 1).agrees).toBe(agrees);
  });
});

test('the tables have a column for each side, and say who disagrees', () => {
  const trl = measured([1, 3, 3, 4], [1, 2, 3, 8], 0.5, [400 * MIB, 2400 * MIB]);
  const bare = measured([1, 1, 1, 1], [1, 2, 3, 4], 0.5, null);
  const tokens = { real: 1841.4, rectangle: 2560 };
  const text = formatResults([
    { shape: 'equal', tokens, ...compare({ ours: OURS, bare }, 1) },
    { shape: 'jittered', tokens, ...compare({ ours: OURS, trl, bare }, 1) },
  ]);
  expect(text.split('\n')).toEqual([
    '| step | tokens | rzero | TRL | bare PyTorch | rzero: memory | TRL: memory | bare PyTorch: memory |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    '| equal | 1,841 of 2,560 | 2.00 s |  | 1.00 s (0.50 x) | 400 of 700 MiB |  |  |',
    '| jittered | 1,841 of 2,560 | 2.00 s | 3.00 s (1.50 x) | 1.00 s (0.50 x) | 400 of 700 MiB | 2,000 of 2,400 MiB |  |',
    '',
    '| largest difference from rzero: gradient norms, movement | TRL | bare PyTorch | agree |',
    '| --- | --- | --- | --- |',
    '| equal |  | 0.0e+0, 0.0e+0 | yes |',
    '| jittered | 5.0e-1, 0.0e+0 | 0.0e+0, 0.0e+0 | NO |',
  ]);
});
