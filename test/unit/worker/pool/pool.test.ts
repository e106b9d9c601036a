import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { adam, LOSS, sampleParams, sequencesOf, trainBatch, userTurns } from '../../../../ts/contract/requests.ts';
import type { LoadCheckpointResult, SampleBatch } from '../../../../ts/protocol/generated.ts';
import { packResult, unpackParams, unpackResult } from '../../../../ts/worker/codec.ts';
import { TIMED_OUT } from '../../../../ts/worker/deadline.ts';
import { WorkerCallError } from '../../../../ts/worker/errors.ts';
import { createMemoryWorker } from '../../../../ts/worker/memoryWorker.ts';
import { Pool, type PoolOptions } from '../../../../ts/worker/pool/pool.ts';
import { inRequests } from '../../../fixtures/inRequests.ts';
import { gate, TestRecruit } from '../../../fixtures/recruit.ts';

const SOURCE = 'memory:pool';
const PROMPTS = Array.from({ length: 12 }, (_, index) => `prompt ${index}`);
const ASKED = sampleParams('m', { conversations: userTurns(...PROMPTS), n: 2 });

let folder: string;
let pools: Pool[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-pool-'));
  pools = [];
});

afterEach(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  rmSync(folder, { recursive: true, force: true });
});

function poolOf(recruits: readonly TestRecruit[], options: Partial<PoolOptions> = {}): Pool {
  const exchange = join(folder, 'exchange');
  const pool = new Pool({ exchange, ...options }, async () => {});
  for (const recruit of recruits) pool.add(recruit);
  pools.push(pool);
  return pool;
}

/** Samples are asked of the pool in requests of four, as the loop would. */
const drawn = (pool: Pool) => inRequests(pool, 4);

async function load(pool: Pool, trainable = false): Promise<void> {
  await pool.loadModel({ modelId: 'm', source: SOURCE, trainable, seed: 3 });
}

/** One gradient step that changes the weights visibly. */
async function train(pool: Pool, seq: number): Promise<void> {
  const sequences = sequencesOf(await pool.sample(sampleParams('m')));
  const batch = trainBatch(sequences, [1, -1, 1]);
  await pool.forwardBackward({ modelId: 'm', seq, batch, loss: LOSS, normalizer: 1 });
  await pool.optimStep({ modelId: 'm', seq: seq + 1, adam: adam(0.5) });
}

/** What one undisturbed worker says to the same. */
async function alone(steps = 0): Promise<SampleBatch> {
  const pool = poolOf([new TestRecruit('alone')], { exchange: mkdtempSync(join(folder, 'alone-')) });
  await load(pool, true);
  for (let step = 0; step < steps; step++) {
    await train(pool, 2 * step);
    await pool.publishWeights({ modelId: 'm' });
  }
  return drawn(pool).sample(ASKED);
}

describe('a model that is only scored', () => {
  test("is loaded by who trains, so that its weights are in nobody else's way", async () => {
    const [sampler, trainer] = [new TestRecruit('s', ['sample']), new TestRecruit('t', ['train'])];
    const pool = poolOf([sampler, trainer]);
    await pool.loadModel({ modelId: 'anchor', source: SOURCE, trainable: false, role: 'train', seed: 3 });
    await pool.forward({ modelId: 'anchor', tokens: Int32Array.of(3, 5), lengths: Int32Array.of(2), temperature: 1 });
    expect([sampler.asked, trainer.asked]).toEqual([[], ['load_model', 'forward']]);
    await pool.sample(sampleParams('anchor')); // it may be sampled all the same
    expect(sampler.asked).toEqual(['load_model', 'sample']);
  });
});

describe('sampling', () => {
  test('is spread, and gives what one worker gives to the whole request', async () => {
    const recruits = ['a', 'b', 'c'].map((name) => new TestRecruit(name));
    const pool = poolOf(recruits);
    await load(pool);
    expect(await drawn(pool).sample(ASKED)).toEqual(await alone());
    expect(recruits.flatMap(({ sampled }) => sampled.flat()).sort()).toEqual([...PROMPTS].sort());
    for (const { sampled } of recruits) expect(sampled.length).toBeGreaterThan(0);
  });

  test('goes to whoever has the fewest outstanding tokens, two requests at a time, the rest waits here', async () => {
    const [a, b] = [new TestRecruit('a'), new TestRecruit('b')];
    const { closed, open } = gate();
    a.gate = closed;
    const pool = poolOf([a, b]);
    await load(pool);
    const answer = drawn(pool).sample(ASKED);
    // The second is fast and ends up with all that the first did not take at the start.
    while (b.sampled.flat().length < PROMPTS.length - 4) await new Promise(setImmediate);
    expect(a.sampled.flat()).toHaveLength(4);
    open();
    expect(await answer).toEqual(await alone());
  });

  test('of a lost worker is done by another with the same seeds: no sample twice, none missing', async () => {
    const [a, b] = [new TestRecruit('a'), new TestRecruit('b')];
    a.gate = gate().closed;
    const pool = poolOf([a, b]);
    await load(pool);
    const seen: number[] = [];
    const answer = drawn(pool).sample(ASKED, { onProgress: ({ done }) => seen.push(done) });
    while (a.sampled.length < 2) await new Promise(setImmediate);
    a.kill();
    expect(await answer).toEqual(await alone());
    expect(seen).toEqual([...seen].sort((x, y) => x - y));
    expect(seen.at(-1)).toBe(2 * PROMPTS.length);
  });

  test('goes on with a worker that joins late, though all others are gone', async () => {
    const a = new TestRecruit('a');
    a.gate = gate().closed;
    const pool = poolOf([a], { expectsMore: () => true });
    await load(pool);
    const answer = drawn(pool).sample(ASKED);
    while (a.sampled.length < 1) await new Promise(setImmediate);
    a.kill();
    pool.add(new TestRecruit('b'));
    expect(await answer).toEqual(await alone());
  });

  test('of a request that costs one worker after another is given up', async () => {
    const recruits = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => new TestRecruit(name));
    const pool = poolOf(recruits);
    await load(pool);
    for (const recruit of recruits) {
      const ask = recruit.request.bind(recruit);
      recruit.request = (verb, params, options) => {
        if (verb === 'sample') recruit.kill('the system killed it');
        return ask(verb, params, options);
      };
    }
    await expect(pool.sample(sampleParams('m'))).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringMatching(/cost 4 workers, one after another.*the system killed it/),
    });
  });

  test('without a worker left says how the last one ended, at once where none is expected', async () => {
    const a = new TestRecruit('a');
    a.gate = gate().closed;
    const pool = poolOf([a]);
    await load(pool);
    const answer = drawn(pool).sample(ASKED);
    a.kill('the worker ended with exit code 3');
    const gone = { code: 'worker_gone', message: expect.stringMatching(/exit code 3/) };
    await expect(answer).rejects.toMatchObject(gone);
    await expect(drawn(pool).sample(ASKED)).rejects.toMatchObject(gone);
  });

  test('without a worker left waits no longer than the deadline for another', async () => {
    const a = new TestRecruit('a');
    const pool = poolOf([a], { expectsMore: () => true, joinDeadline: 20 });
    await load(pool);
    a.kill();
    await expect(drawn(pool).sample(ASKED)).rejects.toMatchObject({ message: expect.stringMatching(/within 0\.02 s/) });
  });

  test('that one worker cannot do is done by another; nobody tries twice', async () => {
    const [a, b] = [new TestRecruit('a'), new TestRecruit('b')];
    const pool = poolOf([a, b]);
    await load(pool);
    const full = (recruit: TestRecruit): void => {
      const ask = recruit.request.bind(recruit);
      recruit.request = (verb, params, options) =>
        verb === 'sample' ? Promise.reject(new WorkerCallError('out_of_memory', 'full')) : ask(verb, params, options);
    };
    full(a);
    expect(await drawn(pool).sample(ASKED)).toEqual(await alone());
    full(b);
    await expect(drawn(pool).sample(ASKED)).rejects.toMatchObject({ code: 'out_of_memory', message: 'full' });
  });

  test('fails as a whole with what one part failed with', async () => {
    const pool = poolOf([new TestRecruit('a'), new TestRecruit('b')]);
    await load(pool);
    const bad = { ...ASKED, sampling: { ...ASKED.sampling, topP: 7 } };
    await expect(drawn(pool).sample(bad)).rejects.toMatchObject({ code: 'invalid_request' });
    expect((await drawn(pool).sample(ASKED)).texts).toHaveLength(2 * PROMPTS.length);
  });

  test('is cancelled by its signal, what runs and what waits', async () => {
    const a = new TestRecruit('a');
    const { closed, open } = gate();
    a.gate = closed;
    const pool = poolOf([a]);
    await load(pool);
    const stop = new AbortController();
    const answer = expect(drawn(pool).sample(ASKED, { signal: stop.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    stop.abort();
    open();
    await answer;
    expect((await drawn(pool).sample(ASKED)).texts).toHaveLength(2 * PROMPTS.length);
  });
});

describe('weights', () => {
  test('that are published reach every sampler before it serves', async () => {
    const recruits = [new TestRecruit('a'), new TestRecruit('b', ['sample']), new TestRecruit('c', ['sample'])];
    const pool = poolOf(recruits);
    await load(pool, true);
    for (const step of [0, 1]) {
      await train(pool, 2 * step);
      expect((await pool.publishWeights({ modelId: 'm' })).weightsVersion).toBe(step + 1);
      expect(await drawn(pool).sample(ASKED)).toEqual(await alone(step + 1));
    }
    for (const { sampled } of recruits) expect(sampled.flat().length).toBeGreaterThan(0);
    expect(recruits[1]?.asked).not.toContain('forward_backward');
  });

  test('are brought to a worker that joins in the midst of a run', async () => {
    const a = new TestRecruit('a');
    const pool = poolOf([a]);
    await load(pool, true);
    await train(pool, 0);
    await pool.publishWeights({ modelId: 'm' });
    const late = new TestRecruit('late', ['sample']);
    pool.add(late);
    expect(await drawn(pool).sample(ASKED)).toEqual(await alone(1));
    expect(late.asked).toEqual(expect.arrayContaining(['load_model', 'load_checkpoint', 'sample']));
    expect(late.asked.indexOf('load_checkpoint')).toBeLessThan(late.asked.indexOf('sample'));
  });

  test('that a worker does not hold after all are given to it again', async () => {
    const forgetful = new TestRecruit('forgetful', ['sample']);
    const pool = poolOf([new TestRecruit('a', ['train']), forgetful]);
    await load(pool, true);
    await drawn(pool).sample(ASKED);
    // It lost its model and says so; then it serves another version than it was asked for.
    await forgetful.request('unload_model', Buffer.from('81a76d6f64656c4964a16d', 'hex'));
    expect(await drawn(pool).sample(ASKED)).toEqual(await alone());
    await forgetful.request('publish_weights', Buffer.from('81a76d6f64656c4964a16d', 'hex'));
    expect(await drawn(pool).sample(ASKED)).toEqual(await alone());
  });

  test('that a worker never gets right cost each request one attempt, not all', async () => {
    const stubborn = new TestRecruit('stubborn', ['sample']);
    const pool = poolOf([stubborn, new TestRecruit('a')]);
    await load(pool, true);
    await train(pool, 0);
    await pool.publishWeights({ modelId: 'm' });
    const ask = stubborn.request.bind(stubborn);
    stubborn.request = async (verb, params, options) => {
      if (verb === 'sample') throw new WorkerCallError('stale_weights', 'it holds others');
      return ask(verb, params, options);
    };
    expect(await drawn(pool).sample(ASKED)).toEqual(await alone(1));
  });

  test('are handed over in folders of which few are kept, and none in the end', async () => {
    const pool = poolOf([new TestRecruit('a'), new TestRecruit('b', ['sample'])]);
    await load(pool, true);
    for (let version = 1; version <= 4; version++) await pool.publishWeights({ modelId: 'm' });
    expect(readdirSync(join(folder, 'exchange'))).toHaveLength(2);
    await pool.unloadModel({ modelId: 'm' });
    expect(readdirSync(join(folder, 'exchange'))).toEqual([]);
    await pool.close();
    expect(existsSync(join(folder, 'exchange'))).toBe(false);
  });

  test('that are published twice under one version reach whoever comes later', async () => {
    const pool = poolOf([new TestRecruit('a', ['train'])]);
    await load(pool, true);
    for (const _ of [1, 2]) await pool.publishWeights({ modelId: 'm', weightsVersion: 5 });
    pool.add(new TestRecruit('b', ['sample']));
    expect((await drawn(pool).sample(ASKED)).weightsVersion).toBe(5);
  });

  test('are published under a version that there was before a checkpoint took it back', async () => {
    const pool = poolOf([new TestRecruit('a'), new TestRecruit('b', ['sample'])]);
    await load(pool, true);
    const path = join(folder, 'saved');
    await pool.saveCheckpoint({ modelId: 'm', path, withOptimizer: true });
    await pool.publishWeights({ modelId: 'm' });
    await pool.loadCheckpoint({ modelId: 'm', path, weightsVersion: 0 });
    expect((await pool.publishWeights({ modelId: 'm' })).weightsVersion).toBe(1);
    expect((await drawn(pool).sample(ASKED)).weightsVersion).toBe(1);
  });

  test('of a model with the longest name are handed over', async () => {
    const modelId = 'm'.repeat(256);
    const pool = poolOf([new TestRecruit('a', ['train']), new TestRecruit('b', ['sample'])]);
    await pool.loadModel({ modelId, source: SOURCE, trainable: true, seed: 3 });
    await pool.publishWeights({ modelId });
    expect((await drawn(pool).sample({ ...ASKED, modelId })).weightsVersion).toBe(1);
  });

  test('of a frozen model get a version from all who serve it', async () => {
    const recruits = [new TestRecruit('a'), new TestRecruit('b')];
    const pool = poolOf(recruits);
    await load(pool);
    await pool.publishWeights({ modelId: 'm' });
    expect(await drawn(pool).sample(ASKED)).toEqual({ ...(await alone()), weightsVersion: 1 });
    for (const { sampled } of recruits) expect(sampled.length).toBeGreaterThan(0);
  });

  test('that a checkpoint brings under a version that there was already reach all', async () => {
    const recruits = [new TestRecruit('a'), new TestRecruit('b', ['sample'])];
    const pool = poolOf(recruits);
    await load(pool, true);
    await train(pool, 0);
    expect(await drawn(pool).sample(ASKED)).toEqual(await alone());
    await pool.saveCheckpoint({ modelId: 'm', path: join(folder, 'saved'), withOptimizer: true });
    await pool.loadCheckpoint({ modelId: 'm', path: join(folder, 'saved'), weightsVersion: 0 });
    expect(await drawn(pool).sample(ASKED)).toEqual({ ...(await alone(1)), weightsVersion: 0 });
    for (const { sampled } of recruits) expect(sampled.length).toBeGreaterThan(1);
  });

  test('that are averaged stay with the trainer of those they are averaged with', async () => {
    const recruits = [new TestRecruit('a', ['sample']), new TestRecruit('b'), new TestRecruit('c')];
    const pool = poolOf(recruits);
    await pool.loadModel({ modelId: 'mean', source: SOURCE, trainable: false, seed: 3 });
    await load(pool, true);
    await train(pool, 0);
    const average = { modelId: 'mean', towards: 'm', share: 1 };
    expect(await pool.averageWeights(average)).toEqual({ weightsVersion: 1 });
    expect(recruits.map(({ asked }) => asked.includes('average_weights'))).toEqual([false, true, false]);
    for (const recruit of recruits) recruit.asked.length = 0;

    const tokens = { tokens: Int32Array.of(80, 81, 82), lengths: Int32Array.of(3), temperature: 1 };
    expect(await pool.forward({ modelId: 'mean', ...tokens })).toEqual(await pool.forward({ modelId: 'm', ...tokens }));
    expect(await drawn(pool).sample({ ...ASKED, modelId: 'mean' })).toEqual(await alone(1));
    expect(recruits.map(({ asked }) => asked.length > 0)).toEqual([false, true, false]);
    expect(await pool.averageWeights(average)).toEqual({ weightsVersion: 2 });
    const step = pool.optimStep({ modelId: 'mean', seq: 0, adam: adam(1) });
    await expect(step).rejects.toMatchObject({ code: 'not_trainable' });

    // Published, they are handed over like any that came to be in one place.
    await pool.publishWeights({ modelId: 'mean' });
    for (const recruit of recruits) recruit.asked.length = 0;
    expect(await drawn(pool).sample({ ...ASKED, modelId: 'mean' })).toEqual({ ...(await alone(1)), weightsVersion: 3 });
    expect(recruits.map(({ asked }) => asked.includes('sample'))).toEqual([true, true, true]);
  });

  test('that are averaged with those of a frozen model are averaged by one who can train', async () => {
    const recruits = [new TestRecruit('a', ['sample']), new TestRecruit('b')];
    const pool = poolOf(recruits);
    await pool.loadModel({ modelId: 'mean', source: SOURCE, trainable: false, seed: 9 });
    await load(pool);
    expect(await pool.averageWeights({ modelId: 'mean', towards: 'm', share: 1 })).toEqual({ weightsVersion: 1 });
    expect(await drawn(pool).sample({ ...ASKED, modelId: 'mean' })).toEqual({ ...(await alone()), weightsVersion: 1 });
  });

  test('whose averaging was interrupted are averaged once all the same', async () => {
    const a = new TestRecruit('a');
    const pool = poolOf([a]);
    await pool.loadModel({ modelId: 'mean', source: SOURCE, trainable: false, seed: 9 });
    await load(pool);
    const average = { modelId: 'mean', towards: 'm', share: 0.5 };
    const request = { modelId: 'mean', tokens: Int32Array.of(80, 81), lengths: Int32Array.of(2), temperature: 1 };
    const ask = a.request.bind(a);
    a.request = async (verb, params, options) => {
      const answer = await ask(verb, params, options);
      if (verb === 'average_weights') {
        a.request = ask;
        a.onConnection?.(false);
        a.onConnection?.(true);
      }
      return answer;
    };
    await pool.averageWeights(average);
    expect(a.asked.filter((verb) => verb === 'average_weights')).toHaveLength(2);

    const once = createMemoryWorker();
    await once.loadModel({ modelId: 'mean', source: SOURCE, trainable: false, seed: 9 });
    await once.loadModel({ modelId: 'm', source: SOURCE, trainable: false, seed: 3 });
    await once.averageWeights(average);
    expect(await pool.forward(request)).toEqual(await once.forward(request));
  });

  test('that are trained in two places are not averaged', async () => {
    const [a, b] = [new TestRecruit('a'), new TestRecruit('b')];
    const pool = poolOf([a, b]);
    await load(pool, true);
    const ask = a.request.bind(a);
    a.request = (verb, params, options) =>
      verb === 'load_model' ? Promise.reject(new WorkerCallError('out_of_memory', 'full')) : ask(verb, params, options);
    await pool.loadModel({ modelId: 'other', source: SOURCE, trainable: true, seed: 3 });
    await expect(pool.averageWeights({ modelId: 'other', towards: 'm', share: 1 })).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'towards: m is at a, other at b: allowed is a model of the same worker',
    });
  });

  test('of a loaded checkpoint are served by all', async () => {
    const pool = poolOf([new TestRecruit('a'), new TestRecruit('b', ['sample'])]);
    await load(pool, true);
    await train(pool, 0);
    await pool.saveCheckpoint({ modelId: 'm', path: join(folder, 'saved'), withOptimizer: true });
    await train(pool, 2);
    await pool.loadCheckpoint({ modelId: 'm', path: join(folder, 'saved') });
    const { weightsVersion, ...samples } = await drawn(pool).sample(ASKED);
    expect(weightsVersion).toBe(1);
    expect({ ...samples, weightsVersion: 1 }).toEqual(await alone(1));
  });
});

describe('a hand-over', () => {
  /** A trainer and a sampler; what the sampler answers to `load_checkpoint` passes through `change`. */
  async function handing(change: (result: LoadCheckpointResult, time: number) => LoadCheckpointResult) {
    const [trainer, sampler] = [new TestRecruit('trainer', ['train']), new TestRecruit('sampler', ['sample'])];
    const said: string[] = [];
    const pool = poolOf([trainer, sampler], { onChange: (text) => said.push(text) });
    let times = 0;
    const ask = sampler.request.bind(sampler);
    sampler.request = async (verb, params, options) => {
      const answer = await ask(verb, params, options);
      if (verb !== 'load_checkpoint') return answer;
      times += 1;
      return packResult(verb, change(unpackResult(verb, answer), times));
    };
    await load(pool, true);
    await pool.publishWeights({ modelId: 'm' });
    return { pool, sampler, said };
  }

  const otherChecksum = (result: LoadCheckpointResult): LoadCheckpointResult => ({
    ...result,
    proof: { ...result.proof, checksum: 'another' },
  });

  test('names the manifest that the weights must have', async () => {
    const { pool, sampler } = await handing((result) => result);
    const asked: unknown[] = [];
    const ask = sampler.request.bind(sampler);
    sampler.request = (verb, params, options) => {
      if (verb === 'load_checkpoint') asked.push(unpackParams(verb, params));
      return ask(verb, params, options);
    };
    await drawn(pool).sample(ASKED);
    const [exchanged = ''] = readdirSync(join(folder, 'exchange'));
    const manifest = readFileSync(join(folder, 'exchange', exchanged, 'manifest.json'));
    const manifestSha256 = createHash('sha256').update(manifest).digest('hex');
    const path = join(folder, 'exchange', exchanged);
    expect(asked).toEqual([{ modelId: 'm', path, manifestSha256, weightsVersion: 1 }]);
  });

  test('to a worker that cannot prove it is made again, with everything anew', async () => {
    const { pool, sampler, said } = await handing((result, time) => (time === 1 ? otherChecksum(result) : result));
    expect(await drawn(pool).sample(ASKED)).toEqual({ ...(await alone()), weightsVersion: 1 });
    const loads = sampler.asked.filter((verb) => verb.startsWith('load'));
    expect(loads).toEqual(['load_model', 'load_checkpoint', 'load_model', 'load_checkpoint']);
    expect(said.at(-1)).toMatch(
      /^sampler does not hold the weights of m, version 1: their checksum is another there, and was [0-9a-f]{64}: it gets them again$/,
    );
  });

  test('to a worker that cannot prove it twice is the last of these weights; another serves them', async () => {
    const { pool, sampler, said } = await handing(otherChecksum);
    await expect(drawn(pool).sample(ASKED)).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringMatching(/no worker is left that can do this; sampler: .*does not hold the weights of m/),
    });
    expect(said.at(-1)).toMatch(/: it is not asked to serve them$/);
    const asked = sampler.asked.length;
    pool.add(new TestRecruit('honest', ['sample']));
    expect(await drawn(pool).sample(ASKED)).toEqual({ ...(await alone()), weightsVersion: 1 });
    expect(sampler.asked).toHaveLength(asked);
    // The next weights are given to it as to all.
    await pool.publishWeights({ modelId: 'm' });
    await drawn(pool).sample(ASKED);
    expect(sampler.asked.length).toBeGreaterThan(asked);
  });

  test.each([
    [0.09, undefined],
    [0.5, 'log-probs of the probe are 0.500 apart on average, allowed is'],
    [Number.NaN, 'log-probs of the probe are NaN apart on average, allowed is'],
  ])('to a worker whose probe is %p apart', async (apart, problem) => {
    const { pool, said } = await handing((result) => ({
      ...result,
      proof: { ...result.proof, probe: result.proof.probe.map((one) => one + apart) },
    }));
    const sampled = drawn(pool).sample(ASKED);
    if (problem === undefined) expect((await sampled).weightsVersion).toBe(1);
    else await expect(sampled).rejects.toMatchObject({ code: 'worker_gone' });
    expect(said.some((text) => text.includes(problem ?? 'does not hold'))).toBe(problem !== undefined);
  });

  test('has its time from when the worker has done what it was asked for before', async () => {
    const trainer = new TestRecruit('trainer', ['train']);
    const { closed, open } = gate();
    const events: string[] = [];
    const pool = poolOf([trainer, new TestRecruit('sampler', ['sample'])], {
      within: (promise) => {
        events.push('the time begins');
        return promise;
      },
    });
    await load(pool, true);
    const ask = trainer.request.bind(trainer);
    trainer.request = async (verb, params, options) => {
      if (verb === 'forward') {
        await closed;
        events.push('forward is over');
      }
      return ask(verb, params, options);
    };
    const scored = pool.forward({
      modelId: 'm',
      tokens: Int32Array.of(3, 5),
      lengths: Int32Array.of(2),
      temperature: 1,
    });
    const published = pool.publishWeights({ modelId: 'm' });
    while (!trainer.asked.includes('save_checkpoint')) await new Promise(setImmediate);
    open();
    await Promise.all([scored, published]);
    expect(events).toEqual(['forward is over', 'the time begins', 'the time begins']);
  });

  describe('that takes too long', () => {
    /** A pool in which time is up for the verb that a worker is asked for and does not answer. */
    async function stuck(stuckAt: string, verbs: readonly string[]) {
      const recruits = [new TestRecruit('trainer', ['train']), new TestRecruit('sampler', ['sample'])];
      const { closed, open } = gate();
      const timeUp = closed.then((): typeof TIMED_OUT => TIMED_OUT);
      const pool = poolOf(recruits, {
        handoverDeadline: 90_000,
        within: async <T>(promise: Promise<T>): Promise<T | typeof TIMED_OUT> => Promise.race([promise, timeUp]),
      });
      await load(pool, true);
      const recruit = recruits.find(({ hello }) => hello.workerId === stuckAt) as TestRecruit;
      const ask = recruit.request.bind(recruit);
      recruit.request = (verb, params, options) => {
        if (!verbs.includes(verb)) return ask(verb, params, options);
        open();
        return new Promise(() => {});
      };
      return pool;
    }

    test.each([
      [
        'save_checkpoint',
        /^trainer did not write the weights of m, version 1, within 90 s: it was writing them to \/.*$/,
      ],
      ['publish_weights', /^trainer did not publish the weights of m, version 1, within 90 s: it was publishing them$/],
    ])('in %s of the trainer fails the publication', async (verb, message) => {
      const pool = await stuck('trainer', [verb]);
      await expect(pool.publishWeights({ modelId: 'm' })).rejects.toMatchObject({
        code: 'worker_gone',
        message: expect.stringMatching(message),
      });
    });

    test.each([
      ['load_model', 'it was loading the model memory:pool'],
      ['load_checkpoint', 'it was loading them from /'],
    ])('in %s of a sampler is the end of that worker, and another serves', async (verb, doing) => {
      const pool = await stuck('sampler', [verb]);
      await pool.publishWeights({ modelId: 'm' });
      await expect(drawn(pool).sample(ASKED)).rejects.toMatchObject({
        code: 'worker_gone',
        message: expect.stringContaining(`sampler did not take the weights of m, version 1, within 90 s: ${doing}`),
      });
      expect(pool.size).toBe(1);
    });
  });
});

describe('a model', () => {
  test('that is trained lives and dies with its trainer', async () => {
    const a = new TestRecruit('a', ['train']);
    const pool = poolOf([a, new TestRecruit('b', ['sample'])]);
    await load(pool, true);
    a.kill('the node was taken away');
    await expect(pool.optimStep({ modelId: 'm', seq: 0, adam: adam(1) })).rejects.toMatchObject({
      code: 'worker_gone',
      message: 'the node was taken away',
    });
  });

  test('that cannot be loaded leaves the one of that name as it was', async () => {
    const pool = poolOf([new TestRecruit('a'), new TestRecruit('b')]);
    await load(pool);
    const bad = pool.loadModel({ modelId: 'm', source: '/nonexistent', trainable: false, seed: 0 });
    await expect(bad).rejects.toMatchObject({ code: 'model_unloadable' });
    expect(await drawn(pool).sample(ASKED)).toEqual(await alone());
  });

  test('that replaces another of its name is drawn from everywhere', async () => {
    const pool = poolOf([new TestRecruit('a'), new TestRecruit('b')]);
    await load(pool);
    await drawn(pool).sample(ASKED);
    await pool.loadModel({ modelId: 'm', source: 'memory:other', trainable: false, seed: 9 });
    const other = createMemoryWorker();
    await other.loadModel({ modelId: 'm', source: 'memory:other', trainable: false, seed: 9 });
    expect(await drawn(pool).sample(ASKED)).toEqual(await other.sample(ASKED));
  });

  test('waits for somebody who can train', async () => {
    const pool = poolOf([new TestRecruit('a', ['sample'])], { expectsMore: () => true });
    const loaded = load(pool, true);
    pool.add(new TestRecruit('b', ['train']));
    await loaded;
    const nobody = poolOf([new TestRecruit('c', ['sample'])]);
    await expect(load(nobody, true)).rejects.toMatchObject({ code: 'worker_gone' });
  });

  test('that is frozen is not trained, whoever holds it', async () => {
    const pool = poolOf([new TestRecruit('a'), new TestRecruit('b')]);
    await pool.loadModel({ modelId: 'other', source: SOURCE, trainable: false, seed: 0 });
    await load(pool);
    const step = pool.optimStep({ modelId: 'm', seq: 0, adam: adam(1) });
    await expect(step).rejects.toMatchObject({ code: 'not_trainable' });
  });

  test('that is unloaded while a sample waits for a worker is unknown to it', async () => {
    const a = new TestRecruit('a');
    const { closed, open } = gate();
    a.gate = closed;
    const pool = poolOf([a]);
    await load(pool);
    const answer = expect(drawn(pool).sample(ASKED)).rejects.toMatchObject({ code: 'unknown_model' });
    while (a.sampled.length < 2) await new Promise(setImmediate);
    const unloaded = pool.unloadModel({ modelId: 'm' });
    open();
    await answer;
    await unloaded;
  });

  test('that is frozen is looked at by a worker that can train, with the weights that are published', async () => {
    const recruits = [new TestRecruit('a', ['sample']), new TestRecruit('b')];
    const pool = poolOf(recruits);
    await load(pool);
    await pool.forward({ modelId: 'm', tokens: Int32Array.of(1, 2), lengths: Int32Array.of(2), temperature: 1 });
    expect(recruits.map(({ asked }) => asked.includes('forward'))).toEqual([false, true]);
  });
});

test('closing rejects what waits, and says what joined and left while it lived', async () => {
  const said: string[] = [];
  const a = new TestRecruit('a');
  const pool = poolOf([a], { onChange: (text) => said.push(text) });
  await load(pool);
  a.gate = gate().closed;
  const answer = expect(drawn(pool).sample(ASKED)).rejects.toMatchObject({ code: 'worker_gone' });
  a.kill('it fell over');
  await answer;
  expect(said).toEqual(['a joined, 1 in all', 'a is gone, 0 left: it fell over']);
});

describe('a worker that is ten times slower than the others', () => {
  /** Three workers in a time of their own, in which `slow` takes ten seconds for a request, and the others one. */
  function uneven() {
    const recruits = ['a', 'b', 'slow'].map((name) => new TestRecruit(name, ['sample']));
    let now = 0;
    const said: string[] = [];
    const happen: { at: number; go(): void }[] = [];
    for (const recruit of recruits) {
      const ask = recruit.request.bind(recruit);
      // One after another, as an engine does that has one row.
      let last = Promise.resolve();
      recruit.request = async (verb, params, options) => {
        if (verb !== 'sample') return ask(verb, params, options);
        const before = last;
        let over = (): void => {};
        last = new Promise((resolve) => {
          over = resolve;
        });
        await before;
        const { signal } = options ?? {};
        await new Promise<void>((resolve) => {
          happen.push({ at: now + (recruit.hello.workerId === 'slow' ? 10_000 : 1_000), go: resolve });
          if (signal?.aborted) resolve();
          signal?.addEventListener('abort', () => resolve());
        });
        over();
        if (signal?.aborted) throw new WorkerCallError('cancelled', 'it was told to stop');
        return ask(verb, params, options);
      };
    }
    const pool = poolOf(recruits, { now: () => now, onChange: (text) => said.push(text) });
    /** Let time pass until a call is answered, in seconds. */
    const timed = async <T>(call: Promise<T>): Promise<{ value: T; seconds: number }> => {
      const began = now;
      let isDone = false;
      void call.finally(() => {
        isDone = true;
      });
      while (!isDone) {
        for (let round = 0; round < 20; round++) await new Promise(setImmediate);
        happen.sort((one, other) => one.at - other.at);
        const next = isDone ? undefined : happen.shift();
        now = Math.max(now, next?.at ?? 0);
        next?.go();
      }
      return { value: await call, seconds: (now - began) / 1000 };
    };
    return { recruits, pool, said, timed };
  }

  test('is told of once, not ended, and holds nobody up: what it has is done by others too, and delivered once', async () => {
    const { recruits, pool, said, timed } = uneven();
    await load(pool);
    const many = sampleParams('m', {
      conversations: userTurns(...Array.from({ length: 120 }, (_, i) => `p${i}`)),
      n: 2,
    });
    const expected = await (async () => {
      const one = poolOf([new TestRecruit('alone')]);
      await load(one);
      return drawn(one).sample(many);
    })();
    const first = await timed(drawn(pool).sample(many));
    expect(first.value).toEqual(expected);
    expect(said.filter((text) => text.includes('slow ') && text.includes('it is slow'))).toEqual([
      expect.stringMatching(/^slow draws \S+ tokens\/s of a sample, the others \S+: it is slow$/),
    ]);
    const again = await timed(drawn(pool).sample(many));
    expect(again.value).toEqual(expected);
    // 60 requests by two who take a second each, and at most one second for what the slow one had.
    expect(again.seconds).toBeLessThan(31);
    expect(said).toHaveLength(4);
    expect(pool.size).toBe(3);
    for (const { sampled } of recruits) expect(sampled.length).toBeGreaterThan(0);
  });
});

describe('a worker that is to be started again', () => {
  const gone = (message: string) => new WorkerCallError('worker_gone', message, 'Traceback');

  test('is waited for by what only it can do, and goes on with what another had', async () => {
    let isExpected = true;
    const a = new TestRecruit('a');
    a.gate = gate().closed;
    const pool = poolOf([a], { expectsMore: () => isExpected });
    await load(pool);
    const answer = drawn(pool).sample(ASKED);
    while (a.sampled.length < 1) await new Promise(setImmediate);
    a.kill();
    const loaded = pool.loadModel({ modelId: 'n', source: SOURCE, trainable: true, seed: 3 });
    await new Promise(setImmediate);
    isExpected = false;
    pool.add(new TestRecruit('a again'));
    expect(await answer).toEqual(await alone());
    await loaded;
  });

  test('and is given up ends what waited for it, with the reason, and not with how another ended later', async () => {
    let isExpected = true;
    const [a, b] = [new TestRecruit('a', ['sample']), new TestRecruit('b', ['train'])];
    const pool = poolOf([a, b], { expectsMore: () => isExpected });
    await load(pool);
    a.kill();
    const given = { code: 'worker_gone', message: expect.stringMatching(/crash loop/), details: 'Traceback' };
    const answers = [drawn(pool).sample(ASKED), pool.saveCheckpoint({ modelId: 'm', path: 'x', withOptimizer: false })];
    const heard = Promise.all(answers.map((answer) => expect(answer).rejects.toMatchObject(given)));
    await new Promise(setImmediate);
    isExpected = false;
    pool.expectNoLonger(gone('a crash loop'));
    await heard;
    b.kill('it was lonely');
    await expect(load(pool, true)).rejects.toMatchObject(given);
  });

  test('is not waited for when the pool is closed', async () => {
    const pool = poolOf([], { expectsMore: () => true });
    const loaded = expect(load(pool, true)).rejects.toMatchObject({ code: 'worker_gone' });
    await pool.close();
    await loaded;
  });

  test('takes weights that were nowhere else with it, which nobody to come is waited for', async () => {
    const a = new TestRecruit('a');
    const pool = new Pool({ expectsMore: () => true }, async () => {});
    pools.push(pool);
    pool.add(a);
    await load(pool, true);
    await pool.publishWeights({ modelId: 'm' });
    a.gate = gate().closed;
    const lost = {
      code: 'worker_gone',
      message: expect.stringMatching(
        /^the weights of m were lost with the worker that trained or averaged it: it fell/,
      ),
    };
    const under = expect(pool.sample(sampleParams('m'))).rejects.toMatchObject(lost);
    while (a.sampled.length < 1) await new Promise(setImmediate);
    a.kill('it fell over');
    await under;
    await expect(pool.sample(sampleParams('m'))).rejects.toMatchObject(lost);
    expect(await pool.unloadModel({ modelId: 'm' })).toEqual({});
    pool.add(new TestRecruit('b'));
    await load(pool, true);
    expect((await pool.sample(sampleParams('m'))).weightsVersion).toBe(0);
  });
});

describe('a pool that is told to stop', () => {
  test('ends what it was asked before as cancelled, gives nothing to another worker, and takes nothing more', async () => {
    const recruits = ['a', 'b', 'c'].map((name) => new TestRecruit(name));
    const pool = poolOf(recruits);
    await load(pool);
    const { closed, open } = gate();
    for (const recruit of recruits) recruit.gate = closed;
    const many = { ...ASKED, n: 4 };
    const answer = expect(drawn(pool).sample(many)).rejects.toMatchObject({ code: 'cancelled' });
    const under = expect(pool.sample(sampleParams('m'))).rejects.toMatchObject({ code: 'cancelled' });
    while (recruits.some(({ sampled }) => sampled.length < 2)) await new Promise(setImmediate);
    await pool.shutdown({});
    const asked = recruits.map(({ sampled }) => sampled.length);
    open();
    await Promise.all([answer, under]);
    expect(recruits.map(({ sampled }) => sampled.length)).toEqual(asked);
    await expect(drawn(pool).sample(ASKED)).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringMatching(/told to stop/),
    });
  });

  test('gives what was under way at a worker that left as cancelled', async () => {
    const a = new TestRecruit('a');
    const pool = poolOf([a, new TestRecruit('b')]);
    await load(pool);
    a.gate = gate().closed;
    const answer = expect(pool.sample(sampleParams('m'))).rejects.toMatchObject({ code: 'cancelled' });
    while (a.sampled.length < 1) await new Promise(setImmediate);
    await pool.shutdown({});
    a.kill('the worker ended with exit code 0');
    await answer;
  });
});

describe('a ping', () => {
  test('is answered by those who are there', async () => {
    const [a, b] = [new TestRecruit('a'), new TestRecruit('b')];
    const pool = poolOf([a, b]);
    const ask = a.request.bind(a);
    a.request = (verb, params, options) => {
      a.kill();
      return ask(verb, params, options);
    };
    expect(await pool.ping({})).toEqual({ busy: '', progress: expect.any(Number) });
    b.kill('the last one fell over');
    await expect(pool.ping({})).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringMatching(/fell over/),
    });
  });
});
