import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const rows = readFileSync(root('test/faults/README.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| \d+ \|/.test(line))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));

test('the table of faults has all 35', () => {
  expect(rows.map(([number]) => Number(number))).toEqual(Array.from({ length: 35 }, (_, index) => index + 1));
});

test.each(rows)('fault %s, %s: what shows it is there', (...cells) => {
  const shown = [...(cells[3] as string).matchAll(/`([^`]+)` "([^"]+)"/g)];
  expect(shown.length).toBeGreaterThan(0);
  for (const [, file, title] of shown) expect(readFileSync(root(file as string), 'utf8')).toContain(title);
});
