import type { Adam } from '../../protocol/generated.ts';
import { notFinite } from './notFinite.ts';

// Bound once, as in random.ts.
const { sqrt } = Math;

/** AdamW's moments, and how many steps were made. */
export interface AdamState {
  step: number;
  first: Float64Array;
  second: Float64Array;
}

export function freshAdam(parameters: number): AdamState {
  return { step: 0, first: new Float64Array(parameters), second: new Float64Array(parameters) };
}

/**
 * One AdamW step (Loshchilov & Hutter, arXiv 1711.05101, algorithm 2) on `weights`, in place, after
 * scaling the gradient down to `maxGradNorm`.
 * @returns the gradient's norm before that
 * @throws WorkerCallError `not_finite` where that is not; nothing has changed then
 */
export function adamStep(weights: Float64Array, gradient: Float64Array, state: AdamState, adam: Adam): number {
  const norm = sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
  if (!Number.isFinite(norm)) throw notFinite('the norm of the gradient of all sequences since the last step');
  const scale = adam.maxGradNorm > 0 && norm > adam.maxGradNorm ? adam.maxGradNorm / norm : 1;
  state.step += 1;
  const firstBias = 1 - adam.beta1 ** state.step;
  const secondBias = 1 - adam.beta2 ** state.step;
  for (let i = 0; i < weights.length; i++) {
    const g = (gradient[i] as number) * scale;
    const first = adam.beta1 * (state.first[i] as number) + (1 - adam.beta1) * g;
    const second = adam.beta2 * (state.second[i] as number) + (1 - adam.beta2) * g * g;
    state.first[i] = first;
    state.second[i] = second;
    const direction = first / firstBias / (sqrt(second / secondBias) + adam.epsilon);
    const weight = weights[i] as number;
    weights[i] = weight - adam.learningRate * (direction + adam.weightDecay * weight);
  }
  return norm;
}
