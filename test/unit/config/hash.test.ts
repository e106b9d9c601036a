import { describe, expect, test } from '@jest/globals';
import { configHash } from '../../../ts/config/hash.ts';
import { formatConfig, loadConfig } from '../../../ts/config/load.ts';

const of = (...sets: string[]) => configHash(loadConfig({ preset: 'mock', sets }));

describe('configHash', () => {
  test('is 64 hex digits, and those of the saved file', () => {
    const config = loadConfig({ preset: 'mock' });
    expect(of()).toMatch(/^[0-9a-f]{64}$/);
    expect(formatConfig(config).split('\n')[0]).toContain(of());
  });

  test.each([
    'seed=2',
    'solver.steps=4',
    'model=mock://other',
    'worker.threads=2',
    'iterations=3',
    'questions.labelWords=[a]',
    'warnings.labels.action=roll-back',
  ])('changes with %s', (set) => expect(of(set)).not.toBe(of()));

  test.each([
    'worker.count=3',
    'worker.deadlines.load=7',
    'placement.gpu=h100',
    'storage.keepModels=last',
    'tracking.to=[]',
    'warnings.labels.floor=0.1',
    'warnings.labels.action=stop',
  ])('does not with %s, which decides no result', (set) => expect(of(set)).toBe(of()));

  test('changes with a threshold of a warning that rolls back, and of no other', () => {
    const rolls = 'warnings.labels.action=roll-back';
    expect(of(rolls, 'warnings.labels.floor=0.1')).not.toBe(of(rolls));
    expect(of(rolls, 'warnings.length.cut=0.1')).toBe(of(rolls));
  });

  test('does not depend on the order of options, nor on the name of the preset', () => {
    const config = loadConfig({ preset: 'mock' });
    const turned = Object.fromEntries(Object.entries(config).reverse()) as typeof config;
    expect(configHash({ ...turned, preset: 'other' })).toBe(configHash(config));
  });
});
