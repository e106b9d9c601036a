import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createJudge, type JudgeOptions } from '../../../ts/judge/createJudge.ts';
import type { JudgeError } from '../../../ts/judge/errors.ts';
import type { JudgedResponse } from '../../../ts/judge/judge.ts';
import { ChatEndpoint, MANNERS, sectionOf } from '../../fixtures/chatEndpoint.ts';
import { HandTiming } from '../../fixtures/handTiming.ts';

const { says, judges, fails, isNoJson, hangs, echoesKey } = MANNERS;
const never = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), 'rzero-judge-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let endpoint: ChatEndpoint;
let timing: HandTiming;
beforeEach(async () => {
  endpoint = await ChatEndpoint.start();
  timing = new HandTiming();
});
afterEach(() => endpoint.close());

const judgeWith = (options: Partial<JudgeOptions> = {}) =>
  createJudge({ endpoint: endpoint.url, model: 'judge-1', env: {}, timing, tries: 3, ...options });

const pair = (gold: string, answer: string, question = 'How many?'): JudgedResponse => ({ question, gold, answer });
const wrongOnes = (count: number) => Array.from({ length: count }, (_, i) => pair('0', `${i + 1}`));

describe('verdicts', () => {
  test('one a response, in order, of the answer by the reference and not the other way round', async () => {
    // Right where the reference is 42, whatever the candidate is: only who is shown them in their places answers this.
    endpoint.always((request, response) => {
      const right = sectionOf(request, 'REFERENCE ANSWER') === '42';
      says(`VERDICT: ${right ? 'right' : 'wrong'}`)(request, response);
    });
    const responses = [pair('42', '7'), pair('7', '42'), pair('42', 'the sum of 40 and 2')];
    expect(await judgeWith().judge(responses, never)).toEqual([true, false, true]);
    expect(endpoint.requests.items.map((request) => sectionOf(request, 'QUESTION'))).toEqual(
      Array(3).fill('How many?'),
    );
  });

  test('what is not a verdict is null and never a no', async () => {
    endpoint.next(judges, says('No.'), says('VERDICT: right', { finish_reason: 'length' }), fails(400), isNoJson);
    const judge = judgeWith({ concurrency: 1 });
    expect(await judge.judge([pair('1', '1'), ...wrongOnes(4)], never)).toEqual([true, null, null, null, null]);
    expect(judge.summary()).toMatch(
      /^judge judge-1: 5 answers judged, 5 asked for \(300 tokens in, 30 out\), 4 missing: 1 without a verdict in the text; 1 cut off at 4096 tokens; 1 HTTP 400: as the test wants it; \.\.\.$/,
    );
  });

  test('a response whose answer never comes is missing, and the others are judged', async () => {
    endpoint.always((request, response) => {
      const manner = sectionOf(request, 'CANDIDATE ANSWER') === '2' ? fails(500) : judges;
      manner(request, response);
    });
    const judge = judgeWith();
    expect(await judge.judge(wrongOnes(4), never)).toEqual([false, null, false, false]);
    expect(judge.summary()).toContain('1 missing: 1 HTTP 500: as the test wants it, after 3 tries');
  });

  test('a blank answer is wrong, and nobody is asked', async () => {
    const judge = judgeWith();
    expect(await judge.judge([pair('1', ''), pair('1', ' \n')], never)).toEqual([false, false]);
    expect(endpoint.requests.items).toEqual([]);
    expect(judge.summary()).toBe('judge judge-1: 2 answers judged, 0 asked for (0 tokens in, 0 out), none is missing');
  });

  test('none of nothing', async () => {
    expect(await judgeWith().judge([], never)).toEqual([]);
  });
});

describe('asked once', () => {
  test('the same several times, in a call and in several calls at a time', async () => {
    const judge = judgeWith();
    const [first, second] = await Promise.all([
      judge.judge([pair('1', '1'), pair('1', '2'), pair('1', '1')], never),
      judge.judge([pair('1', '2'), pair('1', '1')], never),
    ]);
    expect([first, second]).toEqual([
      [true, false, true],
      [false, true],
    ]);
    expect(await judge.judge([pair('1', '1')], never)).toEqual([true]);
    expect(endpoint.requests.items.length).toBe(2);
  });

  test('also by the next judge with the file, but not by another model or at another temperature', async () => {
    const cacheFile = join(folder, 'shared.jsonl');
    await judgeWith({ cacheFile }).judge([pair('1', '1')], never);
    endpoint.always(fails(500));
    expect(await judgeWith({ cacheFile }).judge([pair('1', '1')], never)).toEqual([true]);
    endpoint.always(says('VERDICT: wrong'));
    expect(await judgeWith({ cacheFile, model: 'other' }).judge([pair('1', '1')], never)).toEqual([false]);
    expect(await judgeWith({ cacheFile, temperature: 0.1 }).judge([pair('1', '1')], never)).toEqual([false]);
    expect(endpoint.requests.items.length).toBe(3);
  });

  test('what had no verdict is asked again by the next call, and not kept', async () => {
    const cacheFile = join(folder, 'missing.jsonl');
    const judge = judgeWith({ cacheFile });
    endpoint.next(says('Hm.'));
    expect(await judge.judge([pair('1', '1'), pair('1', '1')], never)).toEqual([null, null]);
    expect(readFileSync(cacheFile, 'utf8')).toBe('');
    expect(await judge.judge([pair('1', '1')], never)).toEqual([true]);
    expect(endpoint.requests.items.length).toBe(2);
  });

  test('a call that is told to stop does not take with it another that waits for the same', async () => {
    endpoint.next(hangs);
    const stop = new AbortController();
    const judge = judgeWith();
    const stopped = judge.judge([pair('1', '1')], stop.signal);
    await endpoint.requests.first(1);
    const other = judge.judge([pair('1', '1')], never);
    stop.abort('SIGINT');
    await expect(stopped).rejects.toBe('SIGINT');
    expect(await other).toEqual([true]);
  });
});

/** What keeps the whole judge from judging. */
async function failure(options: Partial<JudgeOptions>, count = 20): Promise<JudgeError> {
  return (await judgeWith(options)
    .judge(wrongOnes(count), never)
    .catch((error: unknown) => error)) as JudgeError;
}

describe('an endpoint that cannot be asked', () => {
  test.each([1, 20])('is not there: an error for %d answers, and not as many lost verdicts', async (count) => {
    await endpoint.close();
    const error = await failure({}, count);
    expect(error.code).toBe('unavailable');
    expect(error.message).toMatch(/^judge: http:\S+ does not answer: .*ECONNREFUSED.*, after 3 tries$/);
  });

  test('fails always', async () => {
    endpoint.always(fails(500));
    expect((await failure({ concurrency: 1 })).code).toBe('unavailable');
    expect(endpoint.requests.items.length).toBe(3);
  });

  test('goes away for good in the middle: an error, and what was had stays', async () => {
    const cacheFile = join(folder, 'gone.jsonl');
    endpoint.next(judges, judges, judges);
    endpoint.always(fails(503));
    expect((await failure({ cacheFile, concurrency: 1 })).code).toBe('unavailable');
    // Three that were answered, and eight that were tried three times.
    expect(endpoint.requests.items.length).toBe(3 + 8 * 3);
    expect(readFileSync(cacheFile, 'utf8').split('\n').length - 1).toBe(3);
  });

  test('refuses whatever it is asked', async () => {
    endpoint.always(fails(400, { error: { message: 'temperature 0 is not supported' } }));
    const error = await failure({});
    expect([error.code, error.message]).toEqual([
      'wrong_options',
      `judge: ${endpoint.url} refuses what it is asked: HTTP 400: temperature 0 is not supported`,
    ]);
  });

  test.each([
    [401, 'forbidden'],
    [403, 'forbidden'],
    [404, 'unknown_model'],
  ])('HTTP %d ends it at the first', async (status, code) => {
    endpoint.always(fails(status));
    expect((await failure({ concurrency: 1 })).code).toBe(code);
    expect(endpoint.requests.items.length).toBe(1);
  });

  test('the key is in no error, no summary and no file', async () => {
    const key = 'a-key-that-looks-like-nothing';
    const cacheFile = join(folder, 'secret.jsonl');
    endpoint.next(
      judges,
      says(`VERDICT: right ${key}`),
      echoesKey(400),
      echoesKey(500),
      echoesKey(500),
      echoesKey(500),
    );
    const judge = judgeWith({ env: { RZERO_JUDGE_KEY: key }, concurrency: 1, cacheFile });
    expect(await judge.judge(wrongOnes(4), never)).toEqual([false, null, null, null]);
    expect(endpoint.requests.items[0]?.authorization).toBe(`Bearer ${key}`);
    expect(judge.summary()).toContain('[redacted]');
    for (const text of [judge.summary(), readFileSync(cacheFile, 'utf8')]) expect(text).not.toContain(key);
  });
});

describe('options', () => {
  test.each<[Partial<JudgeOptions>, string]>([
    [{ model: ' ' }, 'model is ""'],
    [{ temperature: -1 }, 'temperature is -1, allowed are numbers from 0'],
    [{ temperature: Number.NaN }, 'temperature is NaN'],
    [{ concurrency: 0 }, 'concurrency is 0, allowed are whole numbers from 1'],
    [{ tries: 1.5 }, 'tries is 1.5'],
    [{ maxTokens: 0 }, 'maxTokens is 0'],
    [{ requestsPerMinute: 0 }, 'requestsPerMinute is 0, allowed are numbers above 0'],
    [{ timeoutSeconds: 301 }, 'timeoutSeconds is 301, allowed are numbers up to 300'],
    [{ seed: 0.5 }, 'seed is 0.5'],
    [{ endpoint: 'localhost:8000' }, 'the endpoint is no base URL such as http://localhost:8000/v1'],
    [{ endpoint: 'ftp://host/v1' }, 'the endpoint is no base URL'],
    [{ endpoint: 'http://host/v1?key=x' }, 'the endpoint is no base URL'],
  ])('%j', (options, message) => {
    expect(() => judgeWith(options)).toThrow(message);
  });

  test('an endpoint with a password is not repeated', () => {
    expect(() => judgeWith({ endpoint: 'https://me:hunter22@host/v1' })).toThrow(/^(?!.*hunter22)judge: the endpoint/);
  });

  test('a key that cannot be sent is not repeated', () => {
    const env = { RZERO_JUDGE_KEY: 'two\nlines' };
    expect(() => judgeWith({ env })).toThrow(/^(?!.*lines)judge: RZERO_JUDGE_KEY is no key/);
  });

  test('slashes at the end, and blanks around a key, do not matter', async () => {
    const judge = judgeWith({ endpoint: `${endpoint.url}//`, env: { RZERO_JUDGE_KEY: ' key-1\n' } });
    expect(judge).toMatchObject({ endpoint: endpoint.url, model: 'judge-1', temperature: 0 });
    await judge.judge([pair('1', '1')], never);
    expect(endpoint.requests.items[0]).toMatchObject({ path: '/v1/chat/completions', authorization: 'Bearer key-1' });
  });

  test.each([
    ['http://gpu.example/v1', 'k', 1],
    ['http://gpu.example/v1', '', 0],
    ['https://gpu.example/v1', 'k', 0],
    ['http://localhost:8000/v1', 'k', 0],
    ['http://127.0.0.1:8000/v1', 'k', 0],
    ['http://[::1]:8000/v1', 'k', 0],
  ])('%s with the key %j warns %d times', (address, key, times) => {
    const told: string[] = [];
    judgeWith({ endpoint: address, env: { RZERO_JUDGE_KEY: key }, warn: (text) => told.push(text) });
    expect(told.length).toBe(times);
  });
});
