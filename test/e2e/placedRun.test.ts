import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { cli, SMALL, temporaryFolder } from './cli.ts';

test('a run on GPUs starts what is planned, and comes to what one worker does', async () => {
  const folder = temporaryFolder();
  try {
    // Two GPUs that PyTorch will not find: every worker computes on the CPU.
    const driver = join(folder.path, 'nvidia-smi');
    writeFileSync(driver, '#!/bin/sh\nfor gpu in 90 91; do echo "$gpu, GPU-$gpu, NVIDIA A10, 23028"; done\n');
    chmodSync(driver, 0o755);
    const env = { PATH: `${folder.path}${delimiter}${process.env.PATH}`, CUDA_VISIBLE_DEVICES: '90,91' };
    const run = (out: string, ...flags: string[]) =>
      cli(['run', ...SMALL, ...flags, '--out', out], { env, workingFolder: folder.path });
    const placed = await run('placed', '--set', 'placement.layout=apart');
    expect(placed.err).toContain('\n2 x a10, apart: 1 sampler and a trainer of 1 GPU (rzero plan says why).\n');
    expect(placed.err).toContain('joined, 2 in all');
    expect(placed.exitCode).toBe(0);
    const counted = await run('counted', '--set', 'worker.count=1');
    expect(counted.err).not.toContain('a10');
    const summary = (name: string) => readFileSync(join(folder.path, name, 'summary.json'), 'utf8');
    expect(summary('placed')).toBe(summary('counted'));
  } finally {
    folder.remove();
  }
}, 120_000);
