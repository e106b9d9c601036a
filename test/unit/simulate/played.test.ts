import { describe, expect, test } from '@jest/globals';
import { ActivityLog } from '../../../ts/simulate/activity.ts';
import { type Played, phaseSeconds, usageOf } from '../../../ts/simulate/played.ts';
import { timeline } from '../../../ts/simulate/timeline.ts';

/** A clock that a test sets. */
function hand() {
  let instant = 0;
  return {
    now: () => instant,
    set(to: number) {
      instant = to;
    },
  };
}

/** A trainer of two GPUs that trains from 4 to 8 s, and a sampler of four rows that samples from 0 to 4 s. */
function example(samplerDevice = 'c'): Played {
  const clock = hand();
  const trainer = new ActivityLog(clock, 'trainer', ['a', 'b'], 1);
  const sampler = new ActivityLog(clock, 'sampler', [samplerDevice], 4);
  sampler.rows(4);
  clock.set(2);
  sampler.rows(2);
  clock.set(4);
  sampler.rows(0);
  trainer.spend('train', 4);
  clock.set(8);
  trainer.spend('handover', 2);
  const phases = [
    { iteration: 1, phase: 'challenger', from: 0, to: 4 },
    { iteration: 2, phase: 'challenger', from: 4, to: 9 },
    { iteration: 2, phase: 'solver', from: 9, to: 10 },
  ] as const;
  return { seconds: 10, phases, logs: [trainer, sampler], samples: 0, tokens: 0, failed: 0, lostTokens: 0 };
}

describe('usage', () => {
  test('of a run is in shares of all GPU-seconds', () => {
    const usage = usageOf(example(), 3);
    expect(usage).toMatchObject({ gpus: 3, seconds: 10, filled: 0.75 });
    expect(usage.by.train).toBeCloseTo(8 / 30);
    expect(usage.by.sample).toBeCloseTo(4 / 30);
    expect(usage.by.handover).toBeCloseTo(4 / 30);
    // Handing over is not computing.
    expect(usage.busy).toBeCloseTo(12 / 30);
  });

  test('of a span is what lies in it', () => {
    const usage = usageOf(example(), 3, { from: 3, to: 6 });
    expect(usage.by.sample).toBeCloseTo(1 / 9);
    expect(usage.by.train).toBeCloseTo(4 / 9);
  });

  test('two workers may share a GPU, one after another', () => {
    expect(usageOf(example('a'), 2)).toMatchObject({ gpus: 2, busy: expect.closeTo(12 / 20) });
  });

  test('two workers on one GPU at once are a mistake that is told', () => {
    const clock = hand();
    const logs = ['x', 'y'].map((name) => new ActivityLog(clock, name, ['a'], 1));
    for (const log of logs) log.spend('train', 2);
    const played = { ...example(), logs };
    expect(() => usageOf(played, 1)).toThrow('at 0 s, a works for x (train) and y (train) at once');
  });
});

test('seconds of phases are summed over iterations', () => {
  expect(phaseSeconds(example())).toEqual({ evaluation: 0, challenger: 9, questions: 0, solver: 1 });
});

test('a timeline shows what took most of each part', () => {
  expect(timeline(example(), { from: 0, to: 10 }, 5)).toEqual(['a ..TTh', 'b ..TTh', 'c SS...']);
});
