import { getEventListeners } from 'node:events';
import { expect, test } from '@jest/globals';
import { linkedSignal } from '../../../ts/judge/linkedSignal.ts';

test('aborted with the first of the others, for its reason', () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const { signal } = linkedSignal(one.signal, other.signal);
  expect(signal.aborted).toBe(false);
  other.abort('other');
  one.abort('one');
  expect(signal.reason).toBe('other');
});

test('one that is aborted already', () => {
  expect(linkedSignal(AbortSignal.abort('before')).signal.reason).toBe('before');
});

test('aborted alone, the others are not', () => {
  const other = new AbortController();
  const linked = linkedSignal(other.signal);
  linked.abort('own');
  expect([linked.signal.reason, other.signal.aborted]).toEqual(['own', false]);
});

test('unlinked, nothing of it is left on the others', () => {
  const other = new AbortController();
  const linked = linkedSignal(other.signal);
  linked.unlink();
  other.abort();
  expect(linked.signal.aborted).toBe(false);
  expect(getEventListeners(other.signal, 'abort')).toEqual([]);
});
