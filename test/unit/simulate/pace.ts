import type { WorkerPace } from '../../../ts/simulate/pace.ts';
import type { Lengths } from '../../../ts/simulate/site.ts';

/** Round numbers: a second a step of decoding, a token scored, or an update; two seconds a token trained. */
export const SLOW_PACE: WorkerPace = {
  decode: () => 1,
  prefill: () => 0,
  load: () => 10,
  score: (lengths) => lengths.reduce((sum, length) => sum + length, 0),
  train: (lengths) => 2 * lengths.reduce((sum, length) => sum + length, 0),
  step: () => 1,
  write: () => 20,
  take: () => 30,
  sleep: () => 2,
  wake: () => 3,
  switch: () => 7,
};

/** Prompts of one token, questions of two and answers of four. */
export const LENGTHS: Lengths = {
  challengerPrompt: 1,
  solverPrompt: 1,
  question: { mean: 2, sigma: 0 },
  answer: { mean: 4, sigma: 0 },
};
