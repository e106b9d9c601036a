import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { CASES } from '../../../ts/contract/suite.ts';

const read = (name: string) => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');
const headings = [...read('proto/README.md').matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
const protocol = parse(read('proto/protocol.yml'));

test('ids are words with hyphens, each once', () => {
  const ids = CASES.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  // Verbs keep their own spelling.
  for (const id of ids) expect(id).toMatch(/^[a-z]+(?:-[a-z]+|-forward_backward)*$/);
});

test.each(CASES.map((one) => [one.id, one] as const))(
  '%s has a promise, and a place to read it that is there',
  (_, one) => {
    expect(one.title).not.toBe('');
    expect(one.rule).toMatch(/^[A-Za-z].*\.$/s);
    const [file, place = ''] = one.where.split(', ');
    if (file === 'proto/README.md') expect(headings).toContain(place);
    else {
      expect(file).toBe('proto/protocol.yml');
      const found = place.split('.').reduce((node, key) => node?.[key], protocol);
      expect(found).toBeDefined();
    }
  },
);

test('the case that ends the worker that all share is the last', () => {
  expect(CASES.filter(({ ends }) => ends)).toEqual([CASES.at(-1)]);
});
