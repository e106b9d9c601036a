import { describe, expect, test } from '@jest/globals';
import { assumptions } from '../../../ts/bench/simulate/assumptions.ts';
import { parseOptions } from '../../../ts/bench/simulate/options.ts';
import { clusterOf, PAPER_SIZES, type Result, settingsOf } from '../../../ts/bench/simulate/scenarios.ts';
import { failuresTable, phasesTable, runsTable } from '../../../ts/bench/simulate/tables.ts';
import { loadConfig } from '../../../ts/config/load.ts';

const RESULT: Result = {
  gpu: 'h100',
  gpus: 1000,
  layout: 'apart: 8 train, 992 sample',
  rows: 256,
  hours: 2,
  phaseHours: { challenger: 1, questions: 0.25, solver: 0.75 },
  usage: {
    gpus: 1000,
    seconds: 7200,
    busy: 0.876,
    by: { sample: 0.5, score: 0.1, train: 0.276, load: 0.01, handover: 0.02, sleep: 0.003 },
    filled: 0.5,
  },
  dollars: 6000,
  samples: 1000,
  tokens: 1_000_000,
  failed: 12,
  lostTokens: 25_000,
  cpuSeconds: 1,
};

test('flags', () => {
  expect(parseOptions([])).toEqual({ quick: false, timeline: false });
  expect(parseOptions(['--quick', '--timeline'])).toEqual({ quick: true, timeline: true });
  expect(() => parseOptions(['--fast'])).toThrow(/--fast/);
});

describe('sizes', () => {
  test("the paper's are the preset's", () => {
    const { iterations, challenger, questions, solver } = loadConfig({ preset: 'paper' });
    expect(iterations).toBe(3);
    expect(settingsOf(PAPER_SIZES)).toMatchObject({
      iterations: 1,
      challenger,
      questions: { ...questions, votes: 10 },
      solver,
    });
  });

  test('others are multiples of them', () => {
    const settings = settingsOf({ ...PAPER_SIZES, scale: 2, challengerSteps: 1, candidateShare: 1 / 5, overAsk: 0.1 });
    expect(settings.challenger).toMatchObject({ steps: 1, prompts: 1024, rollouts: 4, miniBatch: 128, overAsk: 0.1 });
    expect(settings.questions).toMatchObject({ candidates: 3200, overAsk: 0.1 });
    expect(settings.solver).toMatchObject({ steps: 15, prompts: 1024, rollouts: 5, miniBatch: 1280 });
  });

  test('hosts have eight GPUs', () => {
    expect(clusterOf('h100', 4)).toMatchObject({ hosts: 1, gpusPerHost: 4 });
    expect(clusterOf('h100', 1000)).toMatchObject({ hosts: 125, gpusPerHost: 8 });
  });
});

describe('tables', () => {
  test('of runs', () => {
    expect(runsTable([RESULT]).split('\n')[2]).toBe(
      '| 1,000 x h100 | apart: 8 train, 992 sample | 256 | 2.00 | 87.6 % | 50.0 % | 3.0 % | 0.3 % | 6,000 |',
    );
  });

  test('of phases: the first is what the others are compared with', () => {
    const faster = { ...RESULT, layout: 'faster', hours: 1.25 };
    const rows = phasesTable([RESULT, faster]).split('\n').slice(2);
    expect(rows[0]).toMatch(/\| 1\.00 \| 0\.250 \| 0\.750 \| 2\.00 \| 1\.00 \|$/);
    expect(rows[1]).toMatch(/^\| faster .* \| 1\.25 \| 1\.60 \|$/);
  });

  test('of failures', () => {
    expect(failuresTable([{ failing: 'every hour', result: RESULT }]).split('\n')[2]).toBe(
      '| 1,000 x h100 | every hour | 2.00 | 12 | 2.5 % | 87.6 % |',
    );
  });
});

test('what the tables rest on names every card, length and price', () => {
  const text = assumptions(['a100-40', 'h100']).join('\n');
  for (const part of [
    'a100-40: 40 GiB',
    'h100: 80 GiB',
    'mean 800, sigma 0.8',
    '$3 an hour',
    '60 % of the bandwidth',
  ]) {
    expect(text).toContain(part);
  }
});
