import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ChatClient, type ChatClientOptions } from '../../../ts/judge/client.ts';
import { JudgeError, NoVerdict } from '../../../ts/judge/errors.ts';
import { ChatEndpoint, MANNERS } from '../../fixtures/chatEndpoint.ts';
import { HandTiming } from '../../fixtures/handTiming.ts';

const { says, fails, isNoJson, hasNoChoices, hangs, stalls, hangsUp, breaksOff, floods, echoesKey } = MANNERS;
const KEY = 'sk-"odd\\key"-0123456789';
const MESSAGES = [{ role: 'user', content: 'Is it?' }] as const;
const never = new AbortController().signal;

let endpoint: ChatEndpoint;
let timing: HandTiming;
beforeEach(async () => {
  endpoint = await ChatEndpoint.start();
  timing = new HandTiming();
});
afterEach(() => endpoint.close());

function clientWith(options: Partial<ChatClientOptions> = {}): ChatClient {
  return new ChatClient({
    endpoint: endpoint.url,
    model: 'judge-1',
    temperature: 0,
    maxTokens: 64,
    seed: 5,
    concurrency: 4,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    tries: 4,
    timeout: 60_000,
    key: undefined,
    timing,
    ...options,
  });
}

const ask = (client = clientWith(), name = 'one', signal = never) => client.complete(MESSAGES, name, signal);

/** What a request that has no answer ends with. */
async function failure(asked: Promise<unknown>): Promise<JudgeError | NoVerdict> {
  const error = await asked.then(
    () => expect(true).toBe('it should have failed'),
    (reason: unknown) => reason,
  );
  if (error instanceof JudgeError || error instanceof NoVerdict) return error;
  throw error;
}

test('what is sent, and what comes back', async () => {
  endpoint.next(says('It is.'));
  const { text, cutOff, tokens } = await ask(clientWith({ temperature: 0.1, key: KEY }));
  expect({ text, cutOff, tokens }).toEqual({ text: 'It is.', cutOff: false, tokens: { prompt: 100, completion: 10 } });
  expect(endpoint.requests.items).toEqual([
    {
      path: '/v1/chat/completions',
      authorization: `Bearer ${KEY}`,
      body: { model: 'judge-1', messages: MESSAGES, temperature: 0.1, max_tokens: 64, seed: 5 },
    },
  ]);
  expect(timing.slept).toEqual([]);
});

test('without a key none is sent', async () => {
  await ask(clientWith(), 'one').catch(() => {});
  expect(endpoint.requests.items[0]?.authorization).toBeUndefined();
});

describe('what another try may mend', () => {
  test.each([408, 409, 425, 429, 500, 502, 503, 529])('HTTP %d', async (status) => {
    endpoint.next(fails(status), says('It is.'));
    expect((await ask()).text).toBe('It is.');
  });

  test.each([
    ['cuts the connection', hangsUp],
    ['cuts it in the middle of an answer', breaksOff],
  ])('an endpoint that %s', async (_, manner) => {
    endpoint.next(manner, says('It is.'));
    expect((await ask()).text).toBe('It is.');
    expect(endpoint.requests.items.length).toBe(2);
  });

  test.each([
    ['hangs', hangs],
    ['stops in the middle of an answer', stalls],
  ])('an endpoint that %s, when its time is over', async (_, manner) => {
    endpoint.next(manner, says('It is.'));
    const asked = ask();
    await endpoint.requests.first(1);
    timing.expire();
    expect((await asked).text).toBe('It is.');
  });

  test('an answer that comes late is not waited for, and not taken for the next one', async () => {
    const late: (() => void)[] = [];
    endpoint.next((request, response) => {
      late.push(() => says('Too late.')(request, response));
    }, says('In time.'));
    const asked = ask();
    await endpoint.requests.first(1);
    timing.expire();
    for (const send of late) send();
    expect((await asked).text).toBe('In time.');
  });

  test('rests grow, and are drawn from a stream of the request', async () => {
    endpoint.always(fails(500));
    const restsOf = async (name: string, seed = 5): Promise<number[]> => {
      timing = new HandTiming();
      await failure(ask(clientWith({ seed, tries: 8 }), name));
      return timing.slept;
    };
    const rests = await restsOf('one');
    expect(rests.length).toBe(7);
    for (const [i, rest] of rests.entries()) {
      const longest = Math.min(30_000, 1000 * 2 ** i);
      expect(rest).toBeGreaterThanOrEqual(longest / 2);
      expect(rest).toBeLessThanOrEqual(longest);
    }
    expect(await restsOf('one')).toEqual(rests);
    expect(await restsOf('two')).not.toEqual(rests);
    expect(await restsOf('one', 6)).not.toEqual(rests);
  });

  test('after the last try it is lost', async () => {
    endpoint.always(fails(503, 'overloaded'));
    const error = await failure(ask());
    expect([error.code, error.message]).toEqual(['lost', 'HTTP 503: overloaded, after 4 tries']);
    expect(endpoint.requests.items.length).toBe(4);
  });

  test('an endpoint that is not there', async () => {
    await endpoint.close();
    const error = await failure(ask());
    expect(error.code).toBe('lost');
    expect(error.message).toMatch(/ECONNREFUSED.*, after 4 tries$/);
    expect(timing.slept.length).toBe(3);
  });

  test('one that never answers says how long was waited', async () => {
    endpoint.always(hangs);
    const asked = failure(ask(clientWith({ tries: 2 })));
    for (const count of [1, 2]) {
      await endpoint.requests.first(count);
      timing.expire();
    }
    expect((await asked).message).toBe('no answer within 60 s, after 2 tries');
  });
});

describe('Retry-After', () => {
  test('in seconds', async () => {
    endpoint.next(fails(429, {}, { 'retry-after': '17' }), says('It is.'));
    expect((await ask()).text).toBe('It is.');
    expect(timing.slept).toEqual([17_000]);
  });

  test('as a date', async () => {
    const dates = { 'retry-after': 'Sat, 01 Jan 2000 00:00:09 GMT', date: 'Sat, 01 Jan 2000 00:00:00 GMT' };
    endpoint.next(fails(503, {}, dates), says('It is.'));
    await ask();
    expect(timing.slept).toEqual([9000]);
  });

  test('holds for all requests of the client', async () => {
    endpoint.next(fails(429, {}, { 'retry-after': '17' }));
    endpoint.always(says('It is.'));
    const client = clientWith({ concurrency: 1 });
    const times: number[] = [];
    await Promise.all(['one', 'two'].map((name) => ask(client, name).then(() => times.push(timing.now()))));
    expect(times).toEqual([17_000, 17_000]);
  });

  test('for longer than anybody should wait: lost at once', async () => {
    endpoint.next(fails(429, { error: { message: 'quota' } }, { 'retry-after': '86400' }));
    expect((await failure(ask())).message).toBe('HTTP 429: quota, which asks to wait 86400 s, after 1 try');
    expect(timing.slept).toEqual([]);
  });
});

describe('what no other try mends', () => {
  test.each([
    ['HTTP 400', fails(400), 'HTTP 400: as the test wants it'],
    ['HTTP 413', fails(413, ''), 'HTTP 413'],
    ['HTTP 302', fails(302, '', { location: '/elsewhere' }), 'HTTP 302'],
    ['something else than JSON', isNoJson, 'HTTP 200 without a chat completion: <html>It works!</html>'],
    ['no choices', hasNoChoices, 'HTTP 200 without a chat completion: {"choices":[]}'],
    ['an answer without end', floods, 'HTTP 200 with more than 4194304 bytes'],
  ])('%s', async (_, manner, message) => {
    endpoint.next(manner);
    const error = await failure(ask());
    expect([error.code, error.message]).toEqual(['refused', message]);
    expect(endpoint.requests.items.length).toBe(1);
  });

  test.each([401, 403])('HTTP %d names the variable of the key', async (status) => {
    endpoint.always(fails(status));
    const without = await failure(ask());
    expect([without.code, without.message]).toEqual([
      'forbidden',
      `judge: ${endpoint.url} wants a key: set it in the environment as RZERO_JUDGE_KEY (HTTP ${status})`,
    ]);
    const refused = await failure(ask(clientWith({ key: KEY })));
    expect(refused.message).toBe(
      `judge: ${endpoint.url} does not accept the key in RZERO_JUDGE_KEY for the model judge-1 (HTTP ${status})`,
    );
  });

  test.each([
    [404, { error: { message: 'The model `judge-1` does not exist.' } }],
    [404, 'Not Found'],
    [400, { error: { code: 'model_not_found', message: 'who?' } }],
  ])('HTTP %d %j is a model that is not there', async (status, body) => {
    endpoint.next(fails(status, body));
    const error = await failure(ask());
    expect(error.code).toBe('unknown_model');
    expect(error.message).toContain('has no model "judge-1"');
    expect(endpoint.requests.items.length).toBe(1);
  });

  test('the other name of the most tokens is found out once', async () => {
    const message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
    endpoint.next(fails(400, { error: { message } }));
    endpoint.always(says('It is.'));
    const client = clientWith();
    await ask(client, 'one');
    await ask(client, 'two');
    const limits = endpoint.requests.items.map(({ body }) => [body.max_tokens, body.max_completion_tokens]);
    expect(limits).toEqual([
      [64, undefined],
      [undefined, 64],
      [undefined, 64],
    ]);
  });
});

describe('the key', () => {
  test.each([400, 401, 403, 404, 429, 500])('is in no error, also where HTTP %d repeats it', async (status) => {
    endpoint.always(echoesKey(status));
    const { message } = await failure(ask(clientWith({ key: KEY, tries: 1 })));
    for (const form of [KEY, JSON.stringify(KEY).slice(1, -1), encodeURIComponent(KEY), KEY.slice(0, 12)]) {
      expect(message).not.toContain(form);
    }
  });

  test('nor where it stands across the place at which a long text is cut', async () => {
    for (let before = 270; before < 310; before++) {
      endpoint.next(fails(500, `${'x'.repeat(before)} ${KEY}`));
      const { message } = await failure(ask(clientWith({ key: KEY, tries: 1 })));
      expect(message).not.toContain(KEY.slice(0, 4));
    }
  });
});

test('control characters of a server reach no terminal', async () => {
  endpoint.next(fails(400, { error: { message: 'a\u001b[31mred\nline\u0007' } }));
  expect((await failure(ask())).message).toBe('HTTP 400: a [31mred line');
});

test('so many at a time and no more', async () => {
  const waiting: (() => void)[] = [];
  endpoint.always((request, response) => {
    waiting.push(() => says('It is.')(request, response));
  });
  const client = clientWith({ concurrency: 2 });
  const all = Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => ask(client, name)));
  for (const count of [2, 3, 4, 5]) {
    await endpoint.requests.first(count);
    expect(endpoint.requests.items.length).toBe(count);
    waiting.shift()?.();
  }
  waiting.shift()?.();
  expect((await all).length).toBe(5);
});

test('tries count for the most requests a minute', async () => {
  endpoint.next(fails(500), fails(500), fails(500));
  endpoint.always(says('It is.'));
  const client = clientWith({ requestsPerMinute: 1, tries: 4 });
  await ask(client);
  expect(timing.now()).toBeGreaterThanOrEqual(180_000);
});

describe('told to stop', () => {
  test('in the middle of a request', async () => {
    endpoint.always(hangs);
    const stop = new AbortController();
    const asked = ask(clientWith(), 'one', stop.signal);
    await endpoint.requests.first(1);
    stop.abort('SIGINT');
    await expect(asked).rejects.toBe('SIGINT');
  });

  test('while it waits for its turn', async () => {
    endpoint.always(hangs);
    const stop = new AbortController();
    const client = clientWith({ concurrency: 1 });
    const asked = ['one', 'two'].map((name) => ask(client, name, stop.signal));
    await endpoint.requests.first(1);
    stop.abort('SIGINT');
    expect(await Promise.allSettled(asked)).toEqual(Array(2).fill({ status: 'rejected', reason: 'SIGINT' }));
    expect(endpoint.requests.items.length).toBe(1);
  });
});
