import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Agenda } from '../../../ts/simulate/agenda.ts';

test('items come by their number, equal ones in their order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 })), (keys) => {
      const agenda = new Agenda<[number, number]>();
      for (const [order, key] of keys.entries()) agenda.add(key, [key, order]);
      const taken: [number, number][] = [];
      while (agenda.size > 0) {
        const { first } = agenda;
        const item = agenda.take() as [number, number];
        expect(item[0]).toBe(first);
        taken.push(item);
      }
      const sorted = keys.map((key, order): [number, number] => [key, order]);
      expect(taken).toEqual(sorted.sort(([a, i], [b, j]) => a - b || i - j));
    }),
  );
});

test('one that is empty has nothing', () => {
  const agenda = new Agenda<string>();
  expect(agenda.first).toBe(Number.POSITIVE_INFINITY);
  expect(agenda.take()).toBeUndefined();
});
