import { expect, test } from '@jest/globals';
import { type Check, type Finding, ok, warning } from '../../../ts/doctor/check.ts';
import { Examination } from '../../../ts/doctor/examination.ts';

const COLD: Check<{ degrees: number }> = {
  id: 'cold',
  title: 'Temperature',
  judge: ({ degrees }) => (degrees < 30 ? ok(`${degrees}`) : warning(`${degrees}`, 'cool it')),
};

function examination(): { examined: Examination; told: Finding[] } {
  const told: Finding[] = [];
  const explain = (error: unknown) => ({ kind: 'disk' as const, message: (error as Error).message });
  return { examined: new Examination(explain, (finding) => told.push(finding)), told };
}

test('facts are judged, kept, told, and given back whole', async () => {
  const { examined, told } = examination();
  const facts = await examined.make('a', COLD, async () => ({ degrees: 20, more: 'x' }));
  expect(facts?.more).toBe('x');
  await examined.make('b', COLD, () => ({ degrees: 40 }));
  expect(told).toEqual([
    { subject: 'a', id: 'cold', title: 'Temperature', status: 'ok', found: '20' },
    { subject: 'b', id: 'cold', title: 'Temperature', status: 'warning', found: '40', hint: 'cool it' },
  ]);
  expect(examined.findings).toEqual(told);
  expect(examined.of('b')).toEqual(told.slice(1));
});

test('facts that cannot be gathered are a failed check', async () => {
  const { examined, told } = examination();
  const fails = () => {
    throw new Error('no thermometer\nbuy one');
  };
  expect(await examined.make('a', COLD, fails, { hint: 'look in the drawer' })).toBeUndefined();
  expect(told[0]).toMatchObject({
    status: 'failed',
    kind: 'disk',
    found: 'no thermometer',
    hint: 'look in the drawer\nbuy one',
  });
  expect(examined.hasFailed('a', COLD)).toBe(true);
  expect(examined.hasFailed('b', COLD)).toBe(false);
});

test('so are facts that never come', async () => {
  const { examined, told } = examination();
  expect(await examined.make('a', COLD, () => new Promise<never>(() => {}), { deadline: 1 })).toBeUndefined();
  expect(told[0]).toMatchObject({
    status: 'failed',
    kind: 'unavailable',
    found: 'nothing is known of it after 0.001 s',
  });
});
