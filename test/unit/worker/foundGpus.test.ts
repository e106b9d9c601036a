import { describe, expect, test } from '@jest/globals';
import { findGpus } from '../../../ts/worker/foundGpus.ts';

const SAID = `0, GPU-aa11, NVIDIA H100 80GB HBM3, 81559
1, GPU-bb22, NVIDIA H100 80GB HBM3, 81559
2, GPU-cc33, NVIDIA A10, 23028
`;

const H100 = { name: 'NVIDIA H100 80GB HBM3', memoryBytes: 81_559 * 2 ** 20 };
const A10 = { name: 'NVIDIA A10', memoryBytes: 23_028 * 2 ** 20 };

/** What is found where nvidia-smi prints this. */
function found(said: string, CUDA_VISIBLE_DEVICES?: string) {
  const program = `process.stdout.write(${JSON.stringify(said)})`;
  return findGpus({ PATH: process.env.PATH, CUDA_VISIBLE_DEVICES }, [process.execPath, '-e', program, '--']);
}

describe('GPUs of this machine', () => {
  test.each([
    [undefined, [H100, H100, A10]],
    ['2', [A10]],
    ['2,0', [A10, H100]],
    ['GPU-bb, GPU-cc33', [H100, A10]],
    // CUDA stops at what it does not know.
    ['0,7,1', [H100]],
    ['', []],
    ['-1', []],
  ])('are those that CUDA_VISIBLE_DEVICES=%p allows', async (visible, gpus) => {
    expect(await found(SAID, visible)).toEqual(gpus);
  });

  test('are none where the driver finds none', async () => {
    expect(await found('No devices were found\n')).toEqual([]);
    expect(await findGpus({ PATH: process.env.PATH }, [process.execPath, '-e', 'process.exit(9)', '--'])).toEqual([]);
  });

  test('are none where there is no nvidia-smi', async () => {
    expect(await findGpus({ PATH: '/nowhere' })).toEqual([]);
  });
});
