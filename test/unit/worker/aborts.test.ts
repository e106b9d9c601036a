import { getEventListeners } from 'node:events';
import { expect, test } from '@jest/globals';
import { onceAborted } from '../../../ts/worker/aborts.ts';

test('an abort is told to all who still want to hear of it, by one listener', () => {
  const [stop, told] = [new AbortController(), [] as string[]];
  const forget = onceAborted(stop.signal, () => told.push('a'));
  for (const name of ['b', 'c']) onceAborted(stop.signal, () => told.push(name));
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
  forget();
  stop.abort();
  expect(told).toEqual(['b', 'c']);
});

test('a signal that nobody listens to any more has no listener, and can be listened to again', () => {
  const [stop, told] = [new AbortController(), [] as string[]];
  const forget = onceAborted(stop.signal, () => told.push('a'));
  forget();
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
  onceAborted(stop.signal, () => told.push('b'));
  forget();
  stop.abort();
  expect(told).toEqual(['b']);
});

test('one function may listen twice, and end once', () => {
  const [stop, told] = [new AbortController(), [] as string[]];
  const tell = () => told.push('heard');
  const forget = onceAborted(stop.signal, tell);
  onceAborted(stop.signal, tell);
  forget();
  stop.abort();
  expect(told).toEqual(['heard']);
});

test('nothing is heard without a signal, or of one that is aborted already', () => {
  const told: string[] = [];
  for (const signal of [undefined, AbortSignal.abort()]) onceAborted(signal, () => told.push('heard'))();
  expect(told).toEqual([]);
});
