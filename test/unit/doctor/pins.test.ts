import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { pinsOf } from '../../../ts/doctor/pins.ts';
import { isAtLeast, isPinned } from '../../../ts/doctor/versions.ts';

const PYPROJECT = readFileSync(new URL('../../../py_worker/pyproject.toml', import.meta.url), 'utf8');

test('every backend has its pins, of the file that pip reads', () => {
  expect(Object.keys(pinsOf(PYPROJECT, 'mock'))).toEqual(['pyzmq', 'msgspec']);
  expect(Object.keys(pinsOf(PYPROJECT, 'torch'))).toEqual(expect.arrayContaining(['msgspec', 'torch', 'transformers']));
  expect(Object.keys(pinsOf(PYPROJECT, 'vllm'))).toEqual(expect.arrayContaining(['msgspec', 'vllm', 'torch']));
  for (const pin of Object.values(pinsOf(PYPROJECT, 'vllm'))) expect(pin).toMatch(/^\d+\.\d+/);
});

test('the pins are those of constraints.txt', () => {
  const constraints = readFileSync(new URL('../../../py_worker/constraints.txt', import.meta.url), 'utf8').split('\n');
  for (const [name, pin] of Object.entries(pinsOf(PYPROJECT, 'torch')))
    expect(constraints).toContain(`${name}==${pin}`);
});

test.each([
  ['20.11.0', '20.11', true],
  ['20.9.0', '20.11', false],
  ['21', '20.11', true],
  ['20', '20.11', false],
  ['550.54.15', '525', true],
  ['3.9.1', '3.11', false],
  ['', '3.11', false],
  ['2.13.0+cpu', '2.13.0', true],
])('%s is at least %s: %p', (version, least, expected) => {
  expect(isAtLeast(version, least)).toBe(expected);
});

test('a build is of its version', () => {
  expect(isPinned('2.13.0+cpu', '2.13.0')).toBe(true);
  expect(isPinned('2.13.0', '2.13.0')).toBe(true);
  expect(isPinned('2.13.1', '2.13.0')).toBe(false);
  expect(isPinned('2.13.0rc1', '2.13.0')).toBe(false);
});
