import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { PROTOCOL_HASH } from '../../../ts/protocol/generated.ts';
import { pack, packParams, packResult } from '../../../ts/worker/codec.ts';
import type { WorkerStartError } from '../../../ts/worker/errors.ts';
import { Hub } from '../../../ts/worker/hub.ts';
import type { Session } from '../../../ts/worker/session.ts';
import { HandPeer, hangUpAll, hello } from '../../fixtures/handPeer.ts';

const PING = packParams('ping', {});
const PONG = packResult('ping', { busy: '', progress: 0 });

let hub: Hub;
let joined: Session[];
let refused: WorkerStartError[];

beforeEach(async () => {
  joined = [];
  refused = [];
  hub = await Hub.bind();
  const note = {
    onJoin: (one: Session) => joined.push(one),
    onRefused: (error: WorkerStartError) => refused.push(error),
  };
  hub.invite('secret', { single: true, ...note });
  hub.invite('open house', { single: false, ...note });
});

afterEach(() => {
  hangUpAll();
  hub.close();
});

/** A map that no codec would let out. */
function packed(message: object): Buffer {
  return pack({ encode: (value: object) => value, decode: () => message }, message);
}

function sendRaw(peer: HandPeer, message: object): Promise<void> {
  return peer.socket.send(packed(message));
}

test('lets in whoever knows a token and speaks the protocol, and says how often to send heartbeats', async () => {
  const peer = new HandPeer(hub.endpoint);
  await peer.send(hello());
  expect(await peer.receive()).toEqual({
    kind: 'Welcome',
    protocolHash: PROTOCOL_HASH,
    run: expect.stringMatching(/^[0-9a-f-]{36}$/),
    attempt: 1,
    heartbeatSeconds: 2,
  });
  expect(joined.map((session) => session.hello)).toEqual([hello()]);
});

test('a Welcome names the run and the attempt that the hub was bound for', async () => {
  const own = await Hub.bind({ run: 'run-7', attempt: 3 });
  own.invite('secret', { single: true, onJoin: () => {} });
  const peer = new HandPeer(own.endpoint);
  await peer.send(hello());
  expect(await peer.receive()).toMatchObject({ kind: 'Welcome', run: 'run-7', attempt: 3 });
  own.close();
});

test('a run or an attempt that no Welcome can name is refused at once', async () => {
  await expect(Hub.bind({ run: 'x'.repeat(65) })).rejects.toThrow(
    'Welcome.run: saw 65 bytes, allowed is 1 to 64 bytes',
  );
  await expect(Hub.bind({ attempt: -1 })).rejects.toThrow('Welcome.attempt: saw -1, allowed is 0 or more');
});

test('a wrong token is refused without a word about anything else, and the right one still gets in', async () => {
  const stranger = new HandPeer(hub.endpoint);
  await stranger.send(hello({ token: 'guess', protocolHash: 'other' }));
  expect(await stranger.receive()).toMatchObject({
    kind: 'Refusal',
    error: { code: 'unauthorized', message: expect.not.stringContaining(PROTOCOL_HASH) },
  });
  expect(hub.turnedAway).toMatch(/token/);
  expect(refused).toEqual([]);
  await HandPeer.welcomed(hub.endpoint);
});

test('another protocol is refused, to both, with both hashes', async () => {
  const peer = new HandPeer(hub.endpoint);
  await peer.send(hello({ protocolHash: 'other-hash' }));
  const message = expect.stringMatching(new RegExp(`other-hash.*${PROTOCOL_HASH}`));
  expect(await peer.receive()).toMatchObject({ kind: 'Refusal', error: { code: 'unauthorized', message } });
  expect(refused).toEqual([expect.objectContaining({ code: 'unauthorized', message })]);
});

test('a Hello of another version, with fields of its own, is refused by its hash', async () => {
  const peer = new HandPeer(hub.endpoint);
  await sendRaw(peer, { kind: 'Hello', protocolHash: 'v0', token: 'secret', mood: 'good' });
  const message = expect.stringMatching(new RegExp(`v0.*${PROTOCOL_HASH}`));
  expect(await peer.receive()).toMatchObject({ kind: 'Refusal', error: { message } });
});

test('a single invitation lets in one worker, an open one any number', async () => {
  await HandPeer.welcomed(hub.endpoint, { instanceId: 'a' });
  const second = new HandPeer(hub.endpoint);
  await second.send(hello({ instanceId: 'b' }));
  expect(await second.receive()).toMatchObject({
    kind: 'Refusal',
    error: { message: expect.stringMatching(/already/) },
  });
  for (const instanceId of ['c', 'd']) await HandPeer.welcomed(hub.endpoint, { instanceId, token: 'open house' });
  expect(joined.map((session) => session.hello.instanceId)).toEqual(['a', 'c', 'd']);
});

test('an instance cannot be taken over with another token', async () => {
  await HandPeer.welcomed(hub.endpoint, { instanceId: 'a' });
  const thief = new HandPeer(hub.endpoint);
  await thief.send(hello({ instanceId: 'a', token: 'open house' }));
  expect(await thief.receive()).toMatchObject({ kind: 'Refusal' });
});

test('a revoked token lets nobody in', async () => {
  hub.revoke('secret');
  const peer = new HandPeer(hub.endpoint);
  await peer.send(hello());
  expect(await peer.receive()).toMatchObject({ kind: 'Refusal' });
});

test('the same instance on a new connection is the same session', async () => {
  await HandPeer.welcomed(hub.endpoint);
  await HandPeer.welcomed(hub.endpoint);
  expect(joined).toHaveLength(1);
});

test('who has not said Hello is not listened to, and nothing it sends is unpacked at length', async () => {
  const peer = new HandPeer(hub.endpoint);
  await peer.send({ kind: 'Response', id: 1, result: new Uint8Array() });
  await sendRaw(peer, { ...hello(), workerId: 'x'.repeat(2 ** 16) });
  await peer.socket.send(Buffer.of(0xc1));
  await peer.send(hello());
  expect((await peer.receive()).kind).toBe('Welcome');
  expect(hub.turnedAwayCount).toBe(3);
});

test.each([
  ['that is cut off', Buffer.from('8aa46b696e64a548656c6c6fff', 'hex')],
  ['whose token is right and whose other fields are not', packed({ ...hello(), pid: -1 })],
])('a Hello %s is turned away, and the next one is let in', async (_, frame) => {
  const peer = new HandPeer(hub.endpoint);
  await peer.socket.send(frame);
  await peer.send(hello());
  expect((await peer.receive()).kind).toBe('Welcome');
  expect(hub.turnedAway).toMatch(/no protocol message/);
});

test('a second Hello that cannot be read ends the session', async () => {
  const peer = await HandPeer.welcomed(hub.endpoint);
  await sendRaw(peer, { ...hello(), pid: -1 });
  expect(await joined[0]?.gone).toMatchObject({ message: expect.stringMatching(/no protocol message .*pid/) });
});

test('one that is given up is told so, and what it says late counts for nothing, whoever came in its place', async () => {
  const old = await HandPeer.welcomed(hub.endpoint);
  const asked = expect(joined[0]?.request('ping', PING)).rejects.toMatchObject({ code: 'worker_gone' });
  const { id } = await old.request();
  joined[0]?.giveUp('it stood still');
  await asked;
  expect(await old.receive()).toMatchObject({
    kind: 'Refusal',
    error: { code: 'unauthorized', message: expect.stringMatching(/is given up: it stood still/) },
  });
  const other = await HandPeer.welcomed(hub.endpoint, { instanceId: 'in its place' });
  const call = joined[1]?.request('ping', PING);
  expect((await other.request()).id).toBe(id);
  await old.send({ kind: 'Response', id, result: PING });
  await old.send({ kind: 'Heartbeat', busy: 'sample', queued: 0, progress: 1 });
  while (hub.turnedAwayCount < 2) await new Promise(setImmediate);
  await other.send({ kind: 'Response', id, result: PONG });
  expect(Buffer.from((await call) as Uint8Array)).toEqual(PONG);
  expect(joined[1]?.vitals.heartbeats).toBe(0);
});

test('closing ends every session', async () => {
  await HandPeer.welcomed(hub.endpoint);
  hub.close();
  expect(await joined[0]?.gone).toMatchObject({ code: 'worker_gone', message: expect.stringMatching(/closed/) });
});
