import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { adam, LOSS, sampleParams, sequencesOf, trainBatch, userTurns } from '../../ts/contract/requests.ts';
import type { SampleBatch } from '../../ts/protocol/generated.ts';
import type { Pool } from '../../ts/worker/pool/pool.ts';
import { type StartWorkersOptions, startWorkers } from '../../ts/worker/startWorkers.ts';
import { deadlines } from '../fixtures/deadlines.ts';
import { inRequests } from '../fixtures/inRequests.ts';
import { children, ended } from '../fixtures/processes.ts';
import { python, workerFixture } from '../fixtures/python.ts';

jest.setTimeout(20_000);

const ASKED = sampleParams('m', { conversations: userTurns('1+1', '2*3', '9-4', '8+8'), n: 25 });

let folder: string;
let pool: Pool | undefined;
let said: string[];
let onSaid: () => void;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-restarts-'));
  said = [];
  onSaid = () => {};
});

afterEach(async () => {
  await pool?.close();
  expect(children()).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});

/** Workers that need no rest before they are started again. */
async function start(options: Partial<StartWorkersOptions> = {}): Promise<Pool> {
  pool = await startWorkers({
    python: python(),
    backend: 'mock',
    threads: 1,
    posts: [{}],
    restarts: 2,
    sharedFolder: folder,
    after: (_, action) => {
      const soon = setImmediate(action);
      return () => clearImmediate(soon);
    },
    onChange: (text) => {
      said.push(text);
      onSaid();
    },
    ...options,
  });
  return pool;
}

async function untilSaid(pattern: RegExp): Promise<void> {
  while (!said.some((text) => pattern.test(text))) {
    await new Promise<void>((resolve) => {
      onSaid = resolve;
    });
  }
}

async function load(pool: Pool): Promise<void> {
  await pool.loadModel({ modelId: 'm', source: 'mock://babble', trainable: true, seed: 3 });
}

/** One gradient step, on what one worker draws. */
async function train(pool: Pool, seq: number): Promise<void> {
  const batch = trainBatch(sequencesOf(await pool.sample(sampleParams('m'))), [1, -1, 1]);
  await pool.forwardBackward({ modelId: 'm', seq, batch, loss: LOSS, normalizer: 1 });
  await pool.optimStep({ modelId: 'm', seq: seq + 1, adam: adam(0.5) });
}

async function publish(pool: Pool, weightsVersion: number): Promise<SampleBatch> {
  await pool.publishWeights({ modelId: 'm', weightsVersion });
  return pool.sample(ASKED);
}

function kill(signal: 'SIGKILL' | 'SIGSTOP', pid = children()[0] as number): number {
  process.kill(pid, signal);
  return pid;
}

describe('the only worker', () => {
  test('is killed between two updates: another takes its place, and training goes on from the checkpoint', async () => {
    const path = join(folder, 'saved');
    const logFile = join(folder, 'worker.log');
    const one = await start({ logFile });
    await load(one);
    await train(one, 0);
    await publish(one, 1);
    await one.saveCheckpoint({ modelId: 'm', path, withOptimizer: true });
    await train(one, 2);
    const expected = await publish(one, 2);

    await ended(kill('SIGKILL'));
    const step = one.optimStep({ modelId: 'm', seq: 4, adam: adam(1) });
    await expect(step).rejects.toMatchObject({ code: 'worker_gone' });
    await expect(one.sample(ASKED)).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringMatching(
        /the weights of m were lost with the worker that trained or averaged it: .*SIGKILL/,
      ),
    });
    await expect(one.loadCheckpoint({ modelId: 'm', path })).rejects.toMatchObject({ code: 'worker_gone' });
    expect(await one.unloadModel({ modelId: 'm' })).toEqual({});
    await load(one);
    await one.loadCheckpoint({ modelId: 'm', path, weightsVersion: 1 });
    await train(one, 2);
    expect(await publish(one, 2)).toEqual(expected);
    const log = readFileSync(logFile, 'utf8');
    expect(log.match(/--- start \d ---|connected/g)).toEqual([
      '--- start 1 ---',
      'connected',
      '--- start 2 ---',
      'connected',
    ]);
    expect(said.filter((text) => !text.includes('lost its connection'))).toEqual([
      expect.stringMatching(/is gone, 0 left: the worker was ended by SIGKILL/),
      'worker 1 is started again in 1 s, 1 of 2 times in a row',
      expect.stringMatching(/joined, 1 in all$/),
    ]);
  });

  test('is stopped (SIGSTOP): its silence ends it, and another draws what it was asked for', async () => {
    const one = await start({ patience: { heartbeat: 50, silence: 500, reconnect: 100 } });
    await load(one);
    const expected = await one.sample(ASKED);
    const stopped = kill('SIGSTOP');
    expect(await one.sample(ASKED)).toEqual(expected);
    expect(said.slice(0, 2)).toEqual([
      expect.stringMatching(/lost its connection$/),
      expect.stringMatching(/is gone, 0 left: the worker was stopped: it sent nothing for 0\.5 s/),
    ]);
    await ended(stopped);
  });

  test.each([
    ['dies', 'dies_in_sample', /^fatal: out of luck$/m, /exit code 3, exit code 3, exit code 3/],
    ['stands still', 'stalls_in_sample', /^/, /its sample made no progress for 0\.4 s/],
  ])('%s in every sample: one error says how often, how, and what it printed', async (_, fixture, details, how) => {
    const program = workerFixture(fixture);
    const one = await start({ program, patience: { heartbeat: 50, deadlines: deadlines(400) } });
    await one.loadModel({ modelId: 'm', source: 'mock://babble', trainable: false, seed: 3 });
    const error = await one.sample(ASKED).catch((error) => error);
    expect(error).toMatchObject({ code: 'worker_gone', details: expect.stringMatching(details) });
    expect(error.message).toMatch(/worker 1 was started again 2 times in a row and did no work any more/);
    expect(error.message).toMatch(how);
    // Whoever asks now hears the same, at once.
    await expect(load(one)).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringContaining('given up'),
    });
  });
});

test('of several one is killed again and again while they draw: no sample is missing, none is there twice', async () => {
  const several = await start({ posts: [{ role: 'train' }, { role: 'sample' }, { role: 'sample' }], restarts: 5 });
  await load(several);
  await several.publishWeights({ modelId: 'm', weightsVersion: 1 });
  const sampler = inRequests(several, 25);
  const expected = await sampler.sample(ASKED);
  for (let time = 1; time <= 3; time++) {
    said.length = 0;
    let isKilled = false;
    const onProgress = (): void => {
      if (!isKilled) kill('SIGKILL', children().at(-1));
      isKilled = true;
    };
    expect(await sampler.sample(ASKED, { onProgress })).toEqual(expected);
    await untilSaid(/is gone/);
    await untilSaid(/joined, 3 in all/);
  }
});

test('that is to be started again when the pool is closed is not', async () => {
  const one = await start({ after: () => () => said.push('cancelled') });
  await load(one);
  await ended(kill('SIGKILL'));
  await untilSaid(/is started again/);
  const waiting = expect(load(one)).rejects.toMatchObject({ code: 'worker_gone' });
  // The rest is begun when all it printed has been read.
  await new Promise(setImmediate);
  await one.close();
  expect(said.at(-1)).toBe('cancelled');
  await waiting;
});
