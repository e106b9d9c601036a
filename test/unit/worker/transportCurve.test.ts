import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Dealer } from 'zeromq';
import { keyPaths, makeKeys, readOrchestratorKeys } from '../../../ts/worker/keyFolder.ts';
import { createKeyPair, type KeyPair } from '../../../ts/worker/keys.ts';
import { bindTransport, type PeerId, type Transport, type TransportOptions } from '../../../ts/worker/transport.ts';
import type { Refusal } from '../../../ts/worker/zap.ts';
import { type Eavesdropper, eavesdrop } from '../../fixtures/eavesdropper.ts';
import { Inbox } from '../../fixtures/inbox.ts';
import { python } from '../../fixtures/python.ts';

const server = createKeyPair();
const worker = createKeyPair();
const stranger = createKeyPair();
const curve = { ...server, allowed: new Set([worker.publicKey]) };

let open: { close(): void }[];
let messages: Inbox<{ peer: PeerId; text: string }>;
let refusals: Inbox<Refusal>;

beforeEach(() => {
  open = [];
  messages = new Inbox();
  refusals = new Inbox();
});
afterEach(() => {
  for (const one of open) one.close();
});

async function bind(options: TransportOptions): Promise<Transport> {
  const transport = await bindTransport(
    {
      onMessage: (peer, payload) => messages.put({ peer, text: Buffer.from(payload).toString() }),
      onDisconnect: () => {},
      onRefused: (refusal) => refusals.put(refusal),
    },
    options,
  );
  open.push(transport);
  return transport;
}

/** A client with these keys, or with none. */
function connect(endpoint: string, keys?: KeyPair, serverKey = server.publicKey): Dealer {
  const curveKeys =
    keys === undefined
      ? {}
      : { curvePublicKey: keys.publicKey, curveSecretKey: keys.secretKey, curveServerKey: serverKey };
  // One attempt is enough for a test to see what comes of it.
  const dealer = new Dealer({
    linger: 0,
    sendTimeout: 5_000,
    receiveTimeout: 5_000,
    reconnectInterval: -1,
    ...curveKeys,
  });
  open.push(dealer);
  dealer.connect(endpoint);
  return dealer;
}

type Keys = readonly [pair: KeyPair | undefined, serverKey?: string];

describe('who may connect', () => {
  test('an allowed key, both ways', async () => {
    const transport = await bind({ curve });
    const dealer = connect(transport.endpoint, worker);
    await dealer.send('hello');
    const [first] = await messages.first(1);
    await transport.send(first?.peer ?? '', Buffer.from('welcome'));
    expect(String((await dealer.receive())[0])).toBe('welcome');
    expect([first?.text, transport.refused]).toEqual(['hello', 0]);
  });

  test.each([
    ['a key that is not allowed', [stranger] as Keys, /its public key .{12}\.\.\. is not among the allowed ones/],
    ['no CURVE at all', [undefined] as Keys, /did not shake hands/],
    ['the wrong server key', [worker, stranger.publicKey] as Keys, /did not shake hands/],
    [
      'a public key of somebody else without its secret',
      [{ publicKey: worker.publicKey, secretKey: stranger.secretKey }] as Keys,
      /did not shake hands/,
    ],
  ])('not %s; who may is not disturbed', async (_, keys, reason) => {
    const transport = await bind({ curve });
    const outsider = connect(transport.endpoint, ...keys);
    // Turned away already, it may have nowhere to send to.
    outsider.send('from outside').catch(() => {});
    const [refusal] = await refusals.first(1);
    expect(refusal?.reason).toMatch(reason);
    await connect(transport.endpoint, worker).send('from a worker');
    expect((await messages.first(1)).map(({ text }) => text)).toEqual(['from a worker']);
    expect(transport.refused).toBeGreaterThanOrEqual(1);
  });

  test('each transport has its own list', async () => {
    const [first, second] = [
      await bind({ curve }),
      await bind({ curve: { ...curve, allowed: new Set([stranger.publicKey]) } }),
    ];
    await connect(second.endpoint, worker).send('wrong door');
    expect(await refusals.first(1)).toMatchObject([{ key: worker.publicKey }]);
    expect([first.refused, second.refused]).toEqual([0, 1]);
  });

  test('a transport without keys is not asked about while one with keys is there', async () => {
    await bind({ curve });
    const plain = await bind({});
    await connect(plain.endpoint).send('hello');
    expect((await messages.first(1)).map(({ text }) => text)).toEqual(['hello']);
  });
});

describe('on the wire', () => {
  const token = 'RZERO-TOKEN-5f1d';
  const answer = 'weights and questions';

  /** What somebody on the wire heard of a conversation. */
  async function overheard(options: TransportOptions, keys?: KeyPair): Promise<Buffer> {
    const transport = await bind(options);
    const wire: Eavesdropper = await eavesdrop(transport.endpoint);
    open.push(wire);
    const dealer = connect(wire.endpoint, keys);
    await dealer.send(token);
    const [first] = await messages.first(1);
    expect(first?.text).toBe(token);
    await transport.send(first?.peer ?? '', Buffer.from(answer));
    expect(String((await dealer.receive())[0])).toBe(answer);
    return wire.heard();
  }

  test('with CURVE nothing can be read but that it is CURVE', async () => {
    const heard = await overheard({ curve }, worker);
    expect(heard.includes('CURVE')).toBe(true);
    for (const secret of [token, answer, worker.publicKey, worker.secretKey, server.secretKey]) {
      expect(heard.includes(secret)).toBe(false);
    }
  });

  test('without CURVE all can be read: the ear is good', async () => {
    const heard = await overheard({});
    expect([heard.includes(token), heard.includes(answer)]).toEqual([true, true]);
  });
});

test('pyzmq gets in with the files that `rzero keys` makes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rzero-curve-'));
  try {
    makeKeys(folder, ['gpu']);
    const { workerKey, orchestratorPublic } = keyPaths(folder);
    const transport = await bind({ curve: readOrchestratorKeys(folder) });
    const script = fileURLToPath(new URL('../../fixtures/curveClient.py', import.meta.url));
    const client = promisify(execFile)(python(), [
      script,
      transport.endpoint,
      workerKey('gpu'),
      orchestratorPublic,
      'zdravo',
    ]);
    const [first] = await messages.first(1);
    expect(first?.text).toBe('zdravo');
    await transport.send(first?.peer ?? '', Buffer.from('welcome'));
    expect((await client).stdout).toBe('welcome\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
