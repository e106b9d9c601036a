import { expect, test } from '@jest/globals';
import { retryAfter } from '../../../ts/judge/retryAfter.ts';

const DATE = 'Fri, 31 Dec 1999 23:59:00 GMT';

test.each([
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after': '120' }, 120_000],
  [{ 'retry-after': ' 7 ' }, 7_000],
  [{ 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT', date: DATE }, 59_000],
  [{ 'retry-after': 'Sat, 01 Jan 2000 00:00:00 GMT', date: DATE }, 60_000],
  // It has passed.
  [{ 'retry-after': 'Fri, 31 Dec 1999 23:58:00 GMT', date: DATE }, 0],
  // Nothing to tell the date by.
  [{ 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' }, undefined],
  [{ 'retry-after': 'soon', date: DATE }, undefined],
  [{ 'retry-after': '-1', date: DATE }, undefined],
  [{ 'retry-after': '1.5', date: DATE }, undefined],
  [{ 'retry-after': '2000', date: 'never' }, 2_000_000],
  [{ 'retry-after': '' }, undefined],
  [{}, undefined],
])('%j', (headers, milliseconds) => {
  expect(retryAfter(new Headers(headers as Record<string, string>))).toBe(milliseconds);
});
