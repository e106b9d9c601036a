import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type MetricsLine, type PhaseSteps, phaseSteps, pointOf } from '../../../ts/trackers/points.ts';

const fixture = JSON.parse(readFileSync(new URL('../../fixtures/trackers.json', import.meta.url), 'utf8')) as {
  config: { challenger: { steps: number }; solver: { steps: number } };
  steps: PhaseSteps;
  lines: { line: MetricsLine; point: unknown }[];
};

test('lines of metrics.jsonl are shown as in the fixture that both languages have', () => {
  expect(
    phaseSteps(
      fixture.config,
      fixture.lines.map(({ line }) => line),
    ),
  ).toEqual(fixture.steps);
  for (const { line, point } of fixture.lines) expect(pointOf(line, fixture.steps) ?? null).toEqual(point);
});

test('steps never go back in the order of a run, whatever its sizes', () => {
  const size = fc.integer({ min: 1, max: 9 });
  fc.assert(
    fc.property(size, size, fc.integer({ min: 1, max: 4 }), (challenger, solver, iterations) => {
      const steps = { challenger, solver };
      const phase = (name: string, iteration: number, count: number): MetricsLine[] => [
        ...Array.from({ length: count }, (_, index) => ({
          kind: 'step',
          iteration,
          phase: name,
          step: index + 1,
          loss: 1,
        })),
        { kind: 'phase', iteration, phase: name, seconds: 1 },
      ];
      const lines = [
        ...phase('evaluation', 0, 0),
        ...Array.from({ length: iterations }, (_, index) => index + 1).flatMap((iteration) => [
          ...phase('challenger', iteration, challenger),
          ...phase('questions', iteration, 0),
          ...phase('solver', iteration, solver),
          ...phase('evaluation', iteration, 0),
        ]),
      ];
      const axis = lines.map((line) => pointOf(line, steps)?.step as number);
      expect(axis).toEqual(axis.toSorted((one, other) => one - other));
      expect(axis[0]).toBe(0);
      expect(axis.at(-1)).toBe(iterations * (challenger + solver));
    }),
  );
});
