import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { packParams, packResult, unpackParams } from '../../../ts/worker/codec.ts';
import { Hub } from '../../../ts/worker/hub.ts';
import type { Patience, Session } from '../../../ts/worker/session.ts';
import { createTypedWorker } from '../../../ts/worker/typedWorker.ts';
import { deadlines } from '../../fixtures/deadlines.ts';
import { HandPeer, hangUpAll, hello } from '../../fixtures/handPeer.ts';

const PING = packParams('ping', {});
const PONG = packResult('ping', { busy: '', progress: 0 });
const SAMPLE = {
  modelId: 'm',
  conversations: [],
  n: 1,
  seeds: new Uint32Array(),
  sampling: { temperature: 1, topP: 1, topK: 0, maxTokens: 1 },
};

let hub: Hub | undefined;

afterEach(() => {
  hangUpAll();
  hub?.close();
});

/** A hub with one worker, played by hand. */
async function meet(patience: Partial<Patience> = {}): Promise<{ endpoint: string; session: Session; peer: HandPeer }> {
  hub = await Hub.bind({ patience });
  const { endpoint } = hub;
  const joined = new Promise<Session>((onJoin) => hub?.invite('secret', { single: true, onJoin }));
  const peer = await HandPeer.welcomed(endpoint);
  return { endpoint, session: await joined, peer };
}

/** Resolves when the session has noticed that its connection is gone. */
async function away(session: Session): Promise<void> {
  while (session.connected) {
    await new Promise<void>((resolve) => {
      session.onConnection = () => resolve();
    });
  }
}

/** Resolves when the worker has answered a ping: what it sent before has been heard by then. */
async function pong(session: Session, peer: HandPeer): Promise<void> {
  const call = session.request('ping', PING);
  await peer.send({ kind: 'Response', id: (await peer.request()).id, result: PONG });
  await call;
}

describe('requests', () => {
  test('are answered by id, in any order', async () => {
    const { session, peer } = await meet();
    const calls = [session.request('ping', PING), session.request('ping', PING)];
    const [first, second] = [await peer.request(), await peer.request()];
    expect(second.id).toBeGreaterThan(first.id);
    const later = packResult('ping', { busy: 'sample', progress: 1 });
    await peer.send({ kind: 'Response', id: second.id, result: later });
    await peer.send({ kind: 'Response', id: first.id, result: PONG });
    expect((await Promise.all(calls)).map((bytes) => Buffer.from(bytes))).toEqual([PONG, later]);
  });

  test('a failure carries its code, message and details', async () => {
    const { session, peer } = await meet();
    const call = session.request('ping', PING);
    const { id } = await peer.request();
    const error = { code: 'internal', message: 'a bug', details: 'Traceback' } as const;
    await peer.send({ kind: 'Failure', id, error });
    await expect(call).rejects.toMatchObject({ name: 'WorkerCallError', ...error });
  });

  test('as many as there are may be under one signal, and Node.js does not warn', async () => {
    const { session, peer } = await meet();
    const { signal } = new AbortController();
    const warned: string[] = [];
    const onWarning = ({ name }: Error): number => warned.push(name);
    process.on('warning', onWarning);
    const params = packParams('forward', {
      modelId: 'm',
      tokens: Int32Array.of(5),
      lengths: Int32Array.of(1),
      temperature: 1,
    });
    const calls = Array.from({ length: 20 }, () => session.request('forward', params, { signal, cancellable: true }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    const result = packResult('forward', { logprobs: Float32Array.of(0) });
    for (const _ of calls) await peer.send({ kind: 'Response', id: (await peer.request()).id, result });
    await Promise.all(calls);
    process.off('warning', onWarning);
    expect(warned).toEqual([]);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('an answer from a stranger is no answer', async () => {
    const { session, peer, endpoint } = await meet();
    const call = session.request('ping', PING);
    const { id } = await peer.request();
    const stranger = new HandPeer(endpoint);
    await stranger.send({ kind: 'Failure', id, error: { code: 'internal', message: 'forged' } });
    await stranger.send(hello({ instanceId: 'another' }));
    expect((await stranger.receive()).kind).toBe('Refusal'); // by now the forged answer was seen
    await peer.send({ kind: 'Response', id, result: PONG });
    expect(Buffer.from(await call)).toEqual(PONG);
  });

  test('the first error that ends the session stands for all that follow', async () => {
    const { session } = await meet();
    const call = session.request('ping', PING);
    hub?.close();
    for (const one of [call, session.request('ping', PING)]) {
      await expect(one).rejects.toMatchObject({ code: 'worker_gone', message: expect.stringMatching(/closed/) });
    }
  });
});

describe('a worker that hangs up', () => {
  test('and does not come back is lost, though nothing was asked of it', async () => {
    const { session, peer } = await meet({ reconnect: 50 });
    peer.hangUp();
    expect(await session.gone).toMatchObject({
      code: 'worker_gone',
      message: expect.stringMatching(/^the worker test is given up: its connection was lost/),
    });
  });

  test('and comes back is asked again what it had not answered, and each answer is given once', async () => {
    const { session, peer, endpoint } = await meet();
    const calls = [1, 2].map(() => session.request('sample', packParams('sample', SAMPLE)));
    const [first, second] = [await peer.request(), await peer.request()];
    await peer.send({ kind: 'Response', id: first.id, result: PONG });
    await calls[0];
    peer.hangUp();

    const back = await HandPeer.welcomed(endpoint);
    const again = await back.request();
    expect(again.params).toEqual(second.params);
    expect(again.id).toBeGreaterThan(second.id);
    // What the old connection still had to say belongs to nobody.
    await back.send({ kind: 'Response', id: second.id, result: PING });
    await back.send({ kind: 'Response', id: again.id, result: PONG });
    expect(Buffer.from((await calls[1]) as Uint8Array)).toEqual(PONG);
    expect(session.dropped).toBe(1);
  });

  test('is not asked twice for what cannot be repeated', async () => {
    const { session, peer, endpoint } = await meet();
    const call = expect(session.request('save_checkpoint', PING)).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringMatching(/save_checkpoint, which cannot be asked for twice/),
    });
    await peer.request();
    peer.hangUp();
    await HandPeer.welcomed(endpoint);
    await call;
  });

  test('gets a request that was made while it was away', async () => {
    const { session, peer, endpoint } = await meet();
    peer.hangUp();
    await away(session);
    const call = session.request('sample', PING);
    const back = await HandPeer.welcomed(endpoint);
    let request = await back.request();
    while (request.verb === 'ping') request = await back.request(); // whether it was there was asked before
    await back.send({ kind: 'Response', id: request.id, result: PONG });
    await call;
  });

  test('after it was told to stop is gone, and nobody waits for it', async () => {
    const { session, peer } = await meet();
    const call = session.request('shutdown', PING);
    await peer.send({ kind: 'Response', id: (await peer.request()).id, result: PONG });
    await call;
    peer.hangUp();
    expect(await session.gone).toMatchObject({ code: 'worker_gone', message: expect.stringMatching(/told to/) });
  });

  test('leaves its neighbour in peace', async () => {
    const { session, peer, endpoint } = await meet({ reconnect: 1 });
    const stranger = new HandPeer(endpoint);
    await stranger.send(hello({ instanceId: 'another' }));
    await stranger.receive();
    stranger.hangUp();
    // Asked whether it is still there, the worker answers, and goes on.
    const { id } = await peer.request();
    await peer.send({ kind: 'Response', id, result: PONG });
    const call = session.request('ping', PING);
    await peer.send({ kind: 'Response', id: (await peer.request()).id, result: PONG });
    await call;
  });
});

describe('heartbeats', () => {
  const beat = { kind: 'Heartbeat', queued: 0 } as const;

  test('say what the worker does', async () => {
    const { session, peer } = await meet();
    await peer.send({ ...beat, busy: 'sample', queued: 2, progress: 7 });
    const call = session.request('ping', PING);
    await peer.send({ kind: 'Response', id: (await peer.request()).id, result: PONG });
    await call;
    expect(session.vitals).toEqual({ busy: 'sample', queued: 2, progress: 7, heartbeats: 1 });
    expect(session.dropped).toBe(0);
  });

  test('that stay away end the session', async () => {
    const { session } = await meet({ heartbeat: 10, silence: 50, reconnect: 50 });
    expect(await session.gone).toMatchObject({ message: expect.stringMatching(/it sent nothing for 0\.05 s/) });
  });

  test('that stay away count as a lost connection, and the first that comes as its return', async () => {
    const { session, peer } = await meet({ heartbeat: 60_000, silence: 1_000 });
    const told: boolean[] = [];
    session.onConnection = (connected) => told.push(connected);
    for (const seconds of [0.5, 2, 4]) session.check(performance.now() + 1000 * seconds);
    expect([told, session.connected]).toEqual([[false], false]);
    await pong(session, peer);
    expect([told, session.connected]).toEqual([[false, true], true]);
  });

  test('that go on while the work stands still end it too', async () => {
    const { session, peer } = await meet({ heartbeat: 10, deadlines: deadlines(100) });
    const beating = setInterval(() => void peer.send({ ...beat, busy: 'sample', progress: 3 }).catch(() => {}), 10);
    const end = await session.gone;
    clearInterval(beating);
    expect(end.message).toMatch(/its sample made no progress for 0\.1 s/);
  });

  test.each([
    ['load_model', 'load'],
    ['sample', 'sample'],
    ['optim_step', 'train'],
    ['save_checkpoint', 'save'],
  ] as const)('of a worker stuck in %s end it after the deadline to %s, and not before', async (busy, phase) => {
    const { session, peer } = await meet({ heartbeat: 60_000, deadlines: { ...deadlines(9e6), [phase]: 1_000_000 } });
    await peer.send({ ...beat, busy, progress: 3 });
    await pong(session, peer);
    session.check(performance.now() + 999_000 - 60_000);
    await pong(session, peer); // which is no progress
    session.excuse(-600_000);
    session.check(performance.now() + 500_000);
    expect((await session.gone).message).toMatch(`its ${busy} made no progress for 1000 s`);
  });

  test('of a worker whose counter moves in a long verb are enough', async () => {
    const { session, peer } = await meet({ heartbeat: 60_000, silence: 9e6, deadlines: deadlines(100_000) });
    for (const progress of [3, 4, 5]) {
      session.excuse(-90_000);
      await peer.send({ ...beat, busy: 'load_model', progress });
      await pong(session, peer);
      session.check(performance.now());
    }
    expect(session.connected).toBe(true);
  });

  test('of a worker that was asked for something and does nothing end it too', async () => {
    const { session, peer } = await meet({ heartbeat: 10, deadlines: deadlines(100) });
    const call = expect(session.request('sample', PING)).rejects.toMatchObject({
      message: expect.stringMatching(/it was asked for sample and did nothing for 0\.1 s/),
    });
    const beating = setInterval(() => void peer.send({ ...beat, busy: '', progress: 3 }).catch(() => {}), 10);
    await call;
    clearInterval(beating);
  });

  test('of a worker that nothing is asked of may go on for ever', async () => {
    const { session, peer } = await meet({ deadlines: deadlines(100) });
    await peer.send({ ...beat, busy: '', progress: 3 });
    session.excuse(-1_000); // nothing has moved for a second
    session.check(performance.now());
    const call = session.request('ping', PING);
    session.check(performance.now());
    await peer.send({ kind: 'Response', id: (await peer.request()).id, result: PONG });
    await call;
  });

  test('a pause of our own is not held against a worker', async () => {
    const { session, peer } = await meet({ silence: 100, reconnect: 0 });
    session.excuse(10_000);
    session.check(performance.now() + 10_000);
    // A worker that was given up would not be asked any more: an answer shows that this one was not.
    const call = session.request('ping', PING);
    await peer.send({ kind: 'Response', id: (await peer.request()).id, result: PONG });
    await call;
    expect(session.connected).toBe(true);
  });
});

test('a worker that is given up by its owner is gone, and what it was asked fails so', async () => {
  const { session, peer } = await meet();
  const call = expect(session.request('load_model', PING)).rejects.toMatchObject({ code: 'worker_gone' });
  await peer.request();
  session.giveUp('it took too long');
  await call;
  expect((await session.gone).message).toMatch(/is given up: it took too long$/);
});

describe('a worker that sends', () => {
  test('bytes that are no message is given up', async () => {
    const { session, peer } = await meet();
    await peer.socket.send(Buffer.of(0xc1));
    expect(await session.gone).toMatchObject({ message: expect.stringMatching(/no protocol message/) });
  });

  test('answers nobody asked for is given up after ten thousand', async () => {
    const { session, peer } = await meet();
    for (let id = 0; id <= 10_000; id++) await peer.send({ kind: 'Response', id: 2 ** 40 + id, result: PONG });
    expect(await session.gone).toMatchObject({ message: expect.stringMatching(/messages nobody asked for/) });
  });
});

test('no more than a window of bytes is under way; the rest waits its turn, here', async () => {
  const { session, peer } = await meet();
  const large = new Uint8Array(2 ** 27 + 1);
  const calls = [1, 2].map(() => session.request('sample', large));
  const first = await peer.request();
  // A control request is not held up.
  const ping = session.request('ping', PING);
  const second = await peer.request();
  expect(second.verb).toBe('ping');
  await peer.send({ kind: 'Response', id: second.id, result: PONG });
  await ping;
  await peer.send({ kind: 'Response', id: first.id, result: PONG });
  const third = await peer.request();
  expect(third.verb).toBe('sample');
  await peer.send({ kind: 'Response', id: third.id, result: PONG });
  await Promise.all(calls);
});

test('whoever waits for room hears of the end of the session', async () => {
  const { session } = await meet();
  const large = new Uint8Array(2 ** 27);
  const calls = Array.from({ length: 7 }, () => session.request('sample', large));
  const answers = Promise.all(calls.map((call) => expect(call).rejects.toMatchObject({ code: 'worker_gone' })));
  hub?.close();
  await answers;
});

describe('an abort', () => {
  test('of a verb that can be cancelled is passed on; the call rejects when the worker has answered', async () => {
    const { session, peer } = await meet();
    const worker = createTypedWorker(session, session.hello, async () => {});
    const stop = new AbortController();
    const call = worker.sample(SAMPLE, { signal: stop.signal });
    const sample = await peer.request();
    stop.abort();
    const cancel = await peer.request();
    expect(cancel.verb).toBe('cancel');
    expect(unpackParams('cancel', cancel.params)).toEqual({ id: sample.id });
    const error = { code: 'cancelled', message: 'cancelled by the caller' } as const;
    await peer.send({ kind: 'Failure', id: sample.id, error });
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('that crosses the answer rejects too', async () => {
    const { session, peer } = await meet();
    const stop = new AbortController();
    const call = session.request('sample', PING, { signal: stop.signal, cancellable: true });
    const { id } = await peer.request();
    stop.abort();
    await peer.send({ kind: 'Response', id, result: PONG });
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('of a gradient step waits for its answer: it is made or not made', async () => {
    const { session, peer } = await meet();
    const worker = createTypedWorker(session, session.hello, async () => {});
    const stop = new AbortController();
    const adam = {
      learningRate: 1,
      beta1: 0,
      beta2: 0,
      epsilon: 1,
      weightDecay: 0,
      decayVectors: true,
      maxGradNorm: 0,
    };
    const call = worker.optimStep({ modelId: 'm', seq: 0, adam }, { signal: stop.signal });
    const { id } = await peer.request();
    stop.abort();
    await peer.send({ kind: 'Response', id, result: packResult('optim_step', { gradNorm: 2 }) });
    expect(await call).toEqual({ gradNorm: 2 });
  });

  test('while the worker is away ends the call at once', async () => {
    const { session, peer } = await meet();
    peer.hangUp();
    await away(session);
    const stop = new AbortController();
    const call = session.request('sample', PING, { signal: stop.signal, cancellable: true });
    stop.abort();
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
  });
});
