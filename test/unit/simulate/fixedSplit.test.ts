import { expect, test } from '@jest/globals';
import { playFixedSplit } from '../../../ts/simulate/fixedSplit.ts';
import { phaseSeconds, usageOf } from '../../../ts/simulate/played.ts';
import { LENGTHS, SLOW_PACE } from './pace.ts';
import { smallSettings } from './settings.ts';

const split = {
  settings: smallSettings(),
  lengths: LENGTHS,
  half: 1,
  rows: 1,
  engine: SLOW_PACE,
  trainer: SLOW_PACE,
  rewards: 0,
};

test('one step of each phase on one GPU that trains and one that answers', async () => {
  const played = await playFixedSplit(split);
  expect(phaseSeconds(played)).toEqual({
    evaluation: 0,
    // Two loads; 2 questions of 2 tokens; 2 x 2 answers of 4; old and reference log-probs of 2 x 3 tokens;
    // two updates of 3 tokens and a step; weights written.
    challenger: 20 + 4 + 16 + 2 * 6 + 2 * (6 + 1) + 20,
    // A load, a question on each GPU, a load, and 2 answers on each.
    questions: 10 + 2 + 10 + 8,
    // Two loads; 2 rollouts of 4 tokens; reference log-probs of 2 x 5 tokens, and one update on them.
    solver: 20 + 8 + 10 + (20 + 1) + 20,
  });
  expect(played.samples).toBe(2 + 4 + 2 + 4 + 2);
  const usage = usageOf(played, 2);
  // The second GPU samples in two phases, and has nothing else to do.
  expect(usage.by.sample).toBeCloseTo((4 + 16 + 2 * 2 + 2 * 8 + 8) / (2 * played.seconds));
  expect(usage.by.train).toBeCloseTo((14 + 21) / (2 * played.seconds));
});

test('each engine gets its share beforehand, however long it takes', async () => {
  const four = { ...split, half: 2, settings: smallSettings('questions.candidates=5') };
  const { logs, phases } = await playFixedSplit(four);
  const { from, to } = phases.find(({ phase }) => phase === 'questions') ?? { from: 0, to: 0 };
  // Five candidates on four GPUs: two, two, one, none.
  const asked = logs.map(({ intervals }) => {
    const first = intervals.find((one) => one.activity === 'sample' && one.from >= from && one.to <= to);
    return first === undefined ? 0 : first.to - first.from;
  });
  expect(asked.slice(0, 3)).toEqual([4, 4, 2]);
});

test('more steps take longer, and the same twice takes the same', async () => {
  const longer = { ...split, settings: smallSettings('solver.steps=2') };
  const once = await playFixedSplit(split);
  expect((await playFixedSplit(split)).seconds).toBe(once.seconds);
  expect((await playFixedSplit(longer)).seconds - once.seconds).toBe(8 + 10 + 21);
});

test('rewards take their time in every Challenger step, and nobody works', async () => {
  const once = await playFixedSplit(split);
  const rewarded = await playFixedSplit({ ...split, rewards: 100 });
  expect(rewarded.seconds - once.seconds).toBe(100 * split.settings.challenger.steps);
  expect(usageOf(rewarded, 2).busy).toBeCloseTo((usageOf(once, 2).busy * once.seconds) / rewarded.seconds);
});
