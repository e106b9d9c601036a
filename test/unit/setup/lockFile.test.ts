import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { setupModule } from './project.ts';

interface Package {
  version?: string;
  integrity?: string;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  optionalDependencies?: Record<string, string>;
}
interface Lock {
  packages?: Record<string, Package>;
}

test('package-lock.json has the packages of every platform', () => {
  // npm leaves out what its registry does not offer, and `npm ci` then refuses the file everywhere.
  const { packages = {} } = JSON.parse(
    readFileSync(new URL('../../../package-lock.json', import.meta.url), 'utf8'),
  ) as Lock;
  const wanted = Object.values(packages).flatMap((each) => Object.keys(each.optionalDependencies ?? {}));
  expect(wanted.length).toBeGreaterThan(0);
  expect(wanted.filter((name) => packages[`node_modules/${name}`] === undefined)).toEqual([]);
});

describe('what npm itself has installed', () => {
  const here: Package = { version: '1.0.0', integrity: 'sha512-a' };
  const elsewhere: Package = { ...here, optional: true, os: [`!${process.platform}`] };
  const lock = { '': {}, 'node_modules/a': here, 'node_modules/b': elsewhere };

  test.each<[string, Lock['packages'], boolean]>([
    ['all of it', { 'node_modules/a': here, 'node_modules/b': elsewhere }, true],
    ['all but what is for another platform', { 'node_modules/a': here }, true],
    ['nothing', {}, false],
    ['no record', undefined, false],
    ['another version', { 'node_modules/a': { ...here, version: '1.0.1' } }, false],
    ['other contents', { 'node_modules/a': { ...here, integrity: 'sha512-b' } }, false],
  ])('%s', async (_, packages, expected) => {
    const { hasAll } = await setupModule<{ hasAll(lock: Lock, installed: Lock): boolean }>('npmStage.mjs');
    expect(hasAll({ packages: lock }, packages ? { packages } : {})).toBe(expected);
  });

  test('an optional package for this platform must be there', async () => {
    const { hasAll } = await setupModule<{ hasAll(lock: Lock, installed: Lock): boolean }>('npmStage.mjs');
    const native = { ...here, optional: true, os: [process.platform], cpu: [process.arch] };
    expect(hasAll({ packages: { 'node_modules/a': native } }, { packages: {} })).toBe(false);
  });
});
