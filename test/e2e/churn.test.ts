import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { Samplers } from '../../ts/bench/churn/samplers.ts';
import { differences, resultDigests } from '../../ts/bench/result.ts';
import { runExperiment } from '../../ts/cli/experiment.ts';
import { loadConfig } from '../../ts/config/load.ts';
import { stream } from '../../ts/domain/random.ts';
import { RunFolder } from '../../ts/store/runFolder.ts';
import { python } from '../fixtures/python.ts';
import { temporaryFolder } from './cli.ts';

const home = temporaryFolder();
afterAll(() => home.remove());

const SIZES = ['iterations=1', 'questions.candidates=2000', 'evaluation.problems=256', 'worker.requestSamples=64'];

/** Do a run on the mock; what came of it, and what was told of its workers. */
async function run(name: string, sets: readonly string[], token = '', onTold: (message: string) => void = () => {}) {
  const folder = RunFolder.create(join(home.path, name));
  await runExperiment({
    config: loadConfig({ preset: 'mock', sets: [...SIZES, ...sets] }),
    folder,
    env: { ...process.env, RZERO_PYTHON: python(), RZERO_TOKEN: token },
    workingFolder: process.cwd(),
    signal: new AbortController().signal,
    reporter: {
      report(event) {
        if (event.type === 'workers') onTold(event.message);
      },
    },
  });
  return resultDigests(folder.path);
}

test('a run whose samplers are killed one after another ends as one that was left alone', async () => {
  const expected = await run('alone', []);
  const endpoint = `ipc://${join(home.path, 'socket')}`;
  const token = randomBytes(32).toString('hex');
  const random = stream(1, 'churn');
  const samplers = new Samplers({ python: python(), endpoint, token, count: 3 });
  let joined = 0;
  let lost = 0;
  try {
    const found = await run('churned', [`worker.listen=${endpoint}`, 'worker.expect=3'], token, (message) => {
      if (message.includes(' joined')) joined += 1;
      if (message.endsWith(' lost its connection')) lost += 1;
      // Whenever all are there again one goes, the trainer's own process aside.
      if (message.includes(' joined') && joined >= 4) samplers.replaceOne(random);
    });
    expect(differences(expected, found)).toEqual([]);
  } finally {
    await samplers.stop();
  }
  expect(lost).toBeGreaterThan(0);
}, 60_000);
