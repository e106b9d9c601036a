import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Dealer, Router } from 'zeromq';
import { bindTransport, type PeerId, type Transport, type TransportOptions } from '../../../ts/worker/transport.ts';
import { Inbox } from '../../fixtures/inbox.ts';

// What zeromq.js does that a transport is built around: first as zeromq.js does it, so that a change of its mind is
// noticed, then as the transport bears it.

let open: { close(): void }[];
let messages: Inbox<{ peer: PeerId; text: string }>;
let hangUps: Inbox<true>;

beforeEach(() => {
  open = [];
  messages = new Inbox();
  hangUps = new Inbox();
});
afterEach(() => {
  for (const one of open) one.close();
});

async function bind(options: TransportOptions = {}): Promise<Transport> {
  const transport = await bindTransport(
    {
      onMessage: (peer, payload) => messages.put({ peer, text: Buffer.from(payload).toString() }),
      onDisconnect: () => hangUps.put(true),
    },
    options,
  );
  open.push(transport);
  return transport;
}

function connect(endpoint: string, options: { routingId?: string; reconnectInterval?: number } = {}): Dealer {
  const dealer = new Dealer({ linger: 0, sendTimeout: 5_000, receiveTimeout: 5_000, ...options });
  open.push(dealer);
  dealer.connect(endpoint);
  return dealer;
}

async function textOf(dealer: Dealer): Promise<string> {
  return String((await dealer.receive())[0]);
}

describe('zeromq.js', () => {
  test('throws at a send while another waits, and that one waits for ever unless told otherwise', async () => {
    const dealer = new Dealer({ linger: 0, sendTimeout: 100 });
    open.push(dealer);
    const first = dealer.send('nobody is there');
    expect(() => dealer.send('nor now')).toThrow(/Socket is busy writing/);
    await expect(first).rejects.toMatchObject({ code: 'EAGAIN' });
  });

  test('drops a message to nobody in silence unless it is told not to', async () => {
    const lenient = new Router({ linger: 0, sendTimeout: 0 });
    const strict = new Router({ linger: 0, sendTimeout: 0, mandatory: true });
    open.push(lenient, strict);
    for (const socket of [lenient, strict]) await socket.bind('tcp://127.0.0.1:*');
    await lenient.send(['nobody', 'x']);
    await expect(strict.send(['nobody', 'x'])).rejects.toMatchObject({ code: 'EHOSTUNREACH' });
  });

  test('binds where it is asked to unbind at once', async () => {
    const socket = new Router({ linger: 0 });
    open.push(socket);
    socket.unbindSync('tcp://127.0.0.1:*');
    expect(socket.lastEndpoint).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
  });
});

test('sends that are under way at once never meet: every one arrives', async () => {
  const transport = await bind();
  const dealers = [connect(transport.endpoint), connect(transport.endpoint)];
  for (const dealer of dealers) await dealer.send('hello');
  const peers = (await messages.first(2)).map(({ peer }) => peer);
  await Promise.all(peers.flatMap((peer) => [1, 2, 3].map((text) => transport.send(peer, Buffer.from(`${text}`)))));
  for (const dealer of dealers) {
    expect([await textOf(dealer), await textOf(dealer), await textOf(dealer)]).toEqual(['1', '2', '3']);
  }
});

test('a peer that leaves does not end what is sent to others', async () => {
  const transport = await bind();
  const [leaves, stays] = [connect(transport.endpoint), connect(transport.endpoint)];
  await leaves.send('hello');
  const [gone] = await messages.first(1);
  await stays.send('hello');
  const [, here] = await messages.first(2);
  leaves.close();
  await hangUps.first(1);
  // Taken and lost, or refused: in either case at once.
  const lost = transport.send(gone?.peer ?? '', Buffer.from('x')).catch((error: Error) => error.name);
  await transport.send(here?.peer ?? '', Buffer.from('for you'));
  expect([undefined, 'TransportError']).toContain(await lost);
  expect(await textOf(stays)).toBe('for you');
});

test('who sends too large a message is hung up on; it arrives nowhere, and others go on', async () => {
  const transport = await bind({ maxMessageBytes: 1_000 });
  const [large, small] = [connect(transport.endpoint, { reconnectInterval: -1 }), connect(transport.endpoint)];
  await small.send('x'.repeat(1_000));
  await messages.first(1);
  await large.send('y'.repeat(1_001));
  await hangUps.first(1);
  await small.send('still here');
  const [first, second] = await messages.first(2);
  expect([first?.text.length, second]).toEqual([1_000, { peer: first?.peer, text: 'still here' }]);
  await transport.send(first?.peer ?? '', Buffer.from('answer'));
  expect(await textOf(small)).toBe('answer');
  expect(hangUps.items).toHaveLength(1);
});

test('a second client with the routing id of the first is not heard, and takes nothing from it', async () => {
  const transport = await bind();
  const first = connect(transport.endpoint, { routingId: 'worker' });
  await first.send('first');
  const [known] = await messages.first(1);
  const second = connect(transport.endpoint, { routingId: 'worker' });
  await second.send('second');
  const third = connect(transport.endpoint);
  await third.send('third');
  await messages.first(2);
  await transport.send(known?.peer ?? '', Buffer.from('for the first'));
  expect(await textOf(first)).toBe('for the first');
  await first.send('again');
  expect((await messages.first(3)).map(({ text }) => text)).toEqual(['first', 'third', 'again']);
});

test('closing keeps no caller waiting, and what was taken over still leaves', async () => {
  const transport = await bind();
  const dealer = connect(transport.endpoint);
  await dealer.send('hello');
  const [first] = await messages.first(1);
  const last = transport.send(first?.peer ?? '', Buffer.from('a refusal'));
  await last;
  const sends = Array.from({ length: 100 }, () => transport.send(first?.peer ?? '', Buffer.alloc(100_000)));
  transport.close();
  await Promise.all(sends);
  const late = transport.send(first?.peer ?? '', Buffer.from('too late'));
  await expect(late).rejects.toMatchObject({ name: 'TransportError', code: 'closed' });
  expect(await textOf(dealer)).toBe('a refusal');
});
