import { expect, test } from '@jest/globals';
import type { Finding } from '../../../ts/doctor/check.ts';
import { doctorTotals, findingLines, subjectLine, workerLines } from '../../../ts/report/doctorReport.ts';

const plain = { colour: false, width: 72 };
const of = (status: Finding['status'], found: string, hint?: string): Finding => ({
  subject: 'this machine',
  id: 'x',
  title: 'Shared memory',
  status,
  found,
  ...(hint === undefined ? {} : { hint }),
});

test('a check is a line, and what to do stands below it', () => {
  expect(findingLines(of('ok', 'enough'), plain)).toEqual(['✓ Shared memory             enough']);
  expect(findingLines(of('skipped', 'none'), plain)).toEqual(['- Shared memory             none']);
  const long = 'far too little of it for the eight processes that exchange through it';
  expect(findingLines(of('failed', long, 'docker run --shm-size=16g\nor --ipc=host'), plain)).toEqual([
    '✗ Shared memory             far too little of it for the eight processes',
    '                            that exchange through it',
    '                            > docker run --shm-size=16g',
    '                              or --ipc=host',
  ]);
});

test('a worker is a line, with what is wrong below', () => {
  expect(workerLines('box-1', 'torch, node-1', [of('ok', 'a'), of('skipped', 'b')], plain)).toEqual([
    '✓ box-1                     torch, node-1; 1 check',
  ]);
  expect(workerLines('box-1', 'torch, node-1', [of('ok', 'a'), of('warning', 'small', 'grow it')], plain)).toEqual([
    '! box-1                     torch, node-1; 2 checks',
    '! Shared memory             small',
    '                            > grow it',
  ]);
});

test('colours are for those who want them', () => {
  const sequence = String.fromCharCode(27);
  const shown = (colour: boolean) =>
    [
      ...findingLines(of('failed', 'x', 'y'), { colour, width: 80 }),
      subjectLine('the run', { colour, width: 80 }),
      doctorTotals([of('failed', 'x')], 1, { colour, width: 80 }),
    ].join('\n');
  expect(shown(false)).not.toContain(sequence);
  expect(shown(true)).toContain(sequence);
  expect(shown(false)).toContain('The run');
});

test('the totals', () => {
  const all = [of('ok', ''), of('warning', '', ''), of('skipped', ''), of('ok', '')];
  expect(doctorTotals(all, 2.34, plain)).toBe('2 ok, 1 warning, 0 failed, 1 skipped in 2.3 s');
  expect(doctorTotals([of('failed', '')], 0, plain)).toBe('0 ok, 1 failed, 0 skipped in 0.0 s');
});
