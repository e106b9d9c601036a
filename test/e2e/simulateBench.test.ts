import { expect, test } from '@jest/globals';
import { clusterOf, type Outcome, PAPER_SIZES, playOurs, playTheirs } from '../../ts/bench/simulate/scenarios.ts';
import { phasesTable } from '../../ts/bench/simulate/tables.ts';
import { timeline } from '../../ts/simulate/timeline.ts';

const sizes = { ...PAPER_SIZES, scale: 1 / 32, challengerSteps: 1, solverSteps: 2 };
const cluster = clusterOf('h100', 8);

test('ours and the fixed split draw the same samples of the same model on the same GPUs', async () => {
  const theirs = await playTheirs(cluster, sizes);
  const outcomes: Outcome[] = [theirs];
  for (const layout of ['colocated', 'apart'] as const) outcomes.push(await playOurs(cluster, sizes, { layout }));
  for (const { result, played } of outcomes) {
    expect(result.samples).toBe(theirs.result.samples);
    expect(result.tokens / theirs.result.tokens).toBeCloseTo(1, 1);
    expect(result.usage.busy).toBeGreaterThan(0);
    expect(result.usage.busy).toBeLessThan(1);
    expect(result.dollars).toBeCloseTo(result.hours * 8 * cluster.gpu.dollarsPerHour);
    const lines = timeline(played, { from: 0, to: played.seconds }, 40);
    expect(lines).toHaveLength(8);
    expect(lines.join('')).toMatch(/s/i);
  }
  expect(phasesTable(outcomes.map(({ result }) => result))).toContain('fixed split 4 + 4, 1 and 2 steps');
}, 120_000);

test('a GPU alone does it too, more slowly', async () => {
  const [{ result: one }, { result: two }] = [
    await playOurs(clusterOf('h100', 1), sizes),
    await playOurs(clusterOf('h100', 2), sizes),
  ];
  expect(one.samples).toBe(two.samples);
  expect(one.hours).toBeGreaterThan(two.hours);
}, 120_000);
