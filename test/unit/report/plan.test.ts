import { expect, test } from '@jest/globals';
import { loadConfig } from '../../../ts/config/load.ts';
import { configurationOf } from '../../../ts/report/plan.ts';

const said = (...sets: string[]) => {
  const { warnings } = loadConfig({ sets });
  return configurationOf({ preset: 'embedded', hash: '0'.repeat(64), changed: [], warnings }).at(-1);
};

test('a plan says what the early warnings lead to', () => {
  const names = 'diversity, labels, no-box, length, entropy, mismatch, nothing-kept, accuracy';
  expect(said()).toEqual(['warnings', `${names} only warn`]);
  const of = said('warnings.labels.action=roll-back', 'warnings.length.action=stop', 'warnings.entropy.action=stop');
  expect(of?.[1]).toBe(
    'length, entropy stop the run; labels roll it back; diversity, no-box, mismatch, nothing-kept, accuracy only warn',
  );
});
