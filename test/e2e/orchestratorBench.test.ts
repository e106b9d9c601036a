import { expect, test } from '@jest/globals';
import { parseOptions } from '../../ts/bench/orchestrator/options.ts';
import { measureOrchestrator, summaryOf } from '../../ts/bench/orchestrator/results.ts';
import { formatResults } from '../../ts/bench/orchestrator/table.ts';
import { python } from '../fixtures/python.ts';

test('workers of two processes do all steps, flat out and at a pace, and say how long they waited', async () => {
  const flags = { workers: 6, samples: 400, 'step-samples': 160, tokens: 16, 'seconds-per-sample': 0.005 };
  const options = parseOptions(Object.entries(flags).map(([name, value]) => `--${name}=${value}`));
  const results = await measureOrchestrator(python(), options);
  for (const round of [results.flatOut, results.paced]) {
    expect(round).toMatchObject({ steps: 3, requests: 50, samples: 400, tokens: 400 * 16 });
    // Two of three answers are right, and the majority's is the label.
    expect(round?.reward).toBeGreaterThan(0.4);
    expect(round?.reward).toBeLessThan(0.95);
    // Hello, model, requests, and who was brought to new weights.
    expect(round?.account.received).toBeGreaterThanOrEqual(6 + 6 + 50 + 2 * 6);
    expect(round?.account.sent).toBeGreaterThanOrEqual(6 + 6 + 50 + 2 * 6);
    expect(round?.cpuBetweenSteps).toBeGreaterThan(0);
    expect(Object.keys(round?.account.lasts ?? {})).toEqual(['0', '1', '2']);
  }
  const summary = summaryOf(results, options);
  expect(summary).toMatchObject({ workers: 6, samples: 400 });
  expect(summary.waitedShare).toBeGreaterThan(0);
  expect(results.paced?.idealSeconds).toBeCloseTo((400 * 0.005) / 6);
  expect(formatResults(results, options)).toMatch(
    /6 workers, 400 samples in 3 steps \| flat out \| at 0.005 s a sample/,
  );
}, 60_000);
