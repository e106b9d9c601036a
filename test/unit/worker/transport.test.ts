import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Dealer } from 'zeromq';
import { bindTransport, type PeerId, type Transport } from '../../../ts/worker/transport.ts';

let transport: Transport;
let dealer: Dealer;
let received: { peer: PeerId; text: string }[];
let news: () => void;
let disconnected: Promise<void>;

/** Resolves when `count` messages have arrived in all. */
async function messages(count: number): Promise<{ peer: PeerId; text: string }[]> {
  while (received.length < count) {
    await new Promise<void>((resolve) => {
      news = resolve;
    });
  }
  return received;
}

beforeEach(async () => {
  received = [];
  news = () => {};
  let onDisconnect = (): void => {};
  disconnected = new Promise((resolve) => {
    onDisconnect = resolve;
  });
  transport = await bindTransport({
    onMessage(peer, payload) {
      received.push({ peer, text: Buffer.from(payload).toString() });
      news();
    },
    onDisconnect,
  });
  dealer = new Dealer({ linger: 0, receiveTimeout: 5_000 });
  dealer.connect(transport.endpoint);
});

afterEach(() => {
  dealer.close();
  transport.close();
});

/** The dealer's peer id, learned from a first message. */
async function connected(): Promise<PeerId> {
  await dealer.send('hello');
  const [first] = await messages(1);
  return first?.peer as PeerId;
}

test('binds a free port of the loopback interface', () => {
  expect(transport.endpoint).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
});

test('sends that overlap all arrive, in order', async () => {
  const peer = await connected();
  const numbers = Array.from({ length: 200 }, (_, number) => String(number));
  await Promise.all(numbers.map((number) => transport.send(peer, Buffer.from(number))));
  const arrived: string[] = [];
  while (arrived.length < numbers.length) arrived.push(String((await dealer.receive())[0]));
  expect(arrived).toEqual(numbers);
});

test('a large message goes both ways whole', async () => {
  const peer = await connected();
  const large = Buffer.alloc(20_000_000, 'rzero');
  await transport.send(peer, large);
  const [echo] = await dealer.receive();
  expect(large.equals(echo as Buffer)).toBe(true);
  await dealer.send(large);
  const [, second] = await messages(2);
  expect(second?.text.length).toBe(large.length);
});

test('peers are told apart', async () => {
  const other = new Dealer({ linger: 0 });
  try {
    other.connect(transport.endpoint);
    await dealer.send('one');
    await messages(1);
    await other.send('two');
    const [one, two] = await messages(2);
    expect(two?.text).toBe('two');
    expect(two?.peer).not.toBe(one?.peer);
  } finally {
    other.close();
  }
});

test('a peer that is not connected is unreachable, and others are not kept waiting', async () => {
  const peer = await connected();
  const lost = transport.send('00deadbeef', Buffer.from('x'));
  const sent = transport.send(peer, Buffer.from('y'));
  await expect(lost).rejects.toMatchObject({ name: 'TransportError', code: 'unreachable' });
  await sent;
  expect(String((await dealer.receive())[0])).toBe('y');
});

test('a peer that hangs up is noticed, and soon unreachable', async () => {
  const peer = await connected();
  dealer.close();
  await disconnected;
  // Before the socket has noticed, a message is taken and lost; then none is, without any wait for a peer.
  const send = () =>
    transport.send(peer, Buffer.from('x')).then(
      () => undefined,
      (error: unknown) => error,
    );
  let outcome = await send();
  while (outcome === undefined) outcome = await send();
  expect(outcome).toMatchObject({ name: 'TransportError', code: 'unreachable' });
  await expect(transport.send(peer, Buffer.from('y'))).rejects.toMatchObject({ code: 'unreachable' });
});

test('a peer that does not read holds up neither the sender nor the others', async () => {
  const peer = await connected();
  const other = new Dealer({ linger: 0, receiveTimeout: 5_000 });
  try {
    other.connect(transport.endpoint);
    await other.send('hello');
    const [, second] = await messages(2);
    // More than the thousand messages that ZeroMQ queues unless told otherwise, of more than the kernel buffers.
    const sends = Array.from({ length: 1500 }, () => transport.send(peer, Buffer.alloc(10_000)));
    const last = transport.send(second?.peer as PeerId, Buffer.from('for you'));
    expect(String((await other.receive())[0])).toBe('for you');
    await Promise.all([...sends, last]);
  } finally {
    other.close();
  }
});

test('messages of more than one frame are dropped and counted', async () => {
  await dealer.send(['two', 'frames']);
  await dealer.send('one');
  expect((await messages(1)).map(({ text }) => text)).toEqual(['one']);
  expect(transport.malformed).toBe(1);
});

test('a closed transport sends nothing, and closing again is nothing', async () => {
  const peer = await connected();
  transport.close();
  transport.close();
  await expect(transport.send(peer, Buffer.from('x'))).rejects.toMatchObject({ code: 'closed' });
});
