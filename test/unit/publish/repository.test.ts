import { expect, test } from '@jest/globals';
import { badBranch, badRepository } from '../../../ts/publish/repository.ts';

test.each(['me/solver', 'My-Org/R.Zero_4B', 'a/b', `me/${'x'.repeat(96)}`])('%s is a repository', (name) => {
  expect(badRepository(name)).toBeUndefined();
});

test.each([
  'solver',
  'a/b/c',
  'me/',
  '/solver',
  'me/-x',
  'me/x-',
  'me/a--b',
  'me/a..b',
  'me/x.git',
  'me/ä',
  'me/x y',
  `me/${'x'.repeat(97)}`,
])('%s is none', (name) => {
  expect(badRepository(name)).toMatch(/^--repo is ".*": allowed is OWNER\/NAME/);
});

test('branches', () => {
  for (const name of ['main', 'iteration-3', 'v1.0', 'a/b']) expect(badBranch(name)).toBeUndefined();
  for (const name of ['', '-x', 'a..b', 'a b', 'x.lock', 'a/', 'a//b'])
    expect(badBranch(name)).toMatch(/name of a branch/);
});
