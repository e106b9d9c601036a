import { afterEach, expect, test } from '@jest/globals';
import { Dealer } from 'zeromq';
import type { Hello } from '../../../ts/protocol/generated.ts';
import { packEnvelope, packResult, unpackEnvelope } from '../../../ts/worker/codec.ts';
import { type ListenOptions, listenForWorker } from '../../../ts/worker/listenForWorker.ts';
import { hello } from '../../fixtures/handPeer.ts';

const dealers: Dealer[] = [];
afterEach(() => {
  for (const dealer of dealers.splice(0)) dealer.close();
});

/** Listen, and have a peer dial in that says this. */
function dialled(changes: Partial<Hello>, options: Partial<ListenOptions> = {}) {
  const dealer = new Dealer({ linger: 0, receiveTimeout: 5_000 });
  dealers.push(dealer);
  const listening = listenForWorker({
    address: 'tcp://127.0.0.1:*',
    token: 'secret',
    deadline: 5_000,
    onListening(endpoint) {
      dealer.connect(endpoint);
      void dealer.send(packEnvelope(hello(changes)));
    },
    ...options,
  });
  return { dealer, listening };
}

test('a worker that dials in is one; closing it tells it to stop', async () => {
  const { dealer, listening } = dialled({});
  const worker = await listening;
  expect(worker.hello.workerId).toBe('test');
  const receive = async () => unpackEnvelope((await dealer.receive())[0] as Uint8Array);
  expect(await receive()).toMatchObject({ kind: 'Welcome' });
  const closed = worker.close();
  const request = await receive();
  expect(request).toMatchObject({ kind: 'Request', verb: 'shutdown' });
  const id = request.kind === 'Request' ? request.id : 0;
  await dealer.send(packEnvelope({ kind: 'Response', id, result: packResult('shutdown', {}) }));
  await closed;
  await expect(worker.ping({})).rejects.toMatchObject({ code: 'worker_gone' });
});

test('nobody, or one with another token, is an error that says so', async () => {
  const { listening } = dialled({ token: 'other' }, { deadline: 300 });
  await expect(listening).rejects.toMatchObject({
    code: 'worker_start_failed',
    message: expect.stringMatching(/no worker connected to tcp:\/\/127\.0\.0\.1:\d+ within 0\.3 s.*the token is not/),
  });
});

test('another protocol is refused at once', async () => {
  const { listening } = dialled({ protocolHash: 'f'.repeat(64) });
  await expect(listening).rejects.toMatchObject({ code: 'unauthorized' });
});

test('waiting can be given up', async () => {
  const stop = new AbortController();
  const listening = dialled({}, { signal: stop.signal, onListening: () => stop.abort() }).listening;
  await expect(listening).rejects.toMatchObject({ code: 'cancelled' });
});

test('a port that is taken is an error that names it', async () => {
  let taken = '';
  const first = dialled({}, { onListening: (endpoint) => (taken = endpoint), deadline: 300 }).listening;
  first.catch(() => {});
  while (taken === '') await new Promise((resolve) => setImmediate(resolve));
  const second = listenForWorker({ address: taken, token: 'secret', deadline: 300 });
  await expect(second).rejects.toMatchObject({ code: 'bind_failed', message: expect.stringContaining(taken) });
  await expect(first).rejects.toMatchObject({ code: 'worker_start_failed' });
});
