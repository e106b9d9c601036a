import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { differences, resultDigests } from '../../ts/bench/result.ts';
import { runExperiment } from '../../ts/cli/experiment.ts';
import { loadConfig } from '../../ts/config/load.ts';
import { RunFolder } from '../../ts/store/runFolder.ts';
import { python } from '../fixtures/python.ts';
import { temporaryFolder } from './cli.ts';

const home = temporaryFolder();

afterAll(() => home.remove());
afterEach(() => {
  delete process.env.RZERO_DEVICES;
});

/** A whole run on the mock; its folder. */
async function run(name: string, sets: readonly string[]): Promise<string> {
  const path = join(home.path, name);
  await runExperiment({
    config: loadConfig({ preset: 'mock', sets }),
    folder: RunFolder.create(path),
    env: { ...process.env, RZERO_PYTHON: python() },
    workingFolder: home.path,
    signal: new AbortController().signal,
    reporter: { report: () => {} },
  });
  return path;
}

test('two workers that claim one device and take turns on it leave the files that one alone leaves', async () => {
  const alone = resultDigests(await run('alone', []));
  // The workers started here inherit it: each of them claims it.
  process.env.RZERO_DEVICES = 'gpu-0';
  const path = await run('turns', ['worker.count=2', 'worker.turns=true']);
  const found = resultDigests(path);
  expect(differences(alone, found)).toEqual([]);
  expect(found.size).toBeGreaterThan(5);
  expect(readFileSync(join(path, 'metrics.jsonl'), 'utf8')).not.toContain('is gone');
}, 60_000);
