import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadConfig } from '../../../ts/config/load.ts';
import { PRESETS } from '../../../ts/config/presets.ts';
import type { Wishes } from '../../../ts/placement/candidates.ts';
import { PlacementError } from '../../../ts/placement/errors.ts';
import { GPU_NAMES, gpuNamed } from '../../../ts/placement/gpu.ts';
import type { Cluster, Place } from '../../../ts/placement/layout.ts';
import { sum } from '../../../ts/placement/memory.ts';
import { knownShape } from '../../../ts/placement/models.ts';
import { decide, isRefusal, type Plan } from '../../../ts/placement/plan.ts';
import type { Refusal } from '../../../ts/placement/refusal.ts';
import { type ModelShape, shapeOf } from '../../../ts/placement/shape.ts';
import type { Workload } from '../../../ts/placement/workload.ts';
import { layoutText } from '../../../ts/report/plan.ts';

const OPEN: Wishes = { layout: 'auto', trainerGpus: 0, tensorParallel: 0 };
const EMBEDDED = shapeOf('embedded', {
  model_type: 'qwen3',
  num_hidden_layers: 3,
  hidden_size: 96,
  intermediate_size: 256,
  num_attention_heads: 3,
  num_key_value_heads: 1,
  head_dim: 32,
  vocab_size: 42,
  max_position_embeddings: 256,
  tie_word_embeddings: true,
});

function cluster(gpu: string, gpusPerHost: number, hosts = 1): Cluster {
  return { hosts, gpusPerHost, gpu: gpuNamed(gpu) };
}

function workload(backend: Workload['backend'] = 'torch', preset = 'paper', sets: readonly string[] = []): Workload {
  return { backend, settings: loadConfig({ preset, sets }) };
}

function shapeNamed(name: string): ModelShape {
  return knownShape(name) as ModelShape;
}

function planned(decision: Plan | Refusal): Plan {
  if (isRefusal(decision)) throw new Error(decision.reason);
  return decision;
}

function refused(decision: Plan | Refusal): Refusal {
  if (!isRefusal(decision)) throw new Error(`${layoutText(decision.layout)} fits`);
  return decision;
}

const CLUSTERS: readonly [string, Cluster][] = [
  ...[1, 2, 4, 8].map((gpus): [string, Cluster] => [`${gpus} x h100`, cluster('h100', gpus)]),
  ['2 x 8 x h100', cluster('h100', 8, 2)],
  ['8 x 8 x h100', cluster('h100', 8, 8)],
  ['8 x a100-40', cluster('a100-40', 8)],
];

/** A line for each cluster: what is decided, rows of a sampler, hours of an iteration. */
function decisions(preset: string, backend: Workload['backend'], shape: ModelShape): string {
  const lines = CLUSTERS.map(([name, on]) => {
    const decision = decide(on, shape, workload(backend, preset), OPEN);
    if (isRefusal(decision)) return `${name}: refused; ${decision.remedies.map(({ change }) => change).join(' | ')}`;
    const { layout, rows, estimate } = decision;
    return `${name}: ${layoutText(layout)}; ${rows} rows; ${(estimate.seconds / 3600).toPrecision(2)} h`;
  });
  return lines.join('\n');
}

describe('every preset on GPUs', () => {
  test('paper, Qwen3-4B', () => {
    expect(decisions('paper', 'torch', shapeNamed('Qwen/Qwen3-4B-Base'))).toMatchInlineSnapshot(`
"1 x h100: refused; trainer.offload=true | trainer.loraRank=32 | 2 x h100
2 x h100: colocated: 2 samplers and a trainer of 2 GPUs, in turns; 119 rows; 8.5 h
4 x h100: colocated: 4 samplers and a trainer of 4 GPUs, in turns; 119 rows; 4.4 h
8 x h100: colocated: 8 samplers and a trainer of 8 GPUs, in turns; 119 rows; 2.3 h
2 x 8 x h100: colocated: 16 samplers and a trainer of 16 GPUs, in turns; 119 rows; 1.3 h
8 x 8 x h100: colocated: 64 samplers and a trainer of 64 GPUs, in turns; 119 rows; 0.54 h
8 x a100-40: colocated: 8 samplers and a trainer of 8 GPUs, in turns; 40 rows; 6.8 h"
`);
  });

  test('paper, Qwen3-4B, sampling with vLLM', () => {
    expect(decisions('paper', 'vllm', shapeNamed('Qwen/Qwen3-4B-Base'))).toMatchInlineSnapshot(`
"1 x h100: refused; trainer.offload=true | trainer.loraRank=32 | 2 x h100
2 x h100: colocated: 2 samplers and a trainer of 2 GPUs, in turns; 264 rows; 7.3 h
4 x h100: colocated: 4 samplers and a trainer of 4 GPUs, in turns; 264 rows; 3.7 h
8 x h100: colocated: 8 samplers and a trainer of 8 GPUs, in turns; 264 rows; 2.0 h
2 x 8 x h100: colocated: 16 samplers and a trainer of 16 GPUs, in turns; 264 rows; 1.1 h
8 x 8 x h100: colocated: 64 samplers and a trainer of 64 GPUs, at once; 196 rows; 0.52 h
8 x a100-40: colocated: 8 samplers and a trainer of 8 GPUs, in turns; 106 rows; 5.0 h"
`);
  });

  test('repo-head and repo-2025 as paper, but for 9 answers in place of 10', () => {
    expect(decisions('repo-head', 'torch', shapeNamed('Qwen/Qwen3-4B-Base'))).toMatchInlineSnapshot(`
"1 x h100: refused; trainer.offload=true | trainer.loraRank=32 | 2 x h100
2 x h100: colocated: 2 samplers and a trainer of 2 GPUs, in turns; 119 rows; 8.3 h
4 x h100: colocated: 4 samplers and a trainer of 4 GPUs, in turns; 119 rows; 4.3 h
8 x h100: colocated: 8 samplers and a trainer of 8 GPUs, in turns; 119 rows; 2.2 h
2 x 8 x h100: colocated: 16 samplers and a trainer of 16 GPUs, in turns; 119 rows; 1.2 h
8 x 8 x h100: colocated: 64 samplers and a trainer of 64 GPUs, in turns; 119 rows; 0.53 h
8 x a100-40: colocated: 8 samplers and a trainer of 8 GPUs, in turns; 40 rows; 6.6 h"
`);
    expect(decisions('repo-2025', 'torch', shapeNamed('Qwen/Qwen3-4B-Base'))).toBe(
      decisions('repo-head', 'torch', shapeNamed('Qwen/Qwen3-4B-Base')),
    );
  });

  test('embedded, the embedded base model', () => {
    expect(decisions('embedded', 'torch', EMBEDDED)).toMatchInlineSnapshot(`
"1 x h100: one worker samples and trains on one GPU; 2048 rows; 0.0034 h
2 x h100: one worker samples and trains on one GPU; 2048 rows; 0.0034 h
4 x h100: one worker samples and trains on one GPU; 2048 rows; 0.0034 h
8 x h100: one worker samples and trains on one GPU; 2048 rows; 0.0034 h
2 x 8 x h100: one worker samples and trains on one GPU; 2048 rows; 0.0034 h
8 x 8 x h100: one worker samples and trains on one GPU; 2048 rows; 0.0034 h
8 x a100-40: one worker samples and trains on one GPU; 2048 rows; 0.0034 h"
`);
  });

  test('and mock, which computes on no GPU (test/unit/cli/plan.test.ts), are all but those by a backbone', () => {
    const byBackbone = ['qwen3-4b', 'qwen3-8b', 'octothinker-3b', 'octothinker-8b', 'single-gpu-lora'];
    const others = Object.keys(PRESETS).filter((name) => !byBackbone.includes(name));
    expect(others).toEqual(['paper', 'repo-head', 'repo-2025', 'embedded', 'mock']);
  });
});

describe("what waits in the host's memory, of Qwen3-4B sampled with vLLM on eight H100", () => {
  const MODEL = 2 * 4_022_468_096;
  const hostBytes = (layout: Wishes['layout'], ...sets: string[]): number => {
    const wishes = { ...OPEN, layout, trainerGpus: 4 };
    const work = workload('vllm', 'paper', sets);
    return planned(decide(cluster('h100', 8), shapeNamed('Qwen/Qwen3-4B-Base'), work, wishes)).hostBytes;
  };

  test('apart, the policy and the Solver of each of four samplers, as one goes before the other comes', () => {
    expect(hostBytes('apart')).toBe(4 * 2 * MODEL);
  });

  test('nothing, where there is one model', () => {
    expect(hostBytes('apart', 'roles.models=one', 'roles.judge=current')).toBe(0);
  });

  test('in turns, also what four trainers hold: 16 bytes a parameter and an anchor of 4', () => {
    expect(hostBytes('colocated')).toBe(8 * 2 * MODEL + 10 * MODEL);
  });
});

test("R-Zero's authors' code took about 50 h for three iterations of 4B on eight A100 of 40 GB: not less than is planned", () => {
  const { estimate } = planned(decide(cluster('a100-40', 8), shapeNamed('Qwen/Qwen3-4B-Base'), workload('vllm'), OPEN));
  const hours = (3 * estimate.seconds) / 3600;
  expect(hours).toBeGreaterThan(50 / 4);
  expect(hours).toBeLessThan(50);
});

describe('what is refused', () => {
  test('says by how much, and only what would help alone', () => {
    const { reason, remedies } = refused(
      decide(cluster('h100', 1), shapeNamed('Qwen/Qwen3-4B-Base'), workload(), OPEN),
    );
    expect(reason).toMatch(
      /^does not fit on one h100 \(79\.6 GiB\): training takes \d+\.\d GiB on the GPU that trains, \d+\.\d GiB too much \(30\.0 GiB of it: AdamW moments, float32\)$/,
    );
    expect(remedies.map(({ change }) => change)).toEqual(['trainer.offload=true', 'trainer.loraRank=32', '2 x h100']);
  });

  test('what would help does', () => {
    for (const set of ['trainer.offload=true', 'trainer.loraRank=32']) {
      planned(decide(cluster('h100', 1), shapeNamed('Qwen/Qwen3-4B-Base'), workload('torch', 'paper', [set]), OPEN));
    }
    planned(decide(cluster('h100', 2), shapeNamed('Qwen/Qwen3-4B-Base'), workload(), OPEN));
  });

  test('where nothing helps alone, nothing is promised', () => {
    const decision = decide(cluster('rtx-4090', 1), shapeNamed('meta-llama/Llama-3.1-70B'), workload(), OPEN);
    expect(refused(decision).remedies).toEqual([]);
  });
});

describe('what the user has settled', () => {
  const four = shapeNamed('Qwen/Qwen3-4B-Base');
  const on = cluster('h100', 8, 2);

  test('is kept', () => {
    const wishes: Wishes = { layout: 'apart', trainerGpus: 4, tensorParallel: 2 };
    const { layout } = planned(decide(on, four, workload('vllm'), wishes));
    expect(layoutText(layout)).toBe('apart: 6 samplers of 2 GPUs each and a trainer of 4 GPUs');
  });

  test.each<[string, Partial<Wishes>, Workload, Cluster, string]>([
    [
      'torch',
      { tensorParallel: 2 },
      workload('torch'),
      on,
      'placement.tensorParallel is 2; worker.backend torch samples on one GPU: set worker.backend to vllm',
    ],
    [
      'heads',
      { tensorParallel: 3 },
      workload('vllm'),
      on,
      "placement.tensorParallel is 3; allowed is 1, 2, 4, 8: a power of two that divides the model's 32 heads, within a host of 8",
    ],
    [
      'hosts',
      { trainerGpus: 12 },
      workload(),
      on,
      'placement.trainerGpus is 12; allowed is 1 to 8, or all GPUs of several hosts: 16',
    ],
    [
      'adapters',
      { trainerGpus: 2 },
      workload('torch', 'paper', ['trainer.loraRank=32']),
      on,
      'placement.trainerGpus is 2; adapters (trainer.loraRank) are trained on 1',
    ],
    [
      'apart',
      { layout: 'apart' },
      workload(),
      cluster('h100', 1),
      'placement.layout is apart; with 1 GPU none is left to sample',
    ],
    [
      'apart',
      { layout: 'apart', trainerGpus: 8 },
      workload(),
      cluster('h100', 8),
      'placement.layout is apart; with 8 GPUs, 8 of them to train none is left to sample',
    ],
  ])('or refused by name: %s', (_, wishes, work, where, message) => {
    const act = () => decide(where, four, work, { ...OPEN, ...wishes });
    expect(act).toThrow(PlacementError);
    expect(act).toThrow(message);
  });

  test('is among what may be given up', () => {
    const decision = decide(cluster('h100', 2), four, workload(), { ...OPEN, layout: 'apart' });
    expect(refused(decision).remedies.map(({ change }) => change)).toContain(
      'placement.layout=auto placement.trainerGpus=0 placement.tensorParallel=0',
    );
  });
});

const cases = fc.record({
  gpu: fc.constantFrom(...GPU_NAMES),
  gpusPerHost: fc.integer({ min: 1, max: 8 }),
  hosts: fc.integer({ min: 1, max: 3 }),
  model: fc.constantFrom('Qwen/Qwen3-0.6B', 'Qwen/Qwen3-4B', 'Qwen/Qwen3-30B-A3B', 'meta-llama/Llama-3.1-8B', ''),
  backend: fc.constantFrom<Workload['backend'][]>('torch', 'vllm'),
  sets: fc.subarray([
    'trainer.recompute=false',
    'trainer.offload=true',
    'trainer.loraRank=16',
    'trainer.packTokens=8192',
  ]),
  wishes: fc.record<Wishes>({
    layout: fc.constantFrom<Wishes['layout'][]>('auto', 'colocated', 'apart'),
    trainerGpus: fc.constantFrom(0, 1, 2, 4, 8, 16),
    tensorParallel: fc.constantFrom(0, 0, 1, 2),
  }),
});

type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

/** undefined where the wishes cannot be met on such a cluster. */
function decisionOf({ gpu, gpusPerHost, hosts, model, backend, sets, wishes }: Case): Plan | Refusal | undefined {
  const settings = sets.includes('trainer.loraRank=16') ? sets.filter((set) => set !== 'trainer.offload=true') : sets;
  const shape = model === '' ? EMBEDDED : shapeNamed(model);
  try {
    return decide(cluster(gpu, gpusPerHost, hosts), shape, workload(backend, 'paper', settings), wishes);
  } catch (error) {
    if (error instanceof PlacementError) return undefined;
    throw error;
  }
}

describe('whatever is decided', () => {
  const key = ({ host, gpu }: Place) => `${host}/${gpu}`;

  test('fits, has no GPU twice in a phase, and is as the user wished', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const decision = decisionOf(given);
        if (decision === undefined || isRefusal(decision)) return;
        const { layout, ledgers, rows, engineShare } = decision;
        const memory = gpuNamed(given.gpu).memoryBytes;
        for (const { items, free } of ledgers) {
          expect(free).toBeGreaterThanOrEqual(0);
          expect(sum(items) + free).toBeCloseTo(memory, 0);
          for (const { bytes } of items) expect(bytes).toBeGreaterThanOrEqual(0);
        }
        expect(rows).toBeGreaterThanOrEqual(1);
        expect(engineShare).toBeLessThan(1);
        const trains = layout.trainer.places.map(key);
        const samples = layout.samplers.flatMap(({ places }) => places.map(key));
        expect(new Set(trains).size).toBe(trains.length);
        expect(new Set(samples).size).toBe(samples.length);
        for (const { host, gpu } of [layout.trainer, ...layout.samplers].flatMap(({ places }) => places)) {
          expect(host).toBeLessThan(given.hosts);
          expect(gpu).toBeLessThan(given.gpusPerHost);
        }
        for (const { places } of layout.samplers) expect(new Set(places.map(({ host }) => host)).size).toBe(1);
        if (layout.kind === 'apart') expect(trains.some((place) => samples.includes(place))).toBe(false);
        // Where samplers of two do not divide a host's GPUs, one only trains.
        else expect(trains.some((place) => samples.includes(place))).toBe(true);
        const { layout: kind, trainerGpus, tensorParallel } = given.wishes;
        for (const { seconds } of decision.others)
          expect(seconds * 1.01).toBeGreaterThanOrEqual(decision.estimate.seconds);
        if (kind !== 'auto') expect(layout.kind).toBe(kind);
        if (trainerGpus > 0) expect(trains).toHaveLength(trainerGpus);
        if (tensorParallel > 0) expect(layout.samplers[0]?.places).toHaveLength(tensorParallel);
      }),
    );
  });

  test('more GPUs are never slower, nor do they refuse what fits on fewer', () => {
    fc.assert(
      fc.property(cases, fc.boolean(), (given, host) => {
        const fewer = decisionOf({ ...given, wishes: OPEN });
        if (fewer === undefined || isRefusal(fewer)) return;
        const grown = host ? { hosts: given.hosts + 1 } : { hosts: 1, gpusPerHost: given.gpusPerHost + 1 };
        if (!host && given.hosts > 1) return;
        const more = planned(decisionOf({ ...given, ...grown, wishes: OPEN }) as Plan);
        // Layouts that are within a hundredth of each other are as fast.
        expect(more.estimate.seconds).toBeLessThanOrEqual(fewer.estimate.seconds * 1.01);
      }),
    );
  });

  test('what is refused is too large somewhere, and every remedy names a change', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const decision = decisionOf(given);
        if (decision === undefined || !isRefusal(decision)) return;
        expect(decision.reason).toMatch(/, \d+\.\d GiB too much/);
        for (const { change } of decision.remedies)
          expect(change).toMatch(/^(\d+ (x|hosts) |[a-z]+\.[a-zA-Z]+(=| halved))/);
      }),
      { numRuns: 50 },
    );
  });
});
