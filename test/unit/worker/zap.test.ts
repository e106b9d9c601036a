import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Dealer, Router } from 'zeromq';
import { createKeyPair, type KeyPair } from '../../../ts/worker/keys.ts';
import { decodeZ85 } from '../../../ts/worker/z85.ts';
import { answerZap, guardDomain, type Refusal, ZAP_ENDPOINT } from '../../../ts/worker/zap.ts';
import { Inbox } from '../../fixtures/inbox.ts';

const server = createKeyPair();
const known = createKeyPair();
const stranger = createKeyPair();

/** A question as libzmq asks it. */
function question(domain: string, mechanism: string, ...credentials: (string | Uint8Array)[]): Buffer[] {
  const frames = ['1.0', 'id', domain, '127.0.0.1', '', mechanism, ...credentials];
  return frames.map((frame) => Buffer.from(frame as string));
}

const bytesOf = ({ publicKey }: KeyPair): Uint8Array => decodeZ85(publicKey) as Uint8Array;

describe('an answer', () => {
  let refusals: Refusal[];
  const ask = (request: Uint8Array[]) => {
    refusals = [];
    const domain = { allowed: new Set([known.publicKey]), onRefused: (refusal: Refusal) => refusals.push(refusal) };
    return answerZap(request, new Map([['ours', domain]]));
  };

  test('to a known key lets it in, by name of its key', () => {
    expect(ask(question('ours', 'CURVE', bytesOf(known)))).toEqual([
      '1.0',
      Buffer.from('id'),
      '200',
      'OK',
      known.publicKey,
      '',
    ]);
    expect(refusals).toEqual([]);
  });

  test('to an unknown key refuses, and tells us which it was', () => {
    expect(ask(question('ours', 'CURVE', bytesOf(stranger)))[2]).toBe('400');
    const reason = expect.stringContaining(`${stranger.publicKey.slice(0, 12)}...`);
    expect(refusals).toEqual([{ reason, key: stranger.publicKey, address: '127.0.0.1' }]);
  });

  test.each([
    ['NULL', []],
    ['PLAIN', ['admin', 'password']],
    ['GSSAPI', ['principal']],
  ])('to %s refuses, without the credentials', (mechanism, credentials) => {
    expect(ask(question('ours', mechanism, ...credentials))[2]).toBe('400');
    expect(refusals).toEqual([{ reason: `it came with "${mechanism}", allowed is CURVE`, address: '127.0.0.1' }]);
  });

  test('in a domain of nobody refuses', () => {
    expect(ask(question('other', 'CURVE', bytesOf(known)))[2]).toBe('400');
    expect(ask(question('', 'NULL'))[2]).toBe('400');
  });

  test.each([
    ['no frame', []],
    ['too few frames', question('ours', 'CURVE').slice(0, 5)],
    ['another version', [Buffer.from('2.0'), ...question('ours', 'CURVE', bytesOf(known)).slice(1)]],
    ['no key', question('ours', 'CURVE')],
    ['a short key', question('ours', 'CURVE', bytesOf(known).subarray(1))],
    ['a key as text', question('ours', 'CURVE', known.publicKey)],
    ['two keys', question('ours', 'CURVE', bytesOf(known), bytesOf(known))],
  ])('to %s says that it is no question', (_, request) => {
    expect(ask(request)[2]).toBe('500');
    expect(refusals).toEqual([]);
  });

  test('property: any frames get an answer of six, and only the known key gets 200', () => {
    const frame = fc.oneof(
      fc.constantFrom('1.0', 'ours', 'CURVE', 'NULL').map((text) => Buffer.from(text)),
      fc.constantFrom(bytesOf(known), bytesOf(stranger)),
      fc.uint8Array({ maxLength: 40 }),
    );
    const credentials = fc.array(frame, { maxLength: 2 });
    const request = fc.oneof(
      fc.array(frame, { maxLength: 9 }),
      credentials.map((frames) => question('ours', 'CURVE', ...frames)),
    );
    fc.assert(
      fc.property(request, (frames) => {
        const answer = ask(frames);
        expect(answer).toHaveLength(6);
        expect(['200', '400', '500']).toContain(answer[2]);
        if (answer[2] === '200') expect(Buffer.compare(frames[6] as Buffer, bytesOf(known))).toBe(0);
      }),
    );
  });
});

describe('with sockets', () => {
  let sockets: (Dealer | Router)[];
  let releases: (() => void)[];
  let refusals: Inbox<Refusal>;
  let messages: Inbox<string>;

  beforeEach(() => {
    sockets = [];
    releases = [];
    refusals = new Inbox();
    messages = new Inbox();
  });
  afterEach(() => {
    for (const socket of sockets) socket.close();
    for (const release of releases) release();
  });

  function kept<T extends Dealer | Router>(socket: T): T {
    sockets.push(socket);
    return socket;
  }

  async function guard(name: string, allowed: KeyPair[] = [known]): Promise<() => void> {
    const keys = new Set(allowed.map(({ publicKey }) => publicKey));
    const release = await guardDomain(name, { allowed: keys, onRefused: (refusal) => refusals.put(refusal) });
    releases.push(release);
    return release;
  }

  /** A CURVE server of this domain that keeps what it is told. */
  async function listen(zapDomain: string): Promise<Router> {
    const socket = kept(
      new Router({ linger: 0, curveServer: true, curveSecretKey: server.secretKey, zapDomain, zapEnforceDomain: true }),
    );
    await socket.bind('tcp://127.0.0.1:*');
    void (async () => {
      for await (const [, text] of socket) messages.put(String(text));
    })();
    return socket;
  }

  /** A client of this key that has something to say as soon as it is let in. */
  async function say(text: string, { lastEndpoint }: Router, { publicKey, secretKey }: KeyPair): Promise<void> {
    const curveServerKey = server.publicKey;
    const keys = { curvePublicKey: publicKey, curveSecretKey: secretKey, curveServerKey };
    const socket = kept(new Dealer({ linger: 0, sendTimeout: 5_000, ...keys }));
    socket.connect(String(lastEndpoint));
    await socket.send(text);
  }

  test('a known key is let in, an unknown one is not', async () => {
    await guard('ours');
    const router = await listen('ours');
    await say('from a stranger', router, stranger);
    expect(await refusals.first(1)).toMatchObject([{ key: stranger.publicKey, address: '127.0.0.1' }]);
    await say('from a worker', router, known);
    expect(await messages.first(1)).toEqual(['from a worker']);
  });

  test('domains have lists of their own, and one handler', async () => {
    await Promise.all([guard('left', [known]), guard('right', [stranger])]);
    const [left, right] = [await listen('left'), await listen('right')];
    await say('known to left', left, known);
    await say('stranger to right', right, stranger);
    expect((await messages.first(2)).sort()).toEqual(['known to left', 'stranger to right']);
    await say('known to right', right, known);
    expect(await refusals.first(1)).toMatchObject([{ key: known.publicKey }]);
  });

  test('one domain that is released does not end the others', async () => {
    const release = await guard('left');
    await guard('right');
    release();
    release();
    await say('hello', await listen('right'), known);
    expect(await messages.first(1)).toEqual(['hello']);
  });

  test('without a guard nobody is let in: not even with the right key', async () => {
    const router = await listen('unguarded');
    await say('hello', router, known);
    const seen: string[] = [];
    while (seen.at(-1) !== 'handshake:error:other') seen.push((await router.events.receive()).type);
    expect(seen).not.toContain('handshake');
    expect(messages.items).toEqual([]);
  });

  test('a key that is added while all run counts from the next connection on', async () => {
    const allowed = new Set<string>();
    releases.push(await guardDomain('ours', { allowed, onRefused: (refusal) => refusals.put(refusal) }));
    const router = await listen('ours');
    await say('early', router, known);
    await refusals.first(1);
    allowed.add(known.publicKey);
    await say('late', router, known);
    // A client that was refused does not come back by itself.
    expect(await messages.first(1)).toEqual(['late']);
  });

  test('the handler starts and stops again and again, also when nobody waits for it', async () => {
    for (let round = 0; round < 20; round += 1) (await guard('ours'))();
    await guard('ours');
    await say('hello', await listen('ours'), known);
    expect(await messages.first(1)).toEqual(['hello']);
  });

  test('when the last domain is released, its address is given back', async () => {
    (await guard('ours'))();
    const other = kept(new Router({ linger: 0 }));
    const bound = () =>
      other.bind(ZAP_ENDPOINT).then(
        () => true,
        () => false,
      );
    while (!(await bound())); // it is, in a thread of ZeroMQ's
    // And while somebody else has it, we say so, and do not pretend to guard.
    await expect(guard('ours')).rejects.toMatchObject({ code: 'EADDRINUSE' });
    other.close();
    await guard('ours');
  });

  test('a domain is guarded once', async () => {
    await guard('ours');
    await expect(guard('ours')).rejects.toThrow(/guarded already/);
  });

  test('what is no question is answered with 500 or not at all, and does no harm', async () => {
    await guard('ours');
    const asker = kept(new Dealer({ linger: 0, receiveTimeout: 5_000 }));
    asker.connect(ZAP_ENDPOINT);
    for (const junk of [['x'], ['no', 'delimiter'], [''], ['', '1.0'], ['', '9.9', '7', 'ours', 'a', 'i', 'CURVE']]) {
      await asker.send(junk);
    }
    // The last three had a delimiter, so that there is somebody to answer.
    const answers = [await asker.receive(), await asker.receive(), await asker.receive()];
    expect(answers.map((frames) => frames.slice(1).map(String))).toEqual([
      ['1.0', '', '500', 'malformed request', '', ''],
      ['1.0', '', '500', 'malformed request', '', ''],
      ['1.0', '7', '500', 'malformed request', '', ''],
    ]);
    await say('hello', await listen('ours'), known);
    expect(await messages.first(1)).toEqual(['hello']);
  });
});
