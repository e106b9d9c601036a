import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ChatEndpoint, MANNERS, sectionOf } from '../fixtures/chatEndpoint.ts';
import { cli, temporaryFolder } from './cli.ts';
import { start } from './process.ts';

const { judges, says, fails, echoesKey, hangs } = MANNERS;
const KEY = 'a-key-that-looks-like-nothing';
const home = temporaryFolder();
afterAll(home.remove);

let endpoint: ChatEndpoint;
beforeEach(async () => {
  endpoint = await ChatEndpoint.start();
});
afterEach(() => endpoint.close());

const lines = (...records: object[]): string[] => records.map((record) => `${JSON.stringify(record)}\n`);
const pair = (id: number, gold: string, pred: string | null) => ({ id, question: `Question ${id}?`, gold, pred });
const answers = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const judge = (input: string[], args: string[] = [], env: NodeJS.ProcessEnv = {}) =>
  cli(['judge', '--endpoint', endpoint.url, '--model', 'judge-1', ...args], {
    input,
    env: { RZERO_JUDGE_KEY: undefined, ...env },
    workingFolder: home.path,
  });

describe('rzero judge', () => {
  test('the rule and the judge on each line, and how far they agree', async () => {
    endpoint.always((request, response) => {
      const [reference, candidate] = ['REFERENCE ANSWER', 'CANDIDATE ANSWER'].map((name) => sectionOf(request, name));
      const manner = candidate === '0.5' ? says('VERDICT: wrong') : candidate === '99' ? says('Hm.') : judges;
      if (reference === 'red' && candidate === 'So it is the colour of blood.')
        says('VERDICT: right')(request, response);
      else manner(request, response);
    });
    const input = lines(
      pair(1, '7', 'First 3. So \\boxed{7}.'),
      pair(2, '7', '\\boxed{8}'),
      pair(3, '1/2', '\\boxed{0.5}'),
      pair(4, 'red', 'So it is the colour of blood.'),
      pair(5, '7', '\\boxed{99}'),
      pair(6, '7', null),
    );
    const { exitCode, out, err } = await judge(input);
    expect(answers(out)).toEqual([
      { id: 1, rule: true, judge: true },
      { id: 2, rule: false, judge: false },
      { id: 3, rule: true, judge: false },
      { id: 4, rule: false, judge: true },
      { id: 5, rule: false, judge: null },
      { id: 6, rule: false, judge: false },
    ]);
    expect(exitCode).toBe(0);
    expect(err).toBe(
      [
        'judge judge-1: 6 answers judged, 5 asked for (500 tokens in, 50 out), 1 missing: 1 without a verdict in the text',
        '             judge: right  judge: wrong',
        'rule: right             1             1',
        'rule: wrong             1             2',
        "they agree on 60.0 % of what was judged, Cohen's kappa 0.17; the judge gives 1, takes 1; 1 without a verdict",
        '',
      ].join('\n'),
    );
  });

  test('--cache: nothing is asked twice, from one time to the next', async () => {
    const input = lines(pair(1, '7', '7'), pair(2, '7', '8'));
    const first = await judge(input, ['--cache', 'verdicts.jsonl']);
    endpoint.always(fails(500));
    const second = await judge(input, ['--cache', 'verdicts.jsonl']);
    expect(second.out).toBe(first.out);
    expect(second.err).toContain('0 asked for');
    expect(readFileSync(join(home.path, 'verdicts.jsonl'), 'utf8').split('\n').length - 1).toBe(2);
  });

  test('options go to the endpoint', async () => {
    await judge(lines(pair(1, '7', '7')), ['--temperature', '0.1', '--max-tokens', '50'], { RZERO_JUDGE_KEY: KEY });
    expect(endpoint.requests.items).toEqual([
      {
        path: '/v1/chat/completions',
        authorization: `Bearer ${KEY}`,
        body: expect.objectContaining({ model: 'judge-1', temperature: 0.1, max_tokens: 50, seed: 0 }),
      },
    ]);
  });

  test('bad lines are named, the others judged, and the exit code is 65', async () => {
    const input = lines(pair(1, '7', '7'), { id: 2, gold: '7', pred: '7' }, { ...pair(3, '7', '7'), pred: 7 });
    const { exitCode, out, err } = await judge(input);
    expect([exitCode, answers(out)]).toEqual([65, [{ id: 1, rule: true, judge: true }]]);
    expect(err).toContain('rzero: line 2: "question" is missing: it must be a string\n');
    expect(err).toContain('rzero: line 3: "pred" is 7: it must be a string or null\n');
  });

  test('nothing in, nothing out', async () => {
    const { exitCode, out, err } = await judge([]);
    expect([exitCode, out]).toEqual([0, '']);
    expect(err).toContain("nothing was judged, Cohen's kappa is undefined");
  });

  test.each([
    [['--temperature', 'hot'], 2, '--temperature hot: allowed are numbers'],
    [['--concurrency', ''], 2, '--concurrency : allowed are numbers'],
    [['--rule', 'guess'], 2, '--rule guess: allowed are'],
    [['--concurrency', '0'], 78, 'concurrency is 0, allowed are whole numbers from 1'],
    [['--requests-per-minute', '-1'], 78, 'requestsPerMinute is -1'],
  ])('%j', async (args, code, message) => {
    const { exitCode, err } = await judge(lines(pair(1, '7', '7')), args);
    expect([exitCode, endpoint.requests.items.length]).toEqual([code, 0]);
    expect(err).toContain(message);
  });

  test('an endpoint and a model are needed', async () => {
    const { exitCode, err } = await cli(['judge', '--model', 'judge-1'], { input: [] });
    expect(exitCode).toBe(2);
    expect(err).toContain("required option '--endpoint <url>' not specified");
  });
});

describe('as a process', () => {
  /** Judge lines at a time in a process of its own, whose time is real. */
  async function run(url: string, env: NodeJS.ProcessEnv = {}, input = lines(pair(1, '7', '7'))) {
    const args = ['judge', '--endpoint', url, '--model', 'judge-1', '--concurrency', String(input.length)];
    const { child, ended } = start(args, home.path, { RZERO_JUDGE_KEY: undefined, ...env });
    let out = '';
    child.stdout.on('data', (data) => {
      out += data;
    });
    child.stdin.end(input.join(''));
    return { ...(await ended), out };
  }

  test('0: it is judged', async () => {
    const { exitCode, out } = await run(endpoint.url);
    expect([exitCode, out]).toEqual([0, '{"id":1,"rule":true,"judge":true}\n']);
  }, 60_000);

  test('0: when all have rested, of which nobody is warned', async () => {
    const input = lines(...Array.from({ length: 12 }, (_, i) => pair(i, '7', `${i}`)));
    endpoint.next(...Array(12).fill(fails(503)));
    const { exitCode, out, err } = await run(endpoint.url, {}, input);
    expect([exitCode, answers(out).length, endpoint.requests.items.length]).toEqual([0, 12, 24]);
    expect(err).not.toContain('Warning');
  }, 60_000);

  test('69: the endpoint asks for more patience than anybody has', async () => {
    endpoint.always(fails(503, { error: { message: 'gone fishing' } }, { 'retry-after': '86400' }));
    const { exitCode, out, err } = await run(endpoint.url);
    expect([exitCode, out]).toEqual([69, '']);
    expect(err).toBe(
      `rzero: judge: ${endpoint.url} does not answer: HTTP 503: gone fishing, which asks to wait 86400 s, after 1 try\n`,
    );
  }, 60_000);

  test('77: it does not accept the key, which is nowhere', async () => {
    endpoint.always(echoesKey(401));
    const { exitCode, out, err } = await run(endpoint.url, { RZERO_JUDGE_KEY: KEY });
    expect([exitCode, out]).toEqual([77, '']);
    expect(err).toBe(
      `rzero: judge: ${endpoint.url} does not accept the key in RZERO_JUDGE_KEY for the model judge-1 (HTTP 401)\n`,
    );
  }, 60_000);

  test('78: it does not have the model', async () => {
    endpoint.always(fails(404, { error: { message: 'The model `judge-1` does not exist.' } }));
    const { exitCode, err } = await run(endpoint.url);
    expect(exitCode).toBe(78);
    expect(err).toMatch(/^rzero: judge: \S+ has no model "judge-1", or is no base URL .*\n$/);
  }, 60_000);

  test('130: Ctrl-C while it waits for a verdict', async () => {
    endpoint.always(hangs);
    const { child, ended } = start(['judge', '--endpoint', endpoint.url, '--model', 'judge-1'], home.path);
    child.stdin.write(lines(pair(1, '7', '7')).join(''));
    await endpoint.requests.first(1);
    child.kill('SIGINT');
    expect((await ended).exitCode).toBe(130);
  }, 60_000);
});
