import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Dealer } from 'zeromq';
import { type Envelope, type Hello, PROTOCOL_HASH } from '../../../ts/protocol/generated.ts';
import { packEnvelope, packParams, packResult, unpackEnvelope, unpackParams } from '../../../ts/worker/codec.ts';
import { WorkerLink } from '../../../ts/worker/link.ts';
import { createTypedWorker } from '../../../ts/worker/typedWorker.ts';

const HELLO: Hello = {
  kind: 'Hello',
  protocolHash: PROTOCOL_HASH,
  token: 'secret',
  workerId: 'test',
  instanceId: 'test-1',
  backend: 'test',
  capabilities: ['sample'],
  losses: ['grpo'],
  versions: {},
  pid: 1,
};
const PING = packParams('ping', {});
const PONG = packResult('ping', { busy: '', progress: 0 });
const SAMPLE = { modelId: 'm', conversations: [], n: 1, seeds: new Uint32Array() };
const SAMPLING = { temperature: 1, topP: 1, topK: 0, maxTokens: 1 };

/** The other end, by hand. */
class Peer {
  readonly socket = new Dealer({ linger: 0, receiveTimeout: 5_000 });

  constructor(endpoint: string) {
    this.socket.connect(endpoint);
    peers.push(this);
  }

  send(envelope: Envelope): Promise<void> {
    return this.socket.send(packEnvelope(envelope));
  }

  async receive(): Promise<Envelope> {
    return unpackEnvelope((await this.socket.receive())[0] as Buffer);
  }

  async request(): Promise<Extract<Envelope, { kind: 'Request' }>> {
    const envelope = await this.receive();
    if (envelope.kind !== 'Request') throw new Error(`expected a Request, saw ${envelope.kind}`);
    return envelope;
  }
}

let link: WorkerLink;
let broken: { cause: string; reason: string }[];
let firstBreak: Promise<{ cause: string; reason: string }>;
let peers: Peer[];

beforeEach(async () => {
  broken = [];
  peers = [];
  let onBreak = (_: { cause: string; reason: string }): void => {};
  firstBreak = new Promise((resolve) => {
    onBreak = resolve;
  });
  link = await WorkerLink.bind({
    token: 'secret',
    onBroken: (cause, reason) => {
      broken.push({ cause, reason });
      onBreak({ cause, reason });
    },
  });
});

afterEach(() => {
  for (const { socket } of peers) socket.close();
  link.close();
});

async function welcomed(): Promise<Peer> {
  const peer = new Peer(link.endpoint);
  await peer.send(HELLO);
  expect(await peer.receive()).toEqual({ kind: 'Welcome', protocolHash: PROTOCOL_HASH, heartbeatSeconds: 2 });
  return peer;
}

describe('the handshake', () => {
  test('lets in whoever knows the token and speaks the protocol', async () => {
    await welcomed();
    expect(await link.connected).toEqual(HELLO);
  });

  test('a wrong token is refused without ending the wait for the right one', async () => {
    const stranger = new Peer(link.endpoint);
    await stranger.send({ ...HELLO, token: 'guess', protocolHash: 'other' });
    expect(await stranger.receive()).toMatchObject({ kind: 'Refusal', error: { code: 'unauthorized' } });
    expect(link.turnedAway).toMatch(/token/);
    await welcomed();
    await link.connected;
  });

  test('another protocol is refused, to both, with both hashes', async () => {
    const peer = new Peer(link.endpoint);
    await peer.send({ ...HELLO, protocolHash: 'other-hash' });
    const message = expect.stringMatching(new RegExp(`other-hash.*${PROTOCOL_HASH}`));
    expect(await peer.receive()).toMatchObject({ kind: 'Refusal', error: { code: 'unauthorized', message } });
    await expect(link.connected).rejects.toMatchObject({ code: 'unauthorized', message });
  });

  test('a second worker is refused, and a stranger answers nothing', async () => {
    const peer = await welcomed();
    const second = new Peer(link.endpoint);
    await second.send(HELLO);
    expect(await second.receive()).toMatchObject({
      kind: 'Refusal',
      error: { message: expect.stringMatching(/already/) },
    });

    const call = link.request('ping', PING);
    const { id } = await peer.request();
    await second.send({ kind: 'Failure', id, error: { code: 'internal', message: 'forged' } });
    await second.send(HELLO);
    await second.receive(); // by now the forged answer was seen
    await peer.send({ kind: 'Response', id, result: PONG });
    expect(Buffer.from(await call)).toEqual(PONG);
    expect(broken).toEqual([]);
  });

  test('a request before anybody is connected fails', async () => {
    await expect(link.request('ping', PING)).rejects.toMatchObject({ code: 'worker_gone' });
  });
});

describe('requests', () => {
  test('are answered by id, in any order', async () => {
    const peer = await welcomed();
    const calls = [link.request('ping', PING), link.request('ping', PING)];
    const [first, second] = [await peer.request(), await peer.request()];
    expect(second.id).toBeGreaterThan(first.id);
    const later = packResult('ping', { busy: 'sample', progress: 1 });
    await peer.send({ kind: 'Response', id: second.id, result: later });
    await peer.send({ kind: 'Response', id: first.id, result: PONG });
    expect((await Promise.all(calls)).map((bytes) => Buffer.from(bytes))).toEqual([PONG, later]);
  });

  test('a failure carries its code, message and details', async () => {
    const peer = await welcomed();
    const call = link.request('ping', PING);
    const { id } = await peer.request();
    const error = { code: 'internal', message: 'a bug', details: 'Traceback' } as const;
    await peer.send({ kind: 'Failure', id, error });
    await expect(call).rejects.toMatchObject({ name: 'WorkerCallError', ...error });
  });

  test('the first error that ends the link stands for all that follow', async () => {
    await welcomed();
    const call = link.request('ping', PING);
    link.close();
    for (const one of [call, link.request('ping', PING)]) {
      await expect(one).rejects.toMatchObject({ code: 'worker_gone', message: expect.stringMatching(/closed/) });
    }
  });

  test('a worker that hangs up breaks the link, though nothing was asked of it', async () => {
    const peer = await welcomed();
    peer.socket.close();
    expect(await firstBreak).toMatchObject({ cause: 'lost' });
    expect(broken).toHaveLength(1);
  });

  test('a stranger that hangs up breaks nothing', async () => {
    const peer = await welcomed();
    const stranger = new Peer(link.endpoint);
    await stranger.send(HELLO);
    await stranger.receive();
    stranger.socket.close();
    // Asked whether it is still there, the worker answers, and goes on.
    const { id } = await peer.request();
    await peer.send({ kind: 'Response', id, result: PONG });
    const call = link.request('ping', PING);
    await peer.send({ kind: 'Response', id: (await peer.request()).id, result: PONG });
    await call;
    expect(broken).toEqual([]);
  });
});

test('bytes that are no message break the link', async () => {
  const peer = await welcomed();
  await peer.socket.send(Buffer.of(0xc1));
  expect(await firstBreak).toMatchObject({ cause: 'nonsense', reason: expect.stringMatching(/no protocol message/) });
});

describe('an abort', () => {
  test('of a verb that can be cancelled is passed on; the call rejects when the worker has answered', async () => {
    const peer = await welcomed();
    const worker = createTypedWorker(link, HELLO, async () => {});
    const stop = new AbortController();
    const call = worker.sample({ ...SAMPLE, sampling: SAMPLING }, { signal: stop.signal });
    const sample = await peer.request();
    stop.abort();
    const cancel = await peer.request();
    expect(cancel.verb).toBe('cancel');
    expect(unpackParams('cancel', cancel.params)).toEqual({ id: sample.id });
    await peer.send({
      kind: 'Failure',
      id: sample.id,
      error: { code: 'cancelled', message: 'cancelled by the caller' },
    });
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('that crosses the answer rejects too', async () => {
    const peer = await welcomed();
    const stop = new AbortController();
    const call = link.request('sample', PING, { signal: stop.signal, cancellable: true });
    const { id } = await peer.request();
    stop.abort();
    await peer.send({ kind: 'Response', id, result: PONG });
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('of a gradient step waits for its answer: it is made or not made', async () => {
    const peer = await welcomed();
    const worker = createTypedWorker(link, HELLO, async () => {});
    const stop = new AbortController();
    const step = { learningRate: 1, beta1: 0, beta2: 0, epsilon: 1, weightDecay: 0, maxGradNorm: 0 };
    const call = worker.optimStep({ modelId: 'm', seq: 0, adam: step }, { signal: stop.signal });
    const { id } = await peer.request();
    stop.abort();
    await peer.send({ kind: 'Response', id, result: packResult('optim_step', { gradNorm: 2 }) });
    expect(await call).toEqual({ gradNorm: 2 });
  });
});
