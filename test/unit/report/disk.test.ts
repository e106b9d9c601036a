import { expect, test } from '@jest/globals';
import { GIB, MIB } from '../../../ts/placement/units.ts';
import { diskLine, diskTable, roomWarning } from '../../../ts/report/disk.ts';

const need = {
  items: [
    { what: 'models', underWay: 90 * GIB, afterwards: 90 * GIB },
    { what: '3 checkpoints', underWay: 121.6 * GIB, afterwards: 0 },
  ],
  underWay: 211.6 * GIB,
  afterwards: 90 * GIB,
};

test('a line for each thing, and the sum', () => {
  const table = diskTable(need).map((line) => line.replace(/ +/g, ' '));
  expect(table).toEqual([' under way afterwards', 'models 90.0 90.0', '3 checkpoints 121.6 ', 'total 211.6 90.0']);
});

test('a sentence', () => {
  expect(diskLine(need, { folder: '/scratch', bytes: 5 * MIB })).toBe(
    'A run takes up to 212 GiB of disk and leaves 90.0 GiB; 5.0 MiB are free in /scratch.',
  );
  expect(diskLine(need, undefined)).toBe('A run takes up to 212 GiB of disk and leaves 90.0 GiB.');
});

test('a warning, where there is less room than it takes', () => {
  const warning = (bytes: number) => roomWarning(need, { folder: '/scratch', bytes });
  expect(warning(80 * GIB)).toBe('the run needs about 212 GiB and 80.0 GiB are free in /scratch');
  expect(warning(211.6 * GIB)).toBeUndefined();
  expect(roomWarning(need, undefined)).toBeUndefined();
});
