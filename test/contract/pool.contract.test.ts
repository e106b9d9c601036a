import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import type { Target } from '../../ts/contract/context.ts';
import type { Worker } from '../../ts/ports/worker.ts';
import { VERBS, type Verb, type VerbTypes } from '../../ts/protocol/generated.ts';
import { ProtocolError } from '../../ts/protocol/primitives.ts';
import { packResult, unpackParams } from '../../ts/worker/codec.ts';
import { WorkerCallError } from '../../ts/worker/errors.ts';
import { Pool } from '../../ts/worker/pool/pool.ts';
import { postsByCount } from '../../ts/worker/post.ts';
import { startWorkers } from '../../ts/worker/startWorkers.ts';
import type { Requester } from '../../ts/worker/typedWorker.ts';
import { inRequests } from '../fixtures/inRequests.ts';
import { python } from '../fixtures/python.ts';
import { TestRecruit } from '../fixtures/recruit.ts';
import { runContract } from './jest.ts';

/** So few that nearly every call is several requests, as the loop makes them. */
const REQUEST_SAMPLES = 4;

const folder = mkdtempSync(join(tmpdir(), 'rzero-pools-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let exchanges = 0;

/** Packed requests to a pool, which takes none itself. */
function requesterOf(pool: Worker): Requester {
  return {
    async request(verb, params, options) {
      if (!Object.hasOwn(VERBS, verb)) throw new WorkerCallError('invalid_request', `verb: there is no ${verb}`);
      return call(pool, verb as Verb, params, options);
    },
  };
}

async function call<V extends Verb>(
  pool: Worker,
  verb: V,
  bytes: Uint8Array,
  options: Parameters<Requester['request']>[2],
): Promise<Uint8Array> {
  const params = unpack(verb, bytes);
  const method = pool[VERBS[verb].method] as (
    given: typeof params,
    options: Parameters<Requester['request']>[2],
  ) => Promise<VerbTypes[V]['result']>;
  return packResult(verb, await method.call(pool, params, options));
}

function unpack<V extends Verb>(verb: V, bytes: Uint8Array): VerbTypes[V]['params'] {
  try {
    return unpackParams(verb, bytes);
  } catch (error) {
    if (error instanceof ProtocolError) throw new WorkerCallError('invalid_request', error.message);
    throw error;
  }
}

function targetOf(pool: Pool): Target {
  const worker = inRequests(pool, REQUEST_SAMPLES);
  return { worker, requester: requesterOf(worker) };
}

runContract('a pool of three workers in memory', {
  async start() {
    exchanges += 1;
    const exchange = join(folder, `exchange-${exchanges}`);
    const pool = new Pool({ exchange }, async () => {});
    for (const name of ['a', 'b', 'c']) pool.add(new TestRecruit(name));
    return targetOf(pool);
  },
  source: 'memory:contract',
  // As of one such worker.
  tolerance: 1e-6,
  learningRate: 0.05,
  skip: new Map([['ping-during-forward_backward', 'they compute gradients in one go, in the thread of their caller']]),
});

runContract('a pool of two mock processes behind one hub', {
  async start() {
    const pool = await startWorkers({
      python: python(),
      backend: 'mock',
      threads: 1,
      posts: postsByCount(2),
      sharedFolder: folder,
    });
    return targetOf(pool);
  },
  source: 'mock://babble',
  tolerance: 1e-5,
  learningRate: 0.05,
});
