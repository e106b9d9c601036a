import { describe, expect, test } from '@jest/globals';
import { GPU_NAMES, gpuFound, gpuNamed } from '../../../ts/placement/gpu.ts';
import { GIB, MIB } from '../../../ts/placement/units.ts';

test('every GPU is plausible: a slip of a thousand would show', () => {
  for (const name of GPU_NAMES) {
    const gpu = gpuNamed(name);
    expect(gpu.memoryBytes / GIB).toBeGreaterThan(20);
    expect(gpu.memoryBytes / GIB).toBeLessThan(200);
    // Operations a byte of memory traffic: from 75 (RTX 3090) to 420 (L40S).
    expect(gpu.flops / gpu.bandwidth).toBeGreaterThan(70);
    expect(gpu.flops / gpu.bandwidth).toBeLessThan(450);
    expect(gpu.link).toBeGreaterThanOrEqual(gpu.hostLink);
    expect(gpu.dollarsPerHour).toBeGreaterThan(0.3);
    expect(gpu.dollarsPerHour).toBeLessThan(10);
  }
});

describe('a GPU by name', () => {
  test('in any case', () => {
    expect(gpuNamed('H100')).toEqual(gpuNamed('h100'));
    expect(gpuNamed('a100-40')).toMatchObject({ name: 'a100-40', memoryBytes: 40 * GIB, bandwidth: 1.555e12 });
  });

  test('one that is not known names those that are, and the nearest', () => {
    expect(() => gpuNamed('h10')).toThrow(
      'GPU "h10" is not known (did you mean "h100"?); there are: a100-40, a100-80, h100,',
    );
    expect(() => gpuNamed('something')).toThrow('GPU "something" is not known; there are:');
  });
});

describe('a GPU as the driver names it', () => {
  test.each([
    ['NVIDIA A100-SXM4-40GB', 40_960, 'a100-40'],
    ['NVIDIA A100 80GB PCIe', 81_920, 'a100-80'],
    ['NVIDIA H100 80GB HBM3', 81_559, 'h100'],
    ['NVIDIA H200', 143_771, 'h200'],
    ['NVIDIA B200', 183_359, 'b200'],
    ['NVIDIA L40S', 46_068, 'l40s'],
    ['NVIDIA L4', 23_034, 'l4'],
    ['NVIDIA A10', 23_028, 'a10'],
    ['NVIDIA RTX A6000', 49_140, 'rtx-a6000'],
    ['NVIDIA GeForce RTX 4090', 24_564, 'rtx-4090'],
  ])('%s', (called, mebibytes, name) => {
    expect(gpuFound(called, mebibytes * MIB)).toEqual(gpuNamed(name));
  });

  test('a part of a card has the memory that it has', () => {
    const gpu = gpuFound('NVIDIA A100-SXM4-40GB MIG 3g.20gb', 20 * GIB);
    expect(gpu).toMatchObject({ name: 'a100-40', memoryBytes: 20 * GIB });
  });

  test('one that is not in the table keeps its name, and is as fast as one of about its memory', () => {
    const gpu = gpuFound('NVIDIA H20', 97_871 * MIB);
    expect(gpu).toEqual({ ...gpuNamed('a100-80'), name: 'NVIDIA H20', memoryBytes: 97_871 * MIB });
    expect(gpuFound('NVIDIA A10G', 23_028 * MIB).name).toBe('NVIDIA A10G');
  });
});
