import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { FigureHistory, Figures } from '../../../../ts/domain/warnings/figures.ts';
import type { WarningName } from '../../../../ts/domain/warnings/rules.ts';
import { said } from './history.ts';

/** Figures that each warning looks at, and the direction in which they get worse. */
const LOOKED_AT: readonly [WarningName, Figures['phase'], 'step' | 'whole', string, 1 | -1][] = [
  ['diversity', 'questions', 'whole', 'distinct', -1],
  ['diversity', 'questions', 'whole', 'distinctBigrams', -1],
  ['diversity', 'challenger', 'whole', 'largestCluster', 1],
  ['labels', 'questions', 'whole', 'labelAccuracy', -1],
  ['labels', 'questions', 'whole', 'probeAccuracy', -1],
  ['no-box', 'challenger', 'step', 'unboxed', 1],
  ['no-box', 'questions', 'whole', 'unboxed', 1],
  ['length', 'challenger', 'step', 'questionLength', 1],
  ['length', 'challenger', 'step', 'answersCutOff', 1],
  ['length', 'solver', 'step', 'meanLength', 1],
  ['length', 'solver', 'step', 'cutOff', 1],
  ['entropy', 'solver', 'step', 'entropy', -1],
  ['mismatch', 'solver', 'step', 'samplerKl', 1],
  ['mismatch', 'challenger', 'step', 'importanceCapped', 1],
  ['nothing-kept', 'questions', 'whole', 'kept', -1],
  ['accuracy', 'evaluation', 'whole', 'mean', -1],
];

test.each(LOOKED_AT)('%s of %s (%s): a worse %s never takes a warning back', (name, phase, kind, figure, worse) => {
  let given = 0;
  const value = fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000);
  fc.assert(
    fc.property(fc.array(value, { maxLength: 4 }), value, value, (past, one, other) => {
      const history = (last: number): FigureHistory =>
        [...past, last].map((each, index) => ({
          iteration: index + 1,
          phase,
          step: kind === 'step' ? 1 : null,
          metrics: { [figure]: each, meanError: 0.01 },
        })) as unknown as FigureHistory;
      const [better, bad] =
        worse > 0 ? [Math.min(one, other), Math.max(one, other)] : [Math.max(one, other), Math.min(one, other)];
      if (said(name, history(better)) === undefined) return;
      given += 1;
      expect(said(name, history(bad))).toBeDefined();
    }),
  );
  expect(given).toBeGreaterThan(0);
});
