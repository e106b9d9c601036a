import { describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../../ts/config/load.ts';
import { estimate } from '../../../ts/placement/estimate.ts';
import { gpuNamed } from '../../../ts/placement/gpu.ts';
import { apart, type Cluster, colocated, type Layout } from '../../../ts/placement/layout.ts';
import { knownShape } from '../../../ts/placement/models.ts';
import type { ModelShape } from '../../../ts/placement/shape.ts';
import type { Workload } from '../../../ts/placement/workload.ts';

const model = knownShape('Qwen/Qwen3-4B') as ModelShape;
const h100 = gpuNamed('h100');
const cluster: Cluster = { hosts: 1, gpusPerHost: 8, gpu: h100 };
/** PCIe moves half of 64 GB a second: 16 GB of weights in 0.5 s, to which 0.1 s come. */
const capacity = { rows: 100, packTokens: 16_384, keptBySampling: 16e9, keptByTraining: 32e9 };

function turnsOf(layout: Layout, backend: Workload['backend'], ...sets: string[]): Record<string, number> {
  const workload = { backend, settings: loadConfig({ preset: 'paper', sets }) };
  const { pieces } = estimate(workload, model, h100, layout, capacity);
  return Object.fromEntries(pieces.map(({ name, turns }) => [name, Number(turns.toFixed(9))]));
}

describe('seconds of going to sleep and waking, worked by hand', () => {
  const away = apart(cluster, 4, 1) as Layout;
  // One model goes to sleep and another wakes.
  const SWITCH = 2 * (0.1 + 0.5);
  // 48 GB of both roles go, and come back.
  const TURN = 2 * (0.1 + 1.5);

  test('vLLM switches from the policy to the Solver that answers, and back', () => {
    const twice = Number((2 * SWITCH).toFixed(9));
    expect(turnsOf(away, 'vllm')).toEqual({
      'Challenger step': twice,
      questions: twice,
      'Solver step': 0,
      evaluation: 0,
    });
  });

  test('where samplers sleep while others train, it is the policy that wakes', () => {
    expect(turnsOf(colocated(cluster, 8, 1, true), 'vllm')).toEqual({
      'Challenger step': Number((SWITCH + TURN).toFixed(9)),
      questions: Number((2 * SWITCH).toFixed(9)),
      'Solver step': TURN,
      evaluation: 0,
    });
  });

  test('of four models, each is switched to', () => {
    expect(turnsOf(away, 'vllm', 'roles.judge=ensemble')['Challenger step']).toBe(Number((4 * SWITCH).toFixed(9)));
  });

  test('a policy that judges itself, and PyTorch, which has all models on the GPU, do not', () => {
    expect(turnsOf(away, 'vllm', 'roles.models=one', 'roles.judge=current')['Challenger step']).toBe(0);
    expect(turnsOf(away, 'torch')['Challenger step']).toBe(0);
    expect(turnsOf(colocated(cluster, 8, 1, true), 'torch')['Challenger step']).toBe(TURN);
  });
});
