import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Dealer } from 'zeromq';
import { createKeyPair } from '../../../ts/worker/keys.ts';
import { bindTransport, type Transport, type TransportOptions } from '../../../ts/worker/transport.ts';
import { Inbox } from '../../fixtures/inbox.ts';

const curve = { ...createKeyPair(), allowed: new Set<string>() };
let open: { close(): void }[];
let messages: Inbox<string>;
let folder: string;

beforeEach(() => {
  open = [];
  messages = new Inbox();
  folder = mkdtempSync(join(tmpdir(), 'rzero-ipc-'));
});
afterEach(() => {
  for (const one of open) one.close();
  rmSync(folder, { recursive: true, force: true });
});

async function bind(options: TransportOptions): Promise<Transport> {
  const onMessage = (_: string, payload: Uint8Array): void => messages.put(Buffer.from(payload).toString());
  const transport = await bindTransport({ onMessage, onDisconnect: () => {} }, options);
  open.push(transport);
  return transport;
}

/** A first message arrives by this endpoint. */
async function reachable(endpoint: string): Promise<void> {
  const dealer = new Dealer({ linger: 0, ipv6: true });
  open.push(dealer);
  dealer.connect(endpoint);
  await dealer.send('hello');
  expect(await messages.first(1)).toEqual(['hello']);
}

test('the loopback interface of IPv6', async () => {
  const { endpoint } = await bind({ address: 'tcp://[::1]:*' });
  expect(endpoint).toMatch(/^tcp:\/\/\[::1\]:\d+$/);
  await reachable(endpoint);
});

test('a path', async () => {
  const { endpoint } = await bind({ address: `ipc://${folder}/socket` });
  expect(endpoint).toBe(`ipc://${folder}/socket`);
  await reachable(endpoint);
});

test.each(['tcp://0.0.0.0:*', 'tcp://[::]:*', 'tcp://10.11.12.13:5555', 'tcp://node-7:5555'])(
  'without keys, %s is refused before anything is bound',
  async (address) => {
    await expect(bind({ address })).rejects.toMatchObject({
      name: 'TransportError',
      code: 'insecure',
      message: expect.stringMatching(/can be reached from other machines.*`rzero keys DIR`.*worker\.keys/),
    });
  },
);

test('a port that is to be refused is not even tried: it may be in use', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => {
    taken.listen(0, '0.0.0.0', resolve);
  });
  open.push(taken);
  const { port } = taken.address() as { port: number };
  await expect(bind({ address: `tcp://0.0.0.0:${port}` })).rejects.toMatchObject({ code: 'insecure' });
});

test('with keys all interfaces can be bound; the endpoint says so', async () => {
  const { endpoint } = await bind({ address: 'tcp://0.0.0.0:*', curve });
  expect(endpoint).toMatch(/^tcp:\/\/0\.0\.0\.0:\d+$/);
});

test('what is no address is refused', async () => {
  await expect(bind({ address: 'tcp://127.0.0.1:99999' })).rejects.toMatchObject({ code: 'invalid_address' });
});

test('a port in use', async () => {
  const { endpoint } = await bind({});
  await expect(bind({ address: endpoint })).rejects.toMatchObject({
    code: 'bind_failed',
    message: `cannot listen at ${endpoint}: the port is in use; choose another, or * for a free one`,
  });
});

test('a port that was closed is free again', async () => {
  const first = await bind({});
  first.close();
  // ZeroMQ frees it in a thread of its own.
  let second = await bind({ address: first.endpoint }).catch(() => undefined);
  while (second === undefined) second = await bind({ address: first.endpoint }).catch(() => undefined);
  expect(second.endpoint).toBe(first.endpoint);
});

test.each([
  ['tcp://192.0.2.1:5555', 'this machine has no such address'],
  ['tcp://nosuch0:5555', 'this machine has no such address or network interface'],
])('%s is not of this machine', async (address, reason) => {
  const message = `cannot listen at ${address}: ${reason}`;
  await expect(bind({ address, curve })).rejects.toMatchObject({ code: 'bind_failed', message });
});

test('a path that exists is left as it is, though ZeroMQ would remove it', async () => {
  const path = join(folder, 'precious');
  writeFileSync(path, 'data');
  await expect(bind({ address: `ipc://${path}` })).rejects.toMatchObject({
    code: 'bind_failed',
    message: expect.stringMatching(/the path exists already; choose another path, or remove it/),
  });
  expect(readFileSync(path, 'utf8')).toBe('data');
});

test('the path of another transport is not taken away from it', async () => {
  const address = `ipc://${folder}/socket`;
  await bind({ address });
  await expect(bind({ address })).rejects.toMatchObject({ code: 'bind_failed' });
  await reachable(address);
});

test('a path in no folder', async () => {
  const address = `ipc://${folder}/absent/socket`;
  await expect(bind({ address })).rejects.toMatchObject({
    code: 'bind_failed',
    message: expect.stringMatching(/the folder does not exist/),
  });
  expect(existsSync(join(folder, 'absent'))).toBe(false);
});
