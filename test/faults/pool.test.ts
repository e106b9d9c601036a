import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { adam, LOSS, sampleParams, sequencesOf, trainBatch, userTurns } from '../../ts/contract/requests.ts';
import type { SampleBatch } from '../../ts/protocol/generated.ts';
import { Pool } from '../../ts/worker/pool/pool.ts';
import type { Patience, Session } from '../../ts/worker/session.ts';
import { deadlines } from '../fixtures/deadlines.ts';
import { inRequests } from '../fixtures/inRequests.ts';
import { Line } from '../fixtures/line.ts';
import { Neighbourhood } from '../fixtures/neighbours.ts';
import { workerFixture } from '../fixtures/python.ts';

// Less than a worker is given by default: what ends in time ended by the patience of the test.
jest.setTimeout(20_000);

const PROMPTS = Array.from({ length: 12 }, (_, index) => `${index}+${index}`);
const ASKED = sampleParams('m', { conversations: userTurns(...PROMPTS), n: 50 });
const SAMPLES = PROMPTS.length * 50;
const REAL = ['-m', 'rzero_worker'];

let folder: string;
let place: Neighbourhood;
let pool: Pool;
let said: string[];
let onSaid: () => void;
/** What one undisturbed worker samples after the same training. */
let expected: SampleBatch;

function hear(text: string): void {
  said.push(text);
  onSaid();
}

async function open(patience: Partial<Patience> = {}): Promise<void> {
  place = await Neighbourhood.open(patience);
  said = [];
  onSaid = () => {};
  const options = { exchange: join(folder, 'exchange'), expectsMore: () => true };
  pool = new Pool({ ...options, onChange: hear }, async () => {});
}

/** One gradient step and its publication, by whoever is there. */
async function train(): Promise<void> {
  await pool.loadModel({ modelId: 'm', source: 'mock://babble', trainable: true, seed: 3 });
  const batch = trainBatch(sequencesOf(await pool.sample(sampleParams('m'))), [1, -1, 1]);
  await pool.forwardBackward({ modelId: 'm', seq: 0, batch, loss: LOSS, normalizer: 1 });
  await pool.optimStep({ modelId: 'm', seq: 1, adam: adam(0.5) });
  expect((await pool.publishWeights({ modelId: 'm' })).weightsVersion).toBe(1);
}

/** Two workers that are well, one of which has trained. */
async function openWell(patience: Partial<Patience> = {}): Promise<void> {
  await open(patience);
  for (const { session } of await Promise.all([place.hire(), place.hire()])) pool.add(session);
  await train();
}

/** Resolves when the pool has told of something like it. */
async function untilSaid(pattern: RegExp): Promise<void> {
  while (!said.some((text) => pattern.test(text))) {
    await new Promise<void>((resolve) => {
      onSaid = resolve;
    });
  }
}

async function close(): Promise<void> {
  await pool.close();
  await place.close();
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-faults-'));
  await open();
  pool.add((await place.hire()).session);
  await train();
  expected = await inRequests(pool, 100).sample(ASKED);
  expect(expected.texts).toHaveLength(SAMPLES);
  await close();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-faults-'));
});

afterEach(async () => {
  await close();
  rmSync(folder, { recursive: true, force: true });
});

describe('among workers that are well, one that', () => {
  test.each([
    ['dies in the midst', 'dies_in_sample', /ended with exit code 3; it last printed: fatal: out of luck/],
    ['answers with garbage', 'garbage_in_sample', /it sent what is no protocol message/],
    ['says that it stands still', 'stalls_in_sample', /its sample made no progress for 1 s/],
  ])('%s is gone, and its samples are drawn by the others', async (_, name, reason) => {
    await openWell({ heartbeat: 100, deadlines: deadlines(1_000) });
    const { session, process } = await place.fixture(name);
    pool.add(session);
    expect(await inRequests(pool, 100).sample(ASKED)).toEqual(expected);
    // Its share was given to others as soon as its connection was lost; that it will not be back shows later.
    await untilSaid(/^fixture is gone, 2 left/);
    expect(await session.gone).toMatchObject({ code: 'worker_gone', message: expect.stringMatching(reason) });
    await process.ended;
  });

  test('comes back with old weights has none of its samples taken', async () => {
    await openWell();
    const { session } = await place.fixture('comes_back_stale instance');
    pool.add(session);
    expect(await inRequests(pool, 100).sample(ASKED)).toEqual(expected);
    // While it was away others may have drawn all; sooner or later it is asked again.
    const stale = 'fixture does not hold the current weights of m: it gets them again';
    while (!said.includes(stale)) expect(await inRequests(pool, 100).sample(ASKED)).toEqual(expected);
    expect(session.connected).toBe(true);
  });

  test('comes back as another process of the same name, with old weights, has none of its samples taken', async () => {
    await openWell({ reconnect: 300 });
    const joined = inviteToPool();
    await place.dialIn('door', [...workerFixture('comes_back_stale'), 'process']);
    await joined(1);
    // The first time it is the old process that is asked, the second time the new one.
    expect(await inRequests(pool, 100).sample(ASKED)).toEqual(expected);
    await joined(2);
    expect(await inRequests(pool, 100).sample(ASKED)).toEqual(expected);
    expect(said.filter((text) => text.startsWith('fixture joined'))).toHaveLength(2);
    const stale = 'fixture does not hold the current weights of m: it gets them again';
    while (!said.includes(stale)) expect(await inRequests(pool, 100).sample(ASKED)).toEqual(expected);
    await untilSaid(/^fixture is gone, 3 left.*its connection was lost/);
  });

  test('is killed and started again under its name has its samples drawn again, and goes on', async () => {
    await openWell({ reconnect: 300 });
    const joined = inviteToPool();
    const program = [...REAL, '--worker-id', 'phoenix'];
    const first = await place.dialIn('door', program);
    await joined(1);
    let second: Promise<unknown> | undefined;
    const onProgress = (): void => {
      first.kill('SIGKILL');
      second ??= place.dialIn('door', program);
    };
    expect(await inRequests(pool, 100).sample(ASKED, { onProgress })).toEqual(expected);
    await second;
    const [, phoenix] = await joined(2);
    expect(phoenix?.hello.workerId).toBe('phoenix');
    expect(await inRequests(pool, 100).sample(ASKED)).toEqual(expected);
  });
});

test('one that is ten times slower than the others is told of once, kept, and holds nobody up', async () => {
  await openWell();
  const { session } = await place.hire({ program: [...REAL, '--worker-id', 'lame', '--fault', 'slow@sample:1'] });
  pool.add(session);
  const drawn = inRequests(pool, 50);
  while (!said.some((text) => text.includes('slow'))) expect(await drawn.sample(ASKED)).toEqual(expected);
  // It needs a second at least for whatever it has: who is done sooner had that from somebody else.
  for (let seconds = 1; seconds >= 1; ) {
    const began = performance.now();
    expect(await drawn.sample(ASKED)).toEqual(expected);
    seconds = (performance.now() - began) / 1000;
  }
  expect(said.filter((text) => text.startsWith('lame')).slice(1)).toEqual([
    expect.stringMatching(/^lame draws \S+ tokens\/s of a sample, the others \S+: it is slow$/),
  ]);
  expect(pool.size).toBe(3);
});

test('over a line that goes dead (half open), a worker is missed by its silence, and what it had is drawn by others', async () => {
  await openWell({ heartbeat: 50, silence: 300, reconnect: 100 });
  const line = await Line.to(place.hub.endpoint);
  try {
    const joined = inviteToPool();
    await place.dialIn('door', [...REAL, '--worker-id', 'remote'], line.endpoint);
    const [session] = await joined(1);
    let isFrozen = false;
    const onProgress = (): void => {
      if (!isFrozen) line.freeze();
      isFrozen = true;
    };
    expect(await inRequests(pool, 25).sample(ASKED, { onProgress })).toEqual(expected);
    await untilSaid(/^remote is gone, 2 left: the worker remote is given up: it sent nothing for 0\.3 s/);
    expect(session?.connected).toBe(false);
  } finally {
    await line.close();
  }
});

test('over a line that breaks again and again all work is done, once', async () => {
  await open();
  const line = await Line.to(place.hub.endpoint);
  try {
    const joined = inviteToPool();
    await place.dialIn('door', REAL, line.endpoint);
    const [session] = await joined(1);
    await train();
    let cuts = 0;
    const onProgress = ({ done }: { done: number }): void => {
      // Three times: a request that is lost a fourth time is given up, and one may be there at every cut.
      if (cuts === 3 || done < ((cuts + 1) * SAMPLES) / 4) return;
      cuts += 1;
      line.cut();
    };
    expect(await inRequests(pool, 100).sample(ASKED, { onProgress })).toEqual(expected);
    expect(cuts).toBe(3);
    expect(await joined(1)).toEqual([session]);
  } finally {
    await line.close();
  }
});

/** Let whoever knows the token `door` into the pool; the function waits until so many have come. */
function inviteToPool(): (count: number) => Promise<Session[]> {
  const sessions: Session[] = [];
  let news = (): void => {};
  place.hub.invite('door', {
    single: false,
    onJoin(session) {
      sessions.push(session);
      pool.add(session);
      news();
    },
  });
  return async (count) => {
    while (sessions.length < count) {
      await new Promise<void>((resolve) => {
        news = resolve;
      });
    }
    return sessions;
  };
}
