import { describe, expect, test } from '@jest/globals';
import type { Chart, LineChart } from '../../../../ts/page/client/chart.ts';
import { chartTable } from '../../../../ts/page/client/chartTable.ts';
import { iterationTable } from '../../../../ts/page/client/iterationTable.ts';
import { overview } from '../../../../ts/page/client/overview.ts';
import { tenthsWithin, valueRange } from '../../../../ts/page/client/scale.ts';
import { verdict } from '../../../../ts/page/client/verdict.ts';
import { sampleRun } from '../../../browser/sampleRun.ts';

const { run } = sampleRun(10);
const chart = (id: string): Chart | undefined => overview(run).charts.find((each) => each.id === id);

describe('the charts of a run', () => {
  test('are all there where all is on record', () => {
    const { charts, missing } = overview(run);
    expect(missing).toEqual([]);
    expect(charts.map(({ id }) => id)).toEqual(
      'accuracy agreements fates labels challenger-reward solver-reward diversity lengths tokens no-box entropy kl sampler-kl time busy'.split(
        ' ',
      ),
    );
  });

  test('of a run that has just begun there are none, and each is named', () => {
    const begun = { ...run, iterations: [], steps: [], phases: [] };
    const { charts, missing } = overview(begun);
    expect(charts).toEqual([]);
    expect(missing).toHaveLength(15);
    expect(iterationTable(begun)).toEqual({ head: [''], rows: [] });
  });

  test('a line without any value is left out', () => {
    const sample = sampleRun(10).run;
    for (const { evaluation } of sample.iterations) if (evaluation) evaluation.majority = null;
    const accuracy = overview(sample).charts[0] as LineChart;
    expect(accuracy.series.map(({ label }) => label)).toEqual(['mean@4', 'greedy']);
  });

  test('steps of both roles stand in one order, each role with values at its own', () => {
    const entropy = chart('entropy') as LineChart;
    expect(entropy.x).toEqual(Array.from({ length: 18 }, (_, at) => at + 1));
    expect(entropy.borders.map(({ at }) => at)).toEqual([0.5, 6.5, 12.5]);
    expect(entropy.series.map(({ values }) => values.slice(0, 6))).toEqual([
      [0.5, 0.5, 0.5, null, null, null],
      [null, null, null, 0.5, 0.5, 0.5],
    ]);
  });

  test('fates begin with those kept; a fate that never was is not shown', () => {
    const fates = chart('fates');
    expect(fates).toMatchObject({
      parts: ['kept', 'too easy'],
      rows: [{ note: '25 % kept' }, { note: '50 % kept' }, { note: '75 % kept' }],
    });
  });

  test.each(overview(run).charts)('$id: every row of its table has a cell in every column', (each) => {
    const { head, rows } = chartTable(each);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toHaveLength(head.length);
  });
});

describe('scales', () => {
  const lines = (values: (number | null)[], more: Partial<LineChart> = {}): LineChart => ({
    kind: 'lines',
    id: '',
    title: '',
    caption: '',
    unit: 'number',
    per: '',
    x: [],
    names: [],
    borders: [],
    series: [{ label: '', values }],
    ...more,
  });

  test('hold all values, with some room, within what the unit allows', () => {
    expect(valueRange(lines([0, 100]))).toEqual([-8, 108]);
    expect(valueRange(lines([0, 100], { unit: 'percent' }))).toEqual([0, 100]);
    expect(valueRange(lines([0.5, null], { unit: 'share', from: 0, to: 1 }))).toEqual([0, 1]);
    expect(valueRange(lines([5, 5]))).toEqual([4.5, 5.5]);
    expect(valueRange(lines([null]))).toEqual([0, 1]);
  });

  test('the tenths that a band keeps', () => {
    expect(tenthsWithin({ low: 0.25, high: 0.75 })).toEqual([3, 7]);
    expect(tenthsWithin({ low: 0.1 + 0.2, high: 0.7 })).toEqual([3, 7]);
    expect(tenthsWithin({ low: 0.41, high: 0.44 })).toBeNull();
    expect(tenthsWithin(null)).toBeNull();
  });
});

describe('the verdict', () => {
  const withGain = (low: number, high: number) => {
    const sample = sampleRun(1).run;
    const last = sample.iterations[3];
    if (last) last.gain = { mean: { value: (low + high) / 2, low, high }, greedy: null, pValue: 0.3 };
    return verdict(sample);
  };

  test.each([
    [28, 32, 'better', 'up 30.0 points'],
    [-4, -2, 'worse', 'down 3.0 points'],
    [-1, 3, 'unclear', 'no difference that this exam can show'],
  ])('from %d to %d it is %s', (low, high, kind, words) => {
    expect(withGain(low, high)).toMatchObject({ kind, sentence: expect.stringContaining(words) });
  });

  test('of a run without a comparison', () => {
    expect(verdict({ run: run.run, iterations: [] }).sentence).toBe('The Solver has not been examined yet.');
    expect(verdict({ run: run.run, iterations: run.iterations.slice(0, 1) }).sentence).toContain('40.3\u00a0% of 640');
  });
});
