import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadConfig } from '../../../ts/config/load.ts';
import { diskNeed } from '../../../ts/placement/disk.ts';
import { adapterParameters } from '../../../ts/placement/memory.ts';
import { knownShape } from '../../../ts/placement/models.ts';
import type { ModelShape } from '../../../ts/placement/shape.ts';
import { GIB } from '../../../ts/placement/units.ts';

const model = knownShape('Qwen/Qwen3-4B') as ModelShape;
const PARAMETERS = 4_022_468_096;

function need(sets: readonly string[] = [], handover: 0 | 2 | 4 = 2, preset = 'paper') {
  return diskNeed({ backend: 'torch', settings: loadConfig({ preset, sets: [...sets] }) }, model, handover);
}

/** Under way and afterwards, by what it is. */
function rows(sets?: readonly string[], handover?: 0 | 2 | 4): Record<string, [number, number]> {
  const { items } = need(sets, handover);
  return Object.fromEntries(items.map(({ what, underWay, afterwards }) => [what, [underWay, afterwards]]));
}

describe("the paper's run of Qwen3-4B, worked by hand", () => {
  // Mean samples of 0.3 x 4,096 = 1,228.8 tokens behind prompts of 512.
  const SAMPLE = 1228.8;

  test('models, checkpoints and hand-overs', () => {
    expect(rows()).toMatchObject({
      // Three iterations, a Challenger and a Solver each.
      'models of every iteration, float32': [24 * PARAMETERS, 24 * PARAMETERS],
      // Two are kept, and one is being written; each of 12 bytes a weight.
      '3 checkpoints: weights, moments, float32': [36 * PARAMETERS, 0],
      '3 hand-overs to samplers, bfloat16': [6 * PARAMETERS, 0],
    });
  });

  test('recorded answers: 12 bytes a sampled token, 4 one of a prompt, and 4 each that is scored', () => {
    // 5 steps of 512 prompts with 4 proposals, and 10 answers to each; scored before its 32 updates, and by the anchor.
    const challenger =
      5 * (4 * 512 * 512 + 12 * 2048 * SAMPLE + 2048 * (4 * 512 + 12 * 10 * SAMPLE) + 2 * 4 * 2048 * (512 + SAMPLE));
    expect(rows()['recorded answers of the largest phase']).toEqual([Math.ceil(challenger), 0]);
    // 8,000 candidates, and 10 answers to each.
    const questions = 4 * 512 + 12 * 8000 * SAMPLE + 8000 * (4 * 512 + 12 * 10 * SAMPLE);
    // 15 steps of 512 problems with 5 samples, each scored twice.
    const solver = 15 * (512 * (4 * 512 + 12 * 5 * SAMPLE) + 2 * 4 * 512 * 5 * (512 + SAMPLE));
    const evaluation = 640 * (4 * 512 + 12 * 9 * SAMPLE);
    const all = rows(['storage.keepAnswers=true'])['recorded answers'] as [number, number];
    expect(all[0]).toBeCloseTo(3 * (challenger + questions + solver) + 4 * evaluation, -1);
    expect(all[1]).toBe(all[0]);
  });

  test('records: the texts of all samples, 4 bytes a token', () => {
    const samples = 3 * (5 * 11 * 2048 + 11 * 8000 + 15 * 2560) + 4 * 5760;
    const [underWay, afterwards] = rows()['records: texts of all samples'] as [number, number];
    expect(underWay).toBeCloseTo(samples * (4 * SAMPLE + 50), -1);
    expect(afterwards).toBe(underWay);
  });

  test('in all 252 GiB, of which 93 stay', () => {
    const { underWay, afterwards } = need();
    expect(underWay / GIB).toBeCloseTo(252.4, 1);
    expect(afterwards / GIB).toBeCloseTo(93.3, 1);
  });

  test('one worker hands nothing over, and on CPUs it is float32', () => {
    expect(Object.keys(rows([], 0)).filter((what) => what.includes('hand-over'))).toEqual([]);
    expect(rows([], 4)).toMatchObject({ '3 hand-overs to samplers, float32': [12 * PARAMETERS, 0] });
  });

  test('of adapters everything is small, and handed over as it is', () => {
    const adapters = adapterParameters(model, 32);
    expect(rows(['trainer.loraRank=32'])).toMatchObject({
      'models of every iteration, float32': [24 * adapters, 24 * adapters],
      '3 checkpoints: weights, moments, float32': [36 * adapters, 0],
      '3 hand-overs to samplers, float32': [12 * adapters, 0],
    });
  });
});

describe('what is kept', () => {
  const models = (...sets: string[]) => Object.entries(rows(sets)).find(([what]) => what.startsWith('models')) ?? [];
  const checkpoints = (...sets: string[]) =>
    Object.entries(rows(sets)).find(([what]) => what.includes('checkpoint')) ?? [];

  test.each([
    // The pair that the iteration starts from, and its own.
    [['storage.keepModels=last'], 'the last iteration', 4, 2],
    [['storage.keepModels=best'], 'the best and the last iteration', 6, 4],
    [['storage.keepModels=best', 'iterations=9'], 'the best and the last iteration', 6, 4],
    [['storage.keepModels=best', 'iterations=1'], 'the best and the last iteration', 2, 2],
    [['iterations=9'], 'every iteration', 18, 18],
    // Three Solvers judge the next iteration, that there may be.
    [['storage.keepModels=last', 'warnings.labels.action=roll-back'], 'the best and the last iteration', 6, 4],
    [['storage.keepModels=last', 'iterations=9', 'roles.judge=ensemble'], 'the last 3 iterations', 8, 6],
    [['arm=untrained-challenger'], 'every iteration', 3, 3],
  ])('models with %j', (sets, whose, underWay, afterwards) => {
    const weights = 4 * PARAMETERS;
    expect(models(...sets)).toEqual([`models of ${whose}, float32`, [underWay * weights, afterwards * weights]]);
  });

  test.each([
    [['storage.keepCheckpoints=1'], 2],
    [['storage.keepCheckpoints=100', 'storage.checkpointEvery=1'], 14],
    [['storage.checkpointEvery=10'], 2],
    // A run that is told to stop writes one.
    [['storage.checkpointEvery=100'], 1],
    [['storage.keepCheckpoints=100', 'storage.checkpointEvery=1', 'arm=untrained-challenger', 'solver.steps=4'], 3],
  ])('checkpoints with %j', (sets, count) => {
    expect(checkpoints(...sets)[1]).toEqual([12 * count * PARAMETERS, 0]);
  });

  test('checkpoints of an anchor that follows have its weights too', () => {
    expect(checkpoints('roles.anchor=ema')).toEqual([
      '3 checkpoints: weights, moments, anchor, float32',
      [48 * PARAMETERS, 0],
    ]);
    expect(checkpoints('roles.anchor=ema', 'solver.klCoef=0', 'challenger.klCoef=0')[1]).toEqual([36 * PARAMETERS, 0]);
  });

  test('phases of one step leave no checkpoint', () => {
    expect(checkpoints('solver.steps=1', 'challenger.steps=1')).toEqual([]);
  });

  test('what is kept longer never takes less, and what stays never more than what was there', () => {
    const option = fc.record({
      iterations: fc.integer({ min: 1, max: 6 }),
      keepCheckpoints: fc.integer({ min: 1, max: 5 }),
      checkpointEvery: fc.integer({ min: 1, max: 6 }),
      judge: fc.constantFrom('frozen', 'ensemble'),
      ensemble: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(option, ({ iterations, keepCheckpoints, checkpointEvery, judge, ensemble }) => {
        const by = ['last', 'best', 'every'].map((keepModels) =>
          need([
            `iterations=${iterations}`,
            `roles.judge=${judge}`,
            `roles.ensemble=${ensemble}`,
            `storage.keepModels=${keepModels}`,
            `storage.keepCheckpoints=${keepCheckpoints}`,
            `storage.checkpointEvery=${checkpointEvery}`,
          ]),
        );
        for (const [index, { underWay, afterwards }] of by.entries()) {
          expect(afterwards).toBeLessThanOrEqual(underWay);
          expect(underWay).toBeGreaterThanOrEqual(by[index - 1]?.underWay ?? 0);
          expect(afterwards).toBeGreaterThanOrEqual(by[index - 1]?.afterwards ?? 0);
        }
      }),
      { numRuns: 40 },
    );
  });
});
