import { existsSync, mkdirSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Case, Context, ContractOptions } from '../../../ts/contract/context.ts';
import * as promise from '../../../ts/contract/expect.ts';
import type { Outcome } from '../../../ts/contract/outcome.ts';
import { ContractRunner } from '../../../ts/contract/runner.ts';
import { WorkerCallError, WorkerStartError } from '../../../ts/worker/errors.ts';
import { createMemoryWorker } from '../../../ts/worker/memoryWorker.ts';

const runners: ContractRunner[] = [];
afterEach(async () => {
  for (const runner of runners.splice(0)) await runner.close();
});

function oneCase(run: (context: Context) => Promise<void>, changes: Partial<Case> = {}): Case {
  return {
    id: 'one',
    title: 'one thing',
    rule: 'It holds.',
    where: 'proto/README.md, Order',
    needs: [],
    run,
    ...changes,
  };
}

const PASSES = oneCase(async ({ worker }) => {
  await worker.ping({});
});

/** A runner over memory workers, which counts how many it started; `workers` at most. */
function runnerOf(options: Partial<ContractOptions> = {}, workers = Number.POSITIVE_INFINITY) {
  const started: ReturnType<typeof createMemoryWorker>[] = [];
  const runner = new ContractRunner({
    async start() {
      if (started.length >= workers) throw new WorkerStartError('worker_start_failed', 'there is no other');
      const worker = createMemoryWorker();
      started.push(worker);
      return { worker, requester: worker.requester };
    },
    source: 'memory:runner',
    tolerance: 1e-6,
    learningRate: 0.05,
    ...options,
  });
  runners.push(runner);
  return { runner, started };
}

function failureOf(outcome: Outcome) {
  if (outcome.status !== 'failed') throw new Error(`it ${outcome.status}`);
  return outcome.failure;
}

describe('a case', () => {
  test('that holds passes, with its time', async () => {
    const { runner, started } = runnerOf();
    expect(await runner.run(PASSES)).toEqual({ status: 'passed', seconds: expect.any(Number) });
    await runner.run(PASSES);
    expect(started).toHaveLength(1);
  });

  test('that does not hold says what was sent, expected and came back', async () => {
    const { runner, started } = runnerOf();
    const failing = oneCase(async ({ worker, load }) => {
      await load();
      await promise.fails('an unknown model', worker.unloadModel({ modelId: 'nobody' }), 'unknown_model');
      promise.equal('the answer to cancel', await worker.cancel({ id: 99 }), { found: true });
    });
    expect(failureOf(await runner.run(failing))).toEqual({
      subject: 'the answer to cancel',
      expected: 'found = true',
      actual: 'found = false',
      sent: [
        'load_model {modelId: "one-0", source: "memory:runner", trainable: true, seed: 7} -> answered',
        expect.stringMatching(/^unload_model {modelId: "nobody"} -> unknown_model: /),
        'cancel {id: 99} -> answered',
      ],
    });
    await runner.run(PASSES);
    expect(started).toHaveLength(1);
  });

  test('whose call fails unexpectedly shows the code', async () => {
    const { runner } = runnerOf();
    const failing = oneCase(async ({ worker }) => {
      await worker.unloadModel({ modelId: 'nobody' });
    });
    const failure = failureOf(await runner.run(failing));
    expect(failure).toMatchObject({ expected: 'an answer', actual: expect.stringMatching(/^unknown_model: /) });
  });

  test('that trips over something shows where', async () => {
    const { runner } = runnerOf();
    const failing = oneCase(async () => {
      throw new TypeError('x is not a function');
    });
    expect(failureOf(await runner.run(failing)).details).toMatch(/runner\.test\.ts/);
  });

  test('has its models unloaded after it', async () => {
    const { runner } = runnerOf();
    let modelId = '';
    await runner.run(
      oneCase(async ({ load }) => {
        modelId = await load();
      }),
    );
    const after = oneCase(async ({ worker }) => {
      await promise.fails('the model of the case before', worker.unloadModel({ modelId }), 'unknown_model');
    });
    expect(await runner.run(after)).toMatchObject({ status: 'passed' });
  });

  test('has a folder that goes with the runner', async () => {
    const { runner } = runnerOf();
    let path = '';
    await runner.run(
      oneCase(async ({ folder }) => {
        path = folder;
        mkdirSync(folder);
      }),
    );
    await runner.close();
    expect(existsSync(path)).toBe(false);
  });
});

describe('a case that is left out', () => {
  test.each([
    ['by the caller', { skip: new Map([['one', 'no tokenizer yet']]) }, PASSES, 'no tokenizer yet'],
    [
      'for want of a process',
      {},
      { ...PASSES, needs: ['spawn'] as const },
      expect.stringMatching(/started for this case/),
    ],
  ])('%s', async (_, options, left, reason) => {
    expect(await runnerOf(options).runner.run(left)).toEqual({ status: 'skipped', reason });
  });

  test('for want of a capability', async () => {
    const worker = createMemoryWorker();
    const sampler = { ...worker, hello: { ...worker.hello, capabilities: ['sample' as const] } };
    const { runner } = runnerOf({ start: async () => ({ worker: sampler, requester: worker.requester }) });
    expect(await runner.run({ ...PASSES, needs: ['sample', 'train'] })).toEqual({
      status: 'skipped',
      reason: 'it offers no `train`',
    });
    expect(await runner.run({ ...PASSES, needs: ['sample'] })).toMatchObject({ status: 'passed' });
  });
});

describe('a worker that a case leaves', () => {
  const HANGS = oneCase(() => new Promise(() => {}));
  const SHUTS_DOWN = oneCase(async ({ worker }) => {
    await worker.shutdown({});
    await worker.ping({});
  });

  test('alive after a deadline goes on; nothing more of the late case reaches it', async () => {
    const { runner, started } = runnerOf({ deadline: 0.05 });
    let resume: () => void = () => {};
    let late: Promise<unknown> = Promise.resolve();
    const hanging = oneCase(async ({ worker }) => {
      await new Promise<void>((resolve) => {
        resume = resolve;
      });
      late = worker.ping({});
      await late;
    });
    const failure = failureOf(await runner.run(hanging));
    expect(failure).toMatchObject({ expected: 'an end within 0.05 s', actual: 'still going on' });
    expect(await runner.run(PASSES)).toMatchObject({ status: 'passed' });
    resume();
    await new Promise((resolve) => setImmediate(resolve));
    await expect(late).rejects.toThrow('the case is over');
    expect(started).toHaveLength(1);
  });

  test('busy is told to stop, and goes on', async () => {
    const { runner, started } = runnerOf({ deadline: 0.1 });
    const endless = oneCase(async ({ worker, load }) => {
      const conversations = [{ messages: [{ role: 'user', content: '1' } as const] }];
      const sampling = { temperature: 1, topP: 1, topK: 0, maxTokens: 1 };
      await worker.sample({ modelId: await load(), conversations, seeds: Uint32Array.of(1), n: 1e6, sampling });
    });
    expect(failureOf(await runner.run(endless)).actual).toBe('no answer to sample');
    expect(await runner.run(PASSES)).toMatchObject({ status: 'passed' });
    expect(started).toHaveLength(1);
  });

  test('silent is replaced by a new one', async () => {
    const { runner, started } = runnerOf({
      deadline: 0.05,
      async start() {
        const worker = createMemoryWorker();
        started.push(worker);
        const dead = () => Promise.reject(new WorkerCallError('worker_gone', 'the worker ended with exit code 3'));
        const first = started.length === 1 ? { ...worker, ping: dead } : worker;
        return { worker: first, requester: worker.requester };
      },
    });
    expect(await runner.run(HANGS)).toMatchObject({ status: 'failed' });
    expect(await runner.run(PASSES)).toMatchObject({ status: 'passed' });
    expect(started).toHaveLength(2);
  });

  test('dead is replaced by a new one', async () => {
    const { runner, started } = runnerOf();
    expect(failureOf(await runner.run(SHUTS_DOWN)).actual).toMatch(/^worker_gone: /);
    expect(await runner.run(PASSES)).toMatchObject({ status: 'passed' });
    expect(started).toHaveLength(2);
  });

  test('dead where there is no other leaves the rest not run', async () => {
    const { runner } = runnerOf({}, 1);
    await runner.run(SHUTS_DOWN);
    const reason = 'the worker is gone: there is no other';
    expect(await runner.run(PASSES)).toEqual({ status: 'not_run', reason });
    expect(await runner.run(PASSES)).toEqual({ status: 'not_run', reason });
  });

  test('ended as the case says is no failure, and replaced when another case follows', async () => {
    const { runner, started } = runnerOf();
    const ends = oneCase(({ worker }) => worker.shutdown({}).then(() => {}), { ends: true });
    expect(await runner.run(ends)).toMatchObject({ status: 'passed' });
    expect(started).toHaveLength(1);
    expect(await runner.run(PASSES)).toMatchObject({ status: 'passed' });
    expect(started).toHaveLength(2);
  });
});

test('a worker that never starts is an error before any case', async () => {
  await expect(runnerOf({}, 0).runner.hello()).rejects.toMatchObject({ code: 'worker_start_failed' });
});

test('an abort ends the case that runs', async () => {
  const stop = new AbortController();
  const { runner } = runnerOf({ signal: stop.signal });
  const running = runner.run(oneCase(() => new Promise(() => {})));
  stop.abort();
  await expect(running).rejects.toMatchObject({ code: 'cancelled' });
});
