import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { GPU_NAMES, gpuNamed } from '../../../ts/placement/gpu.ts';
import { knownShape } from '../../../ts/placement/models.ts';
import type { ModelShape } from '../../../ts/placement/shape.ts';
import {
  decodeStepSeconds,
  handoverSeconds,
  prefillSeconds,
  ROW_OVERHEAD,
  STEP_OVERHEAD,
  scoreSeconds,
  sleepSeconds,
  switchSeconds,
  takeSeconds,
  trainSeconds,
  updateSeconds,
  wakeSeconds,
  writeSeconds,
} from '../../../ts/placement/speed.ts';

const NAMES = ['Qwen/Qwen3-0.6B', 'Qwen/Qwen3-4B', 'Qwen/Qwen3-8B', 'Qwen/Qwen3-30B-A3B', 'meta-llama/Llama-3.1-70B'];

function known(name: string): ModelShape {
  return knownShape(name) as ModelShape;
}

const model = known('Qwen/Qwen3-4B');
const h100 = gpuNamed('h100');
const work = { recompute: true, packTokens: 16_384, length: 4096 };

describe('worked by hand for Qwen3-4B on an H100', () => {
  test('a decoding step of 256 rows with 1,024 tokens each is bound by memory', () => {
    // 2 * 4,022,468,096 bytes of weights and 256 * 1,024 * 147,456 of cache, at 60 % of 3.35 TB/s.
    const bytes = 8_044_936_192 + 38_654_705_664;
    const expected = bytes / (0.6 * 3.35e12) + STEP_OVERHEAD + 256 * ROW_OVERHEAD;
    expect(decodeStepSeconds(model, h100, 1, 256, 256 * 1024)).toBeCloseTo(expected, 9);
    expect(expected).toBeCloseTo(0.0296, 4);
  });

  test('a prompt of 1,000 tokens is bound by arithmetic', () => {
    // 2 operations a parameter and token; 4 * 32 heads * 128 * 36 layers for each of 1,000 * 500 pairs.
    const flops = 2 * 4_022_468_096 * 1000 + 4 * 32 * 128 * 36 * 500_000;
    expect(prefillSeconds(model, h100, 1, 1000, 1000)).toBeCloseTo(flops / (0.5 * 989e12), 12);
  });

  test('eight of them train 131,072 tokens in one round of packs', () => {
    // Four forward passes' worth: 1 forward, 2 backward, 1 again.
    const forward = 2 * 4_022_468_096 * 16_384 + 4 * 32 * 128 * 36 * 16_384 * 2048;
    const expected = (4 * forward) / (0.25 * 989e12);
    expect(trainSeconds(model, h100, 8, 131_072, work)).toBeCloseTo(expected, 9);
    // 19 % of the model's own arithmetic in attention and products: between prime-rl's 14 and 35 %.
    const share = (3 * forward * 8) / (8 * 989e12 * expected);
    expect(share).toBeCloseTo(0.1875, 4);
    // A little more takes a second round, of packs that are half as large.
    expect(trainSeconds(model, h100, 8, 131_080, work)).toBeCloseTo(expected, 3);
    // A single sequence is not cut.
    expect(trainSeconds(model, h100, 8, 4096, work)).toBe(trainSeconds(model, h100, 1, 4096, work));
  });

  test('scoring takes a quarter of training', () => {
    expect(scoreSeconds(model, h100, 1, 50_000, work)).toBeCloseTo(trainSeconds(model, h100, 1, 50_000, work) / 4, 9);
  });

  test('8 GB are written by one thread, and hashed by one for each of eight files of a GiB', () => {
    const bytes = 2 * 4_022_468_096;
    // 7.49 GiB are 8 files. 0.5 s at any rate; PCIe 5 at half of 64 GB/s.
    const written = 0.5 + bytes / 32e9 + bytes / 2.5e9 + bytes / (8 * 1.5e9);
    expect(writeSeconds(model, h100, 1)).toBeCloseTo(written, 9);
    expect(written).toBeCloseTo(0.5 + 0.2514 + 3.218 + 0.6704, 3);
    // Over NVLink at 0.7 of 450 GB/s.
    expect(writeSeconds(model, h100, 4)).toBeCloseTo(written + bytes / 315e9, 9);
    // Read and summed by one thread.
    const taken = bytes / (8 * 1.5e9) + bytes / 2.5e9 + bytes / 4e9 + bytes / 32e9;
    expect(takeSeconds(model, h100)).toBeCloseTo(taken, 9);
    expect(taken).toBeCloseTo(0.6704 + 3.218 + 2.0112 + 0.2514, 3);
    expect(handoverSeconds(model, h100, 4)).toBeCloseTo(written + taken + bytes / 315e9, 9);
  });

  test('few files are hashed by few threads, many by no more than eight', () => {
    // Beside what each byte costs alike, two hashes.
    const hashed = (parameters: number): number => {
      const alike = 2 * parameters * (2 / 32e9 + 2 / 2.5e9 + 1 / 4e9);
      return (handoverSeconds({ ...model, parameters }, h100, 1) - 0.5 - alike) / 2;
    };
    const gib = 2 ** 30 / 1.5e9;
    expect(hashed(2 ** 28)).toBeCloseTo(gib / 2, 9);
    expect(hashed(2 ** 29)).toBeCloseTo(gib, 9);
    expect(hashed(3 * 2 ** 29)).toBeCloseTo(gib, 9);
    expect(hashed(32 * 2 ** 29)).toBeCloseTo(4 * gib, 9);
  });

  test('sleeping moves bytes over PCIe, and waking moves them back', () => {
    expect(sleepSeconds(64e9, h100)).toBeCloseTo(2 + 0.1, 9);
    expect(wakeSeconds(64e9, h100)).toBe(sleepSeconds(64e9, h100));
    expect(switchSeconds(8e9, h100)).toBeCloseTo(2 * (8 / 32 + 0.1), 9);
  });
});

test('few rows go through few experts, many through nearly all', () => {
  const mixture = known('Qwen/Qwen3-30B-A3B');
  const bytesOf = (rows: number) =>
    (decodeStepSeconds(mixture, h100, 1, rows, 0) - STEP_OVERHEAD - rows * ROW_OVERHEAD) * 0.6 * h100.bandwidth;
  const looked = 151_936 * 2048;
  expect(bytesOf(1) / 2).toBeCloseTo(mixture.activeParameters - looked, -3);
  expect(bytesOf(256) / 2).toBeCloseTo(mixture.parameters - looked, -4);
});

test('where memory is in the host, a step waits for the bus and the processors', () => {
  const fits = trainSeconds(model, h100, 1, 1024, work);
  expect(trainSeconds(model, h100, 1, 1024, { ...work, offload: true })).toBeGreaterThan(fits);
  expect(updateSeconds(model, h100, 8, true)).toBeGreaterThan(10 * updateSeconds(model, h100, 8));
});

const cases = {
  shape: fc.constantFrom(...NAMES).map(known),
  gpu: fc.constantFrom(...GPU_NAMES).map(gpuNamed),
};

test('everything is finite and above 0, and more work never takes less', () => {
  fc.assert(
    fc.property(
      cases.shape,
      cases.gpu,
      fc.integer({ min: 1, max: 1024 }),
      fc.integer({ min: 1, max: 1e7 }),
      fc.integer({ min: 1, max: 64 }),
      (shape, gpu, rows, tokens, gpus) => {
        for (const seconds of [
          (more: number) => decodeStepSeconds(shape, gpu, 1, rows * more, tokens * more),
          (more: number) => prefillSeconds(shape, gpu, 1, tokens * more, 512),
          (more: number) => trainSeconds(shape, gpu, gpus, tokens * more, work),
          (more: number) => scoreSeconds(shape, gpu, gpus, tokens * more, work),
          (more: number) => sleepSeconds(tokens * more, gpu),
        ]) {
          expect(seconds(1)).toBeGreaterThan(0);
          expect(seconds(2)).toBeGreaterThanOrEqual(seconds(1));
          expect(seconds(2)).toBeLessThan(Number.POSITIVE_INFINITY);
        }
      },
    ),
  );
});

test('the work of training grows no faster than its tokens, and recomputation and weights cost what they cost', () => {
  const seconds = (fields: object) => trainSeconds(model, h100, 1, 100_000, { ...work, ...fields });
  expect(seconds({ recompute: false }) / seconds({})).toBeCloseTo(3 / 4, 9);
  expect(seconds({ adapters: true }) / seconds({})).toBeCloseTo(3 / 4, 9);
  expect(trainSeconds(model, h100, 1, 0, work)).toBe(0);
});
