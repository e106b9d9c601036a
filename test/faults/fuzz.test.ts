import { isDeepStrictEqual } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { type Envelope, PROTOCOL_HASH } from '../../ts/protocol/generated.ts';
import { ProtocolError } from '../../ts/protocol/primitives.ts';
import { packEnvelope, packResult, peekHello, unpackEnvelope } from '../../ts/worker/codec.ts';
import { WorkerCallError } from '../../ts/worker/errors.ts';
import { Hub } from '../../ts/worker/hub.ts';
import type { Session } from '../../ts/worker/session.ts';
import { createTypedWorker } from '../../ts/worker/typedWorker.ts';
import { HandPeer, hangUpAll, hello } from '../fixtures/handPeer.ts';
import { mutants } from '../fixtures/mutate.ts';

const SEED = 1;
const FRAMES = 20_000;
const MOST_GROWTH = 64 * 2 ** 20;

jest.setTimeout(60_000);

/** The next frames of the seed. */
function take(frames: Generator<Buffer>, count: number): Buffer[] {
  return Array.from({ length: count }, () => frames.next().value as Buffer);
}

function label(frame: Uint8Array, index: number): string {
  return `seed ${SEED}, frame ${index}: ${Buffer.from(frame).toString('hex')}`;
}

/** What a frame is to the hub: a Hello that lets its sender in or not, a message, or nonsense. */
function judge(frame: Buffer): 'welcome' | 'refused' | 'message' | 'nonsense' {
  try {
    const claim = peekHello(frame);
    if (claim === undefined) return unpackEnvelope(frame) && 'message';
    if (claim.token !== 'secret' || claim.protocolHash !== PROTOCOL_HASH) return 'refused';
    return unpackEnvelope(frame) && 'welcome';
  } catch {
    return 'nonsense';
  }
}

test('unpacking gives an envelope that packs to an equal one, or a ProtocolError', () => {
  const seen = { accepted: 0, refused: 0 };
  take(mutants(SEED), FRAMES).forEach((frame, index) => {
    let envelope: Envelope;
    try {
      envelope = unpackEnvelope(frame);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw new Error(label(frame, index), { cause: error });
      seen.refused += 1;
      return;
    }
    seen.accepted += 1;
    if (!isDeepStrictEqual(unpackEnvelope(packEnvelope(envelope)), envelope)) throw new Error(label(frame, index));
  });
  expect(seen.accepted).toBeGreaterThan(FRAMES / 10);
  expect(seen.refused).toBeGreaterThan(FRAMES / 2);
});

let hub: Hub;
let joined: (session: Session) => void;

beforeEach(async () => {
  hub = await Hub.bind();
  joined = () => {};
  hub.invite('secret', { single: false, onJoin: (session) => joined(session) });
});

afterEach(() => {
  hangUpAll();
  hub.close();
});

/** Let a worker in and have it answer: the hub does what it is there for. */
async function serves(instanceId: string): Promise<void> {
  const session = new Promise<Session>((resolve) => {
    joined = (one) => one.hello.instanceId === instanceId && resolve(one);
  });
  const peer = await HandPeer.welcomed(hub.endpoint, { instanceId });
  const worker = createTypedWorker(await session, (await session).hello, async () => {});
  const answer = worker.ping({});
  const pong = { busy: '', progress: 7 };
  await peer.send({ kind: 'Response', id: (await peer.request()).id, result: packResult('ping', pong) });
  expect(await answer).toEqual(pong);
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function memory(): number {
  collect();
  return process.memoryUsage().rss;
}

test('strangers that send anything are turned away, one frame or several at a time, and cost no memory', async () => {
  joined = () => {};
  const frames = mutants(SEED + 1);
  const strangers = Array.from({ length: 4 }, () => new HandPeer(hub.endpoint));
  const send = async (count: number): Promise<void> => {
    for (const [index, frame] of take(frames, count).entries()) {
      const [one, another] = [strangers[index % 4] as HandPeer, Buffer.from('another')];
      // Who is let in is no stranger any more.
      if (judge(frame) !== 'welcome') await one.socket.send(index % 9 === 0 ? [frame, another] : frame);
    }
  };
  await send(FRAMES / 10);
  await serves('well');
  const before = memory();
  await send(FRAMES / 2);
  for (const stranger of strangers) {
    await stranger.send(hello({ instanceId: `${strangers.indexOf(stranger)}` }));
    // Behind refusals; all it sent before has been seen then.
    while ((await stranger.receive()).kind !== 'Welcome');
  }
  await serves('still well');
  expect(memory() - before).toBeLessThan(MOST_GROWTH);
  expect(hub.turnedAwayCount).toBeGreaterThan(FRAMES / 3);
});

/** A frame that was sent, and the instance of a worker it came from. */
interface Sent {
  frame: Buffer;
  index: number;
  instanceId: string;
}

/** Send frames, as a new instance whenever one frame has ended the last; resolves when all have been seen. */
async function misbehave(peer: HandPeer, name: string, frames: readonly Buffer[]): Promise<Sent[]> {
  const sent: Sent[] = [];
  let instanceId = `${name} 0`;
  await peer.send(hello({ instanceId }));
  for (const [index, frame] of frames.entries()) {
    if (index % 9 === 0) await peer.socket.send([frame, Buffer.from('another')]);
    await peer.socket.send(frame);
    sent.push({ frame, index, instanceId });
    if (['message', 'refused'].includes(judge(frame))) continue;
    instanceId = `${name} ${index + 1}`;
    await peer.send(hello({ instanceId }));
  }
  const seen = new Promise<void>((resolve) => {
    const onJoin = joined;
    joined = (session) => {
      onJoin(session);
      if (session.hello.instanceId === `${name} last`) resolve();
    };
  });
  await peer.send(hello({ instanceId: `${name} last` }));
  await seen;
  return sent;
}

test('a worker that sends anything is given up for nonsense alone; its calls end with a typed error', async () => {
  const ends = new Map<string, string>();
  const calls: Promise<unknown>[] = [];
  const codeOf = (error: unknown): string => (error instanceof WorkerCallError ? error.code : `untyped: ${error}`);
  joined = (session) => {
    const { instanceId } = session.hello;
    void session.gone.then((error) => ends.set(instanceId, `${codeOf(error)}: ${error.message}`));
    const call = createTypedWorker(session, session.hello, async () => {}).ping({});
    calls.push(call.then(() => 'answered', codeOf));
  };
  const peer = new HandPeer(hub.endpoint);
  const drained = (async () => {
    for await (const _ of peer.socket);
  })().catch((error: unknown) => {
    // What is being received when the socket is closed fails.
    if (!peer.socket.closed) throw error;
  });
  const frames = mutants(SEED + 2);
  await misbehave(peer, 'warm', take(frames, FRAMES / 10));
  const before = memory();
  const sent = await misbehave(peer, 'fuzz', take(frames, FRAMES / 2));
  await new Promise(setImmediate);
  for (const { frame, index, instanceId } of sent) {
    if (judge(frame) !== 'nonsense') continue;
    const end = ends.get(instanceId) ?? 'it is still there';
    if (!/^worker_gone: .* no protocol message/.test(end)) throw new Error(`${label(frame, index)}: ${end}`);
  }
  const nonsense = sent.filter(({ frame }) => judge(frame) === 'nonsense');
  expect([...ends.keys()].filter((key) => key.startsWith('fuzz'))).toHaveLength(nonsense.length);
  await serves('well');
  expect(memory() - before).toBeLessThan(MOST_GROWTH);

  hub.close();
  const outcomes = new Set(await Promise.all(calls));
  expect([...outcomes].sort()).toEqual(['answered', 'internal', 'worker_gone']);
  peer.hangUp();
  await drained;
});
