import { describe, expect, test } from '@jest/globals';
import type { MetricsRecord } from '../../../ts/report/runSummary.ts';
import { buildSummary, type SummaryInput } from '../../../ts/report/summary.ts';
import { sampleSummary } from './sample.ts';

const metrics: MetricsRecord[] = [
  { kind: 'phase', iteration: 0, phase: 'evaluation', greedy: 0.21, seconds: 4.2 },
  { kind: 'step', iteration: 1, phase: 'challenger', step: 1, reward: 0.2, kl: 0, weightsVersion: 2, seconds: 1 },
  { kind: 'step', iteration: 1, phase: 'challenger', step: 2, reward: 0.4, kl: 0.01, weightsVersion: 3, seconds: 1 },
  { kind: 'phase', iteration: 1, phase: 'challenger', reward: 0.4, kl: 0.01, seconds: 12.1 },
  { kind: 'phase', iteration: 1, phase: 'questions', candidates: 400, kept: 171, keptShare: 0.4275, seconds: 2 },
  { kind: 'warning', iteration: 1, phase: 'solver', message: 'only 3 questions were kept' },
  { kind: 'step', iteration: 1, phase: 'solver', step: 1, reward: 1 / 3 },
];

function input(changes: Partial<SummaryInput> = {}): SummaryInput {
  const { run, evaluations, iterations } = sampleSummary();
  const audit = iterations[0]?.audit;
  return {
    run: { ...run, iterations: 1 },
    evaluations: evaluations.slice(0, 2),
    audits: new Map(audit ? [[1, audit]] : []),
    metrics,
    ...changes,
  };
}

describe('a summary', () => {
  test('has one entry an iteration, with what its phases measured', () => {
    const { iterations } = buildSummary(input());
    expect(iterations).toHaveLength(1);
    expect(iterations[0]?.phases).toEqual({
      // (0.2 + 0.4) / 2 and (0 + 0.01) / 2.
      challenger: { steps: 2, mean: { reward: 0.3, kl: 0.005 }, last: { reward: 0.4, kl: 0.01 } },
      questions: { steps: 0, mean: {}, last: { candidates: 400, kept: 171, keptShare: 0.4275 } },
      solver: { steps: 1, mean: { reward: 0.333333 }, last: { reward: 0.333333 } },
    });
    expect(iterations[0]?.warnings).toEqual(['solver: only 3 questions were kept']);
    expect(iterations[0]?.audit?.kept.labelAccuracy).toBe(0.82);
  });

  test('has no times', () => {
    expect(JSON.stringify(buildSummary(input()))).not.toContain('seconds');
  });

  test('counts the last run of a phase that was run again', () => {
    const again: MetricsRecord[] = [
      { kind: 'step', iteration: 1, phase: 'challenger', step: 1, reward: 0.6 },
      { kind: 'step', iteration: 1, phase: 'challenger', step: 2, reward: 0.8 },
      { kind: 'phase', iteration: 1, phase: 'challenger', reward: 0.8 },
    ];
    const { iterations } = buildSummary(input({ metrics: [...metrics, ...again] }));
    expect(iterations[0]?.phases.challenger).toMatchObject({ steps: 2, mean: { reward: 0.7 }, last: { reward: 0.8 } });
  });

  test.each([
    ['embedded', 'embedded'],
    ['Qwen/Qwen3-4B-Base', 'Qwen/Qwen3-4B-Base'],
    ['mock://rzero', 'mock://rzero'],
    ['/home/ada/models/tiny/', 'tiny'],
    ['../models/tiny', 'tiny'],
    ['C:\\models\\tiny', 'tiny'],
  ])('calls the model %s %s', (model, name) => {
    const { run } = input();
    expect(buildSummary(input({ run: { ...run, model } })).run.model).toBe(name);
  });

  test('is the same for the same input, and survives being written', () => {
    const summary = buildSummary(input());
    expect(buildSummary(input())).toEqual(summary);
    expect(JSON.parse(JSON.stringify(summary))).toEqual(summary);
  });

  test('rounds to six digits and writes no NaN', () => {
    const odd: MetricsRecord[] = [{ kind: 'phase', iteration: 1, phase: 'solver', reward: Number.NaN, kl: 1.23456789 }];
    const { iterations } = buildSummary(input({ metrics: odd }));
    expect(iterations[0]?.phases.solver?.last).toEqual({ reward: null, kl: 1.23457 });
  });

  test('puts evaluations in order', () => {
    const { evaluations } = buildSummary(input({ evaluations: input().evaluations.toReversed() }));
    expect(evaluations.map(({ iteration }) => iteration)).toEqual([0, 1]);
  });
});
