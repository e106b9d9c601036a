import { describe, expect, test } from '@jest/globals';
import { play, type Scenario } from '../../../ts/simulate/play.ts';
import { usageOf } from '../../../ts/simulate/played.ts';
import type { SimulatedWorkerOptions } from '../../../ts/simulate/simulatedWorker.ts';
import { LENGTHS, SLOW_PACE } from './pace.ts';
import { smallSettings } from './settings.ts';

const lengths = { ...LENGTHS, question: { mean: 20, sigma: 0.5 }, answer: { mean: 40, sigma: 0.8 } };
const settings = smallSettings(
  'challenger.prompts=8',
  'challenger.rollouts=4',
  'challenger.miniBatch=8',
  'answering.votes=4',
  'questions.candidates=16',
  'solver.prompts=8',
  'solver.rollouts=4',
  'solver.miniBatch=16',
);
/** What is drawn: a step of 32 questions, 16 candidates, 4 answers to all that hold a question, a step of 32 rollouts. */
const MOST_SAMPLES = 32 * 5 + 16 * 5 + 32;

/** Samplers with a GPU each, and a trainer on GPUs of its own or on all of theirs. */
function fleet(samplers: number, colocated: boolean): SimulatedWorkerOptions[] {
  const gpus = Array.from({ length: samplers }, (_, index) => `gpu ${index}`);
  const common = { rows: 4, mixes: false, pace: { ...SLOW_PACE, score: () => 2, train: () => 5 } };
  return [
    { name: 'trainer', capabilities: ['train'], devices: colocated ? gpus : ['trainer'], ...common },
    ...gpus.map(
      (gpu): SimulatedWorkerOptions => ({
        name: `sampler of ${gpu}`,
        capabilities: ['sample'],
        devices: [gpu],
        ...common,
      }),
    ),
  ];
}

function scenario(samplers: number, colocated: boolean, more: Partial<Scenario> = {}): Scenario {
  return { settings, workers: fleet(samplers, colocated), lengths, requestSamples: 8, turns: colocated, ...more };
}

test('the same is played the same way', async () => {
  const [once, again] = [await play(scenario(3, true)), await play(scenario(3, true))];
  expect(again.seconds).toBe(once.seconds);
  expect(again.logs.map(({ intervals }) => intervals)).toEqual(once.logs.map(({ intervals }) => intervals));
  const other = await play(scenario(3, true, { settings: { ...settings, seed: 2 } }));
  expect(other.seconds).not.toBe(once.seconds);
});

describe.each([true, false])('colocated: %s', (colocated) => {
  test('everything is drawn once, and no GPU does two things at once', async () => {
    const played = await play(scenario(2, colocated));
    expect(played.samples).toBeLessThanOrEqual(MOST_SAMPLES);
    expect(played.samples).toBeGreaterThan(0.8 * MOST_SAMPLES);
    expect(played.phases.map(({ phase }) => phase)).toEqual([
      'evaluation',
      'challenger',
      'questions',
      'solver',
      'evaluation',
    ]);
    expect(played.phases.at(-1)?.to).toBe(played.seconds);
    const { busy, filled, by } = usageOf(played, colocated ? 2 : 3);
    expect(busy).toBeGreaterThan(0.3);
    expect(Object.values(by).reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(1);
    expect(filled).toBeGreaterThan(0.3);
    expect(filled).toBeLessThanOrEqual(1);
    expect(by.sleep).toBeGreaterThan(0); // models in any case, and roles where they share a GPU
  });

  test('more samplers draw the same, and sooner', async () => {
    const played = [];
    for (const samplers of [1, 2, 4]) played.push(await play(scenario(samplers, colocated)));
    const seconds = played.map((one) => one.seconds);
    expect(seconds).toEqual([...seconds].sort((a, b) => b - a));
    expect(new Set(played.map(({ samples }) => samples)).size).toBe(1);
  });
});

test('samplers that fail come back, and what they had is drawn again', async () => {
  const well = await play(scenario(3, false));
  const ill = await play(scenario(3, false, { failures: { meanSeconds: 200, restartSeconds: 50 } }));
  expect(ill.failed).toBeGreaterThan(0);
  // One may be away in the end.
  expect(ill.logs.length).toBeGreaterThanOrEqual(1 + 3 + ill.failed - 3);
  expect(ill.logs.length).toBeGreaterThan(1 + 3);
  expect(ill.samples).toBe(well.samples);
  expect(ill.lostTokens).toBeGreaterThan(0);
  expect(ill.seconds).toBeGreaterThan(well.seconds);
  expect(well.lostTokens).toBe(0);
});

test('where more is asked for than is needed, what comes last is let go', async () => {
  const more = { ...settings.solver, overAsk: 0.5 };
  const played = await play(scenario(2, false, { settings: { ...settings, solver: more } }));
  expect(played.lostTokens).toBeGreaterThan(0);
});
