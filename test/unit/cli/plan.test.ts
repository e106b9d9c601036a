import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cli } from '../../e2e/cli.ts';

const PAPER = ['--preset', 'paper', '--gpu', 'h100'];

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-plan-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The environment of a machine with so many H100. */
function machine(gpus: number): NodeJS.ProcessEnv {
  const lines = Array.from({ length: gpus }, (_, gpu) => `${gpu}, GPU-${gpu}${gpu}, NVIDIA H100 80GB HBM3, 81559`);
  const path = join(folder, 'nvidia-smi');
  writeFileSync(path, `#!/bin/sh\ncat <<'END'\n${lines.join('\n')}\nEND\n`);
  chmodSync(path, 0o755);
  return { PATH: `${folder}${delimiter}${process.env.PATH}`, CUDA_VISIBLE_DEVICES: undefined };
}

describe('rzero plan', () => {
  test('shows who does what, what it takes and how long', async () => {
    const { exitCode, out, err } = await cli(['plan', ...PAPER, '--gpus', '8'], { workingFolder: folder });
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    for (const said of [
      'Qwen/Qwen3-4B-Base\n',
      'configuration     preset paper, ',
      'iteration-1..3/questions.jsonl ',
      '1 host of 8 x h100 (79.6 GiB, 3.35 TB/s, 989 TFLOP/s)',
      'Layout: colocated: 8 samplers and a trainer of 8 GPUs, in turns',
      'host 0      samples   s1   s2   s3   s4   s5   s6   s7   s8\n            trains     t    t',
      'AdamW moments, float32                                     3.7',
      'Challenger step       5 ',
      'Disk, in GiB\n',
      '3 checkpoints: weights, moments, float32         134.9\n',
      ` are free in ${folder}\n`,
      '9 workers on 8 GPUs',
    ]) {
      expect(out).toContain(said);
    }
    for (const line of out.split('\n')) expect(line).toBe(line.trimEnd());
  });

  test('as JSON has the numbers behind it', async () => {
    const { out } = await cli(['plan', ...PAPER, '--gpus', '8', '--json'], { workingFolder: folder });
    const plan = JSON.parse(out);
    expect(plan).toMatchObject({
      cluster: { hosts: 1, gpusPerHost: 8, gpu: { name: 'h100' } },
      shape: { parameters: 4_022_468_096 },
      layout: { kind: 'colocated', turns: true },
      packTokens: 16_384,
    });
    expect(plan.layout.samplers).toHaveLength(8);
    expect(plan.estimate.seconds).toBeGreaterThan(600);
    expect(plan.disk).toMatchObject({ afterwards: expect.any(Number), room: { folder } });
    expect(plan.disk.underWay).toBeGreaterThan(plan.disk.afterwards);
  });

  test('of several hosts says what is started by hand', async () => {
    const { out } = await cli(['plan', ...PAPER, '--gpus', '8', '--hosts', '2']);
    expect(out).toContain('hosts 0-1   samples   s1   s2');
    expect(out).toContain('on each host K from 0 to 1:\n  rzero workers --host K --connect tcp://HEAD:5555');
  });

  test('refuses what cannot fit with 78, and names what would help', async () => {
    const { exitCode, out, err } = await cli(['plan', ...PAPER, '--gpus', '1']);
    expect({ exitCode, out }).toEqual({ exitCode: 78, out: '' });
    expect(err).toMatch(/^rzero: Qwen\/Qwen3-4B-Base does not fit on one h100 \(79\.6 GiB\): .* GiB too much/);
    expect(err).toContain('\n  trainer.loraRank=32    train adapters alone\n');
  });

  test.each([
    [['--gpu', 'h10', '--gpus', '1'], 'GPU "h10" is not known (did you mean "h100"?)'],
    [['--gpus', '2'], 'option "placement.gpu" is "": this machine has no GPU'],
    [['--gpu', 'h100'], 'option "placement.gpusPerHost" is 0: this machine has no GPU'],
    [['--hosts', '2'], 'option "placement.gpusPerHost" is 0: it must be above 0 where placement.hosts is above 1'],
    [['--gpus', 'many'], 'option "placement.gpusPerHost" is "many": it must be a number'],
    [['--set', 'placement.layout=apart', '--gpus', '1', '--gpu', 'h100'], 'placement.layout is apart; with 1 GPU'],
  ])('%j is a wrong configuration', async (flags, message) => {
    const { exitCode, err } = await cli(['plan', ...flags], { env: { PATH: '/nowhere' } });
    expect(err).toContain(message);
    expect(exitCode).toBe(78);
  });

  test('without a GPU one worker computes on the CPU, or the mock', async () => {
    const none = { env: { PATH: '/nowhere' } };
    const { exitCode, out } = await cli(['plan'], none);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/\nNo GPU here: one worker computes on the CPU, with \d+\.\d GiB of memory/);
    expect(out).toContain('training them 4.6 MiB');
    expect(out).toMatch(/\nA run takes up to 28\.7 MiB of disk and leaves 15\.2 MiB; .* are free in \S+\.\n/);
    expect((await cli(['plan', '--preset', 'mock'], none)).out).toContain('The mock worker computes no model');
    expect(JSON.parse((await cli(['plan', '--json'], none)).out)).toMatchObject({
      configHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      config: { preset: 'embedded', seed: 1 },
      gpus: 0,
      workers: 1,
      disk: { underWay: expect.any(Number) },
    });
    const mock = JSON.parse((await cli(['plan', '--json', '--preset', 'mock'], none)).out);
    expect(mock).toMatchObject({ gpus: 0, workers: 1, config: { preset: 'mock' } });
    expect(mock.disk).toBeUndefined();
  });

  test('says so where workers are counted by hand', async () => {
    const { out } = await cli(['plan', ...PAPER, '--gpus', '8', '--set', 'worker.count=3']);
    expect(out).toContain('Note: worker.count is 3, so `rzero run` starts workers by count');
  });

  test('says so where there is too little room', async () => {
    const flags = ['--model', 'Qwen/Qwen3-4B-Base', '--set', 'iterations=1000000'];
    const { out } = await cli(['plan', ...flags], { env: { PATH: '/nowhere' } });
    expect(out).toMatch(/\nNote: the run needs about \d+ GiB and .* are free in /);
    const planned = await cli(['plan', ...PAPER, '--gpus', '8', '--set', 'iterations=1000000']);
    expect(planned.out).toMatch(/\nNote: the run needs about \d+ GiB and .* are free in /);
  });

  test('takes the GPUs that this machine has', async () => {
    const { out } = await cli(['plan', '--preset', 'paper'], { env: machine(4) });
    expect(out).toContain('1 host of 4 x h100');
  });
});

describe('rzero run', () => {
  const paper = ['run', '--preset', 'paper', '--out', 'run'];

  test('refuses what does not fit on the GPUs that are there, before anything is made', async () => {
    const { exitCode, err } = await cli(paper, { env: machine(1), workingFolder: folder });
    expect(exitCode).toBe(78);
    expect(err).toContain('Qwen/Qwen3-4B-Base does not fit on one h100');
    expect(existsSync(join(folder, 'run'))).toBe(false);
  });

  test('says how to go without a plan where none can be made', async () => {
    const env = { ...machine(1), HF_HUB_OFFLINE: '1', HF_HOME: folder };
    const { exitCode, err } = await cli([...paper, '--model', 'me/mine'], { env, workingFolder: folder });
    expect(err).toMatch(
      /^rzero: model me\/mine is not in the cache.* \(worker\.count=1 starts one worker without a plan\)\n$/,
    );
    expect(exitCode).toBe(78);
  });

  test.each([
    [['placement.gpusPerHost=8'], 'option "placement.gpusPerHost" is 8: this machine has 2 GPUs'],
    [
      ['placement.gpusPerHost=2', 'placement.hosts=2'],
      'option "placement.hosts" is 2: the workers of several hosts dial in',
    ],
  ])('with %j is refused too', async (sets, message) => {
    const flags = sets.flatMap((set) => ['--set', set]);
    const { exitCode, err } = await cli([...paper, ...flags], { env: machine(2), workingFolder: folder });
    expect(err).toContain(message);
    expect(exitCode).toBe(78);
    expect(existsSync(join(folder, 'run'))).toBe(false);
  });
});
