import { expect, test } from '@jest/globals';
import { type ExportMark, parseMark, replaces } from '../../../ts/publish/exportMark.ts';

const MARK: ExportMark = {
  format: 1,
  kind: 'model',
  run: 'a',
  role: 'solver',
  iteration: 1,
  licence: { license: 'mit' },
};

test('a mark is read as it was written; anything else is none', () => {
  expect(parseMark(JSON.stringify(MARK))).toEqual(MARK);
  for (const text of ['', '{}', 'null', '[]', '{"format":2}', JSON.stringify({ ...MARK, kind: 'x' })]) {
    expect(parseMark(text)).toBeUndefined();
  }
});

test('an export takes the place of the same role of the same run, whatever the iteration', () => {
  expect(replaces({ ...MARK, iteration: 2 }, MARK)).toBe(true);
  expect(replaces({ ...MARK, role: 'challenger' }, MARK)).toBe(false);
  expect(replaces({ ...MARK, run: 'b' }, MARK)).toBe(false);
  expect(replaces({ format: 1, kind: 'dataset', run: 'a', licence: {} }, MARK)).toBe(false);
});
