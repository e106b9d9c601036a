import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { python } from '../../fixtures/python.ts';

/** Files of this checkout, committed or about to be. */
function files(...patterns: string[]): string[] {
  const known = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns]);
  return known.toString().trim().split('\n').filter(existsSync);
}

/** Run a linter that the extra `test` of py_worker/pyproject.toml brings. */
function lint(program: string, args: readonly string[]) {
  const { status, stdout, stderr, error } = spawnSync(join(dirname(python()), program), args, { encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}${error?.message ?? ''}` };
}

const CLEAN = { status: 0, said: '' };

test.each(files('docker/*.Dockerfile'))('hadolint has nothing to say of %s', (file) => {
  expect(lint('hadolint', ['--no-color', file])).toEqual(CLEAN);
});

test('shellcheck has nothing to say of any shell script', () => {
  const scripts = files()
    .filter((file) => /\.(sh|bash|sbatch)$/.test(file) || !/\.[a-z]+$/.test(file))
    .filter(
      (file) => /\.(sh|bash|sbatch)$/.test(file) || /^#!.*\b(ba)?sh\b/.test(readFileSync(file, 'utf8').slice(0, 64)),
    );
  expect(scripts).toEqual(expect.arrayContaining(['.ci/run', 'docker/bin/rzero', 'docker/bin/rzero-worker']));
  expect(lint('shellcheck', ['--color=never', ...scripts])).toEqual(CLEAN);
});
