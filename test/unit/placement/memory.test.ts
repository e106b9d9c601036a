import { describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../../ts/config/load.ts';
import { adapterParameters, type Item, samplerShare, sum, trainerItems } from '../../../ts/placement/memory.ts';
import { knownShape } from '../../../ts/placement/models.ts';
import type { ModelShape } from '../../../ts/placement/shape.ts';
import { GIB } from '../../../ts/placement/units.ts';
import type { Workload } from '../../../ts/placement/workload.ts';

const model = knownShape('Qwen/Qwen3-4B') as ModelShape;
const PARAMETERS = 4_022_468_096;

function workload(backend: Workload['backend'], ...sets: string[]): Workload {
  return { backend, settings: loadConfig({ preset: 'paper', sets }) };
}

function bytes(items: readonly Item[]): Record<string, number> {
  return Object.fromEntries(items.map((item) => [item.what, item.bytes]));
}

describe('a GPU that trains Qwen3-4B, worked by hand', () => {
  // 36 layers of 2,560; 32 heads and 8 of keys and values, 128 wide; an MLP of 9,728; an embedding of 151,936 x 2,560,
  // tied.
  const OUTSIDE = 151_936 * 2560;
  const LAYER = (PARAMETERS - OUTSIDE) / 36;
  // A token in a layer: 26 x 2,560 + 16 x (32 + 8) x 128 + 8 x 9,728 = 226,304 bytes.
  const KEPT = 26 * 2560 + 16 * 40 * 128 + 8 * 9728;
  const GATHERED = 2 * (2 * LAYER + OUTSIDE) + 6 * OUTSIDE;

  test('as one of eight: 16 bytes a parameter, and the anchor 4, over 8', () => {
    const items = trainerItems(workload('torch'), model, { gpus: 8, single: false, packTokens: 16_384 });
    expect(bytes(items)).toEqual({
      'weights, float32': (4 * PARAMETERS) / 8,
      'gradient, float32': (4 * PARAMETERS) / 8,
      'AdamW moments, float32': (8 * PARAMETERS) / 8,
      'KL anchor, float32': (4 * PARAMETERS) / 8,
      'layers gathered, bfloat16': GATHERED,
      'activations of 16,384 tokens, recomputed': 16_384 * (36 * 2 * 2560 + 2 * KEPT),
      logits: 2 * GIB,
    });
    expect(KEPT).toBe(226_304);
    // 7.49 + 1.87 + 3.27 + 9.72 + 2.
    expect(sum(items) / GIB).toBeCloseTo(24.36, 2);
  });

  test('alone: it has the published weights too, and an anchor in bfloat16', () => {
    const items = bytes(trainerItems(workload('torch'), model, { gpus: 1, single: false, packTokens: 4096 }));
    expect(items).toMatchObject({
      'AdamW moments, float32': 8 * PARAMETERS,
      'published weights, bfloat16': 2 * PARAMETERS,
      'KL anchor, bfloat16': 2 * PARAMETERS,
    });
  });

  test('that samples with vLLM as well: autocast keeps every weight in bfloat16', () => {
    const items = bytes(trainerItems(workload('vllm'), model, { gpus: 1, single: true, packTokens: 4096 }));
    expect(items).toMatchObject({ 'layers gathered, bfloat16': 2 * PARAMETERS, 'KL anchor, bfloat16': 2 * PARAMETERS });
    expect(items).not.toHaveProperty('published weights, bfloat16');
  });

  test('without recomputation every layer keeps its activations', () => {
    const kept = workload('torch', 'trainer.recompute=false');
    const items = bytes(trainerItems(kept, model, { gpus: 8, single: false, packTokens: 16_384 }));
    expect(items['activations of 16,384 tokens']).toBe(16_384 * 37 * KEPT);
  });

  test('with offloading nothing of 16 bytes a parameter is on the GPU, nor is a group anchor', () => {
    const waiting = workload('torch', 'trainer.offload=true');
    const items = bytes(trainerItems(waiting, model, { gpus: 8, single: false, packTokens: 16_384 }));
    expect(Object.keys(items).filter((what) => what.includes('float32'))).toEqual([]);
    expect(items['layers gathered, bfloat16']).toBe(GATHERED);
  });

  test('without a KL term there is no anchor', () => {
    const free = workload('torch', 'challenger.klCoef=0', 'solver.klCoef=0');
    const items = trainerItems(free, model, { gpus: 8, single: false, packTokens: 16_384 });
    expect(items.some(({ what }) => what.includes('anchor'))).toBe(false);
  });

  test('adapters of rank 32 have 66 million weights, over a base of 8 GB', () => {
    // q and o: 2,560 + 4,096 each; k and v: 2,560 + 1,024; gate, up and down: 2,560 + 9,728.
    expect(adapterParameters(model, 32)).toBe(32 * 36 * (2 * 6656 + 2 * 3584 + 3 * 12_288));
    expect(adapterParameters(model, 32)).toBe(66_060_288);
    const items = bytes(
      trainerItems(workload('torch', 'trainer.loraRank=32'), model, { gpus: 1, single: true, packTokens: 4096 }),
    );
    expect(items).toMatchObject({
      'base, bfloat16': 2 * PARAMETERS,
      'adapters, gradient, moments, float32': 16 * 66_060_288,
    });
    expect(items).not.toHaveProperty('weights, float32');
  });
});

describe('a GPU that samples from Qwen3-4B, worked by hand', () => {
  // Of the policy and the Solver that judges it: the anchor is only scored.
  test('with PyTorch: two models, one cache, of half of what is left', () => {
    const share = samplerShare(workload('torch'), model, 1);
    expect(share.items[0]).toEqual({ what: 'weights of 2 models, bfloat16', bytes: 4 * PARAMETERS });
    // 16 rows of 512 + 0.3 * 4,096 tokens, each of 144 KiB.
    expect(share).toMatchObject({ cacheShare: 0.5, waiting: 0, tokenBytes: 147_456, mostRows: 2048 });
    expect(share.least).toBeCloseTo(16 * (512 + 0.3 * 4096) * 147_456, 3);
  });

  test('with vLLM: an engine for each model, one of them awake, whose cache holds a whole context of 40,960', () => {
    const share = samplerShare(workload('vllm'), model, 1);
    expect(share).toMatchObject({ cacheShare: 1, least: 40_960 * 147_456, mostRows: 512 });
    // The other's weights are in the host's memory, and its graphs are not.
    expect(bytes(share.items)).toEqual({
      'weights of one of 2 models, bfloat16': 2 * PARAMETERS,
      'vLLM: graphs, prompts, logits': 1.5 * GIB,
      'vLLM: graphs of engines that sleep': 1.5 * GIB,
    });
    expect(share.engine).toBe(2 * PARAMETERS + 1.5 * GIB);
    expect(share.waiting).toBe(2 * PARAMETERS);
  });

  test('with vLLM and three judges: four engines, and weights of three of them wait', () => {
    const share = samplerShare(workload('vllm', 'roles.judge=ensemble'), model, 1);
    expect(share.items.map((item) => item.bytes)).toEqual([2 * PARAMETERS, 1.5 * GIB, 4.5 * GIB]);
    expect(share.waiting).toBe(6 * PARAMETERS);
  });

  test('with vLLM and the policy as its own judge: nobody sleeps', () => {
    const share = samplerShare(workload('vllm', 'roles.models=one', 'roles.judge=current'), model, 1);
    expect(share.items.map((item) => item.bytes)).toEqual([2 * PARAMETERS, 1.5 * GIB]);
    expect(share.waiting).toBe(0);
  });

  test('cut over GPUs, weights and heads of keys and values divide, down to one head on each', () => {
    const four = samplerShare(workload('vllm'), model, 4);
    expect(four.items[0]?.bytes).toBe((2 * PARAMETERS) / 4);
    expect(four.waiting).toBe((2 * PARAMETERS) / 4);
    expect(four.tokenBytes).toBe(147_456 / 4);
    expect(samplerShare(workload('vllm'), model, 16).tokenBytes).toBe(147_456 / 8);
  });

  test('adapters share one base with PyTorch, and are merged into whole weights for vLLM', () => {
    const torch = samplerShare(workload('torch', 'trainer.loraRank=32'), model, 1);
    expect(torch.items[0]?.bytes).toBe(2 * PARAMETERS + 2 * 4 * 66_060_288);
    const vllm = samplerShare(workload('vllm', 'trainer.loraRank=32'), model, 1);
    expect(vllm.items[0]?.bytes).toBe(2 * PARAMETERS);
    expect(vllm.waiting).toBe(2 * PARAMETERS);
  });

  test.each([
    [['roles.models=one', 'roles.judge=current'], 1],
    [['roles.judge=ensemble'], 4],
    [['roles.judge=ensemble', 'iterations=2'], 3],
  ])('%j: %i models', (sets, models) => {
    const [{ bytes = 0 } = {}] = samplerShare(workload('torch', ...sets), model, 1).items;
    expect(bytes).toBe(models * 2 * PARAMETERS);
  });
});
