import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Pace } from '../../../ts/judge/pace.ts';
import { HandTiming } from '../../fixtures/handTiming.ts';

const never = new AbortController().signal;

/** When each of so many gets a turn who all ask at once, in milliseconds. */
async function turnsOf(pace: Pace, timing: HandTiming, count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, () => pace.turn(never).then(() => timing.now())));
}

test('one at a time, evenly', async () => {
  const timing = new HandTiming();
  expect(await turnsOf(new Pace(60, timing), timing, 4)).toEqual([0, 1000, 2000, 3000]);
});

test("a second's worth at once, then evenly", async () => {
  const timing = new HandTiming();
  expect(await turnsOf(new Pace(240, timing), timing, 6)).toEqual([0, 0, 0, 0, 250, 500]);
});

test('less than one a second', async () => {
  const timing = new HandTiming();
  expect(await turnsOf(new Pace(0.5, timing), timing, 2)).toEqual([0, 120_000]);
});

test('no limit', async () => {
  const timing = new HandTiming();
  expect(await turnsOf(new Pace(Number.POSITIVE_INFINITY, timing), timing, 5)).toEqual([0, 0, 0, 0, 0]);
  expect(timing.slept).toEqual([]);
});

test('whoever was idle does not save up', async () => {
  const timing = new HandTiming();
  const pace = new Pace(60, timing);
  timing.pass(3_600_000);
  expect((await turnsOf(pace, timing, 3)).map((at) => at - 3_600_000)).toEqual([0, 1000, 2000]);
});

test.each([60, Number.POSITIVE_INFINITY])('held: nobody before that, at %d a minute', async (rate) => {
  const timing = new HandTiming();
  const pace = new Pace(rate, timing);
  await pace.turn(never);
  pace.hold(5000);
  pace.hold(10);
  const [first = 0, second = 0] = await turnsOf(pace, timing, 2);
  expect(first).toBe(5000);
  expect(second).toBe(rate === 60 ? 6000 : 5000);
});

test('who is told to stop does not take the turn of the next', async () => {
  const timing = new HandTiming();
  const pace = new Pace(60, timing);
  await pace.turn(never);
  const stop = new AbortController();
  stop.abort('enough');
  await expect(pace.turn(stop.signal)).rejects.toBe('enough');
  expect(await turnsOf(pace, timing, 1)).toEqual([1000]);
});

test('no stretch of time sees more than its share and what the bucket holds', async () => {
  const rates = fc.integer({ min: 1, max: 6000 });
  const steps = fc.array(
    fc.oneof(
      fc.record({ pass: fc.nat(20_000) }),
      fc.record({ hold: fc.nat(5000) }),
      fc.record({ ask: fc.integer({ min: 1, max: 8 }) }),
    ),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(rates, steps, async (perMinute, todo) => {
      const timing = new HandTiming();
      const pace = new Pace(perMinute, timing);
      const times: number[] = [];
      for (const step of todo) {
        if ('pass' in step) timing.pass(step.pass);
        else if ('hold' in step) pace.hold(step.hold);
        else times.push(...(await turnsOf(pace, timing, step.ask)));
      }
      expect(times).toEqual([...times].sort((a, b) => a - b));
      const capacity = Math.max(1, perMinute / 60);
      for (const [i, from] of times.entries()) {
        for (const [j, to] of times.entries()) {
          if (j >= i) expect(j - i + 1).toBeLessThanOrEqual(((to - from) * perMinute) / 60_000 + capacity + 1e-6);
        }
      }
    }),
  );
});
