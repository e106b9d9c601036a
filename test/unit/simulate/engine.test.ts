import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ActivityLog } from '../../../ts/simulate/activity.ts';
import { Engine, type EnginePace } from '../../../ts/simulate/engine.ts';
import { VirtualTime } from '../../../ts/simulate/virtualTime.ts';

const SECOND: EnginePace = { decode: () => 1, prefill: (tokens) => tokens };

function engine({ rows = 2, pace = SECOND } = {}) {
  const time = new VirtualTime();
  const log = new ActivityLog(time, 'engine', ['0'], rows);
  const made = new Engine(time, pace, rows, log);
  /** When each sample of a request ends, in the order of their ends. */
  const draw = (lengths: number[], { model = 'model', prompt = 0, fresh = 0 } = {}) => {
    const ends: number[] = [];
    const sizes = lengths.map((length) => ({ length, prompt, fresh }));
    let request = { cancel: () => 0 };
    const done = new Promise<number[]>((resolve) => {
      request = made.draw(model, sizes, (ended) => {
        ends.push(time.now());
        if (ended === sizes.length) resolve(ends);
        return true;
      });
    });
    return { done, ends, cancel: () => request.cancel() };
  };
  return { time, log, draw };
}

describe('samples of 2, 3 and 5 tokens on two rows', () => {
  test('the third takes the row of the first when that ends', async () => {
    const { time, draw, log } = engine();
    expect(await time.run(draw([2, 3, 5]).done)).toEqual([2, 3, 7]);
    // Two rows for 3 s, one for 4.
    expect(log.intervals).toEqual([{ activity: 'sample', from: 0, to: 7, filled: (3 * 2 + 4) / 7 / 2 }]);
  });

  test('a step of two rows may take longer than one of one', async () => {
    const { time, draw } = engine({ pace: { ...SECOND, decode: (rows) => rows } });
    // Both rows, 2 s a step: until 4, then 6; alone, 4 steps of 1 s.
    expect(await time.run(draw([2, 3, 5]).done)).toEqual([4, 6, 10]);
  });

  test('on one row they go one after another', async () => {
    const { time, draw } = engine({ rows: 1 });
    expect(await time.run(draw([2, 3, 5]).done)).toEqual([2, 5, 10]);
  });
});

test('a step takes as long as its contexts are in the middle', async () => {
  const { time, draw } = engine({ pace: { ...SECOND, decode: (_, contextTokens) => contextTokens } });
  // Contexts of 10 to 14, twice: 2 x 12 on average, 4 steps.
  expect(await time.run(draw([4, 4], { prompt: 10 }).done)).toEqual([96, 96]);
});

test('all wait while prompts are computed', async () => {
  const { time, draw } = engine();
  const first = draw([4]);
  await time.run(time.pass(2));
  const second = draw([1], { prompt: 3, fresh: 3 });
  expect(await time.run(Promise.all([first.done, second.done]))).toEqual([[7], [6]]);
});

test('requests join those that run', async () => {
  const { time, draw } = engine();
  const first = draw([5]);
  await time.run(time.pass(2.5));
  const second = draw([2]);
  expect(await time.run(Promise.all([first.done, second.done]))).toEqual([[5], [4.5]]);
});

test('two models take steps in turn', async () => {
  const { time, draw } = engine();
  const first = draw([2], { model: 'a' });
  const second = draw([3], { model: 'b' });
  // 2 s a token while both run, then 1.
  expect(await time.run(Promise.all([first.done, second.done]))).toEqual([[4], [5]]);
});

test('rows of a request that is cancelled are free at once', async () => {
  const { time, draw } = engine();
  const gone = draw([100, 100, 100]);
  const next = draw([2]);
  await time.run(time.pass(10));
  // Two of the three were under way.
  expect(gone.cancel()).toBe(20);
  expect(await time.run(next.done)).toEqual([12]);
  expect(gone.ends).toEqual([]);
});

test('whatever is asked for is drawn, at least as fast on more rows', async () => {
  const request = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 5 }), async (requests) => {
      const last = async (rows: number): Promise<number> => {
        const { time, draw } = engine({ rows });
        const drawn = await time.run(Promise.all(requests.map((lengths) => draw(lengths).done)));
        expect(drawn.map((ends) => ends.length)).toEqual(requests.map((lengths) => lengths.length));
        return time.now();
      };
      const lengths = requests.flat();
      expect(await last(1)).toBeCloseTo(lengths.reduce((sum, length) => sum + length, 0));
      expect(await last(lengths.length)).toBeCloseTo(Math.max(...lengths));
    }),
    { numRuns: 50 },
  );
});
