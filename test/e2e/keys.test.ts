import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readOrchestratorKeys } from '../../ts/worker/keyFolder.ts';
import { type CliResult, cli, temporaryFolder } from './cli.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const keys = (...args: string[]): Promise<CliResult> => cli(['keys', ...args], { workingFolder: home.path });

/** All that the files of a folder hold, by path. */
function contents(folder: string): Map<string, string> {
  const names = readdirSync(join(home.path, folder), { recursive: true, encoding: 'utf8' });
  const paths = names.map((name) => join(home.path, folder, name)).filter((path) => statSync(path).isFile());
  return new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]));
}

describe('rzero keys', () => {
  let result: CliResult;
  beforeAll(async () => {
    result = await keys('k', '--workers', '2');
  });

  test('makes a folder that the orchestrator can use', () => {
    expect(result).toMatchObject({ exitCode: 0, err: '' });
    expect(readOrchestratorKeys(join(home.path, 'k')).allowed.size).toBe(2);
  });

  test('says which files go where, and how to start both ends', () => {
    for (const line of [
      'Keys in k. Workers made: worker-1, worker-2; there already: none.',
      '  k/orchestrator.key\n',
      '  k/allowed/*.pub\n',
      '  k/workers/NAME.key\n',
      '  k/orchestrator.pub\n',
      'python -m rzero_worker --connect tcp://HOST:5555 ',
      '--worker-id worker-1 --keys worker-1.key --server-key orchestrator.pub',
      'rzero run --set worker.listen=tcp://0.0.0.0:5555 --set worker.keys=k',
    ]) {
      expect(result.out).toContain(line);
    }
  });

  test('prints no key', () => {
    const written = [...contents('k').values()].join('').match(/(?<=")[^"]{40}(?=")/g) ?? [];
    // A pair and a public file for each of three.
    expect(written).toHaveLength(9);
    for (const key of written) expect(result.out).not.toContain(key);
  });

  test('again with more workers adds those, and leaves the rest byte for byte', async () => {
    const before = contents('k');
    const { exitCode, out } = await keys('k', '--workers', '3', '--name', 'gpu-node', '--name', 'worker-1');
    expect(exitCode).toBe(0);
    expect(out).toContain('Workers made: worker-3, gpu-node; there already: worker-1, worker-2.');
    const after = contents('k');
    for (const [path, text] of before) expect(after.get(path)).toBe(text);
    expect(after.size).toBe(before.size + 4);
  });

  test('one worker unless told otherwise; those with names of their own in its place', async () => {
    expect((await keys('one')).out).toContain('Workers made: worker-1;');
    expect((await keys('named', '--name', 'a', '--name', 'b')).out).toContain('Workers made: a, b;');
  });
});

test.each([
  [['w', '--workers', 'two'], 2, '--workers two: allowed is a whole number from 0 to 9999'],
  [['w', '--workers', '-1'], 2, '--workers -1: allowed is a whole number'],
  [['w', '--name', '../x'], 2, '--name ../x: allowed are 1 to 63 letters'],
  [[], 2, "missing required argument 'folder'"],
])('%j: exit code %i', async (args, exitCode, message) => {
  const result = await keys(...args);
  expect(result.exitCode).toBe(exitCode);
  expect(result.err).toContain(message);
  expect(readdirSync(home.path)).not.toContain('w');
});

test('a file in place of the folder is an error of input/output', async () => {
  expect((await keys('k/orchestrator.key')).exitCode).toBe(74);
});
