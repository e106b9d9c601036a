import { getEventListeners } from 'node:events';
import { expect, test } from '@jest/globals';
import { Aborts } from '../../../../ts/worker/pool/aborts.ts';

test('an abort is told to all who still watch, by one listener', () => {
  const [aborts, stop, told] = [new Aborts(), new AbortController(), [] as string[]];
  const forget = aborts.watch(stop.signal, () => told.push('a'));
  for (const name of ['b', 'c']) aborts.watch(stop.signal, () => told.push(name));
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
  forget();
  stop.abort();
  expect(told).toEqual(['b', 'c']);
});

test('a signal that nobody watches any more has no listener, and can be watched again', () => {
  const [aborts, stop, told] = [new Aborts(), new AbortController(), [] as string[]];
  const forget = aborts.watch(stop.signal, () => told.push('a'));
  forget();
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
  aborts.watch(stop.signal, () => told.push('b'));
  forget();
  stop.abort();
  expect(told).toEqual(['b']);
});
