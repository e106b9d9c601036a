import { describe, expect, test } from '@jest/globals';
import { formatConfig, loadConfig } from '../../../ts/config/load.ts';
import { PRESETS } from '../../../ts/config/presets.ts';
import { gpuNamed } from '../../../ts/placement/gpu.ts';
import { knownShape } from '../../../ts/placement/models.ts';
import { decide, isRefusal } from '../../../ts/placement/plan.ts';

const NAMES = Object.keys(PRESETS);

test.each(NAMES)('%s is whole, and loads again from what it is saved as', (preset) => {
  const config = loadConfig({ preset });
  expect(config.preset).toBe(preset);
  expect(loadConfig({ file: { name: 'config.yml', text: formatConfig(config) } })).toEqual(config);
});

describe("the paper's backbones", () => {
  test.each([
    ['qwen3-4b', 'Qwen/Qwen3-4B-Base'],
    ['qwen3-8b', 'Qwen/Qwen3-8B-Base'],
    ['octothinker-3b', 'OctoThinker/OctoThinker-3B-Hybrid-Base'],
    ['octothinker-8b', 'OctoThinker/OctoThinker-8B-Hybrid-Base'],
  ])('%s is the paper but for the model and who samples', (preset, model) => {
    const paper = loadConfig({ preset: 'paper' });
    const expected = { ...paper, preset, model, worker: { ...paper.worker, backend: 'vllm' } };
    expect(loadConfig({ preset })).toEqual(expected);
  });

  // arXiv 2508.05004, appendix A; the Challenger's batch as its author corrected it (issue 23 of the published code).
  test('has the published hyper-parameters', () => {
    const { challenger, solver, questions, answering, iterations } = loadConfig({ preset: 'qwen3-4b' });
    expect(iterations).toBe(3);
    expect(challenger).toMatchObject({ steps: 5, rollouts: 4, miniBatch: 16 * 4, klCoef: 0.01 });
    expect(solver).toMatchObject({ steps: 15, rollouts: 5, miniBatch: 128 * 5, klCoef: 0.01 });
    for (const { optimizer, sampling } of [challenger, solver]) {
      expect(optimizer).toMatchObject({
        learningRate: 1e-6,
        weightDecay: 0.01,
        beta1: 0.9,
        beta2: 0.999,
        maxGradNorm: 1,
      });
      expect(sampling).toMatchObject({ temperature: 1, topP: 0.99 });
    }
    expect(questions).toMatchObject({ candidates: 8000, center: 0.5, delta: 0.25 });
    expect(answering.votes).toBe(10);
  });
});

test('single-gpu-lora fits one GPU of 24 GB', () => {
  const config = loadConfig({ preset: 'single-gpu-lora' });
  const shape = knownShape(config.model);
  if (shape === undefined) throw new Error('its shape is not known');
  const cluster = { hosts: 1, gpusPerHost: 1, gpu: gpuNamed('rtx-4090') };
  const plan = decide(cluster, shape, { backend: 'vllm', settings: config }, config.placement);
  expect(isRefusal(plan)).toBe(false);
});
