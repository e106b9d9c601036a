import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { cli } from './cli.ts';
import { start } from './process.ts';

const lines = (...records: unknown[]): string[] => records.map((record) => `${JSON.stringify(record)}\n`);
const answers = (out: string) =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

describe('rzero grade', () => {
  test('a verdict for each pair, whatever form either side has', async () => {
    const input = lines(
      { id: 'bare', gold: '1/2', pred: '0.5' },
      { id: 'math', gold: '$\\frac{1}{2}$', pred: '\\(0.5\\)' },
      { id: 'box', gold: 'We find \\boxed{1/2}.', pred: 'First 7, then 3. So \\boxed{0.5}' },
      { id: 'said', gold: '12', pred: 'There are 3 and 4. The answer is 12.' },
      { id: 'other', gold: '1/2', pred: '0.6' },
      { id: 'none', gold: '1/2', pred: null },
      { gold: '1', pred: '\\boxed{' },
      { id: 'no gold', gold: '\\boxed{}', pred: '1' },
    );
    const { exitCode, out, err } = await cli(['grade'], { input });
    expect([exitCode, err]).toEqual([0, '']);
    expect(answers(out)).toEqual([
      ...['bare', 'math', 'box', 'said'].map((id) => ({ id, equal: true, reason: expect.any(String) })),
      { id: 'other', equal: false, reason: expect.any(String) },
      { id: 'none', equal: false, reason: 'no answer in the prediction' },
      { equal: false, reason: 'no answer in the prediction' },
      { id: 'no gold', equal: null, reason: 'no answer in the gold text' },
    ]);
  });

  test('--rule says where the answer of pred is', async () => {
    const input = lines({ id: 1, gold: '5', pred: 'it is 5' });
    expect(answers((await cli(['grade', '--rule', 'boxed'], { input })).out)[0].equal).toBe(false);
    expect(answers((await cli(['grade', '--rule', 'last-number'], { input })).out)[0].equal).toBe(true);
  });

  test('sentences that come down to one number are not the same for that', async () => {
    const sentence = (word: string) => `The map $f$ of those that we ${word} on all numbers up to 5`;
    const [same, other] = [sentence('like'), sentence('hate')];
    const { out } = await cli(['grade'], { input: lines({ gold: same, pred: same }, { gold: same, pred: other }) });
    expect(answers(out).map(({ equal }) => equal)).toEqual([true, null]);
  });
});

describe('rzero extract', () => {
  test('the answer of each text, null where there is none', async () => {
    const prompt = 'Put it in \\boxed{0}.';
    const input = lines(
      { id: 1, text: 'so \\boxed{\\frac{1}{2}}' },
      { id: 2, text: 'none' },
      { id: 3, text: `${prompt} I will not.`, prompt },
    );
    const { exitCode, out } = await cli(['extract'], { input });
    expect(exitCode).toBe(0);
    expect(answers(out)).toEqual([
      { id: 1, answer: '\\frac{1}{2}' },
      { id: 2, answer: null },
      { id: 3, answer: null },
    ]);
  });

  test('--rule and --after', async () => {
    const input = lines({ id: 1, text: 'The answer is 1.</think>The answer is' });
    expect(answers((await cli(['extract', '--rule', 'boxed-or-text'], { input })).out)[0].answer).toBe('1');
    const after = ['extract', '--rule', 'boxed-or-text', '--after', '</think>'];
    expect(answers((await cli(after, { input })).out)[0].answer).toBeNull();
  });
});

describe('rzero vote', () => {
  const input = lines({ id: 1, answers: ['1/2', '3', '0.5', null, '', null, null] });

  test('the majority with its share of all, and every sample by class', async () => {
    const { exitCode, out } = await cli(['vote'], { input });
    expect(exitCode).toBe(0);
    expect(answers(out)).toEqual([
      {
        id: 1,
        answer: '1/2',
        share: 2 / 7,
        classes: [
          { kind: 'answer', answer: '1/2', members: [0, 2] },
          { kind: 'answer', answer: '3', members: [1] },
          { kind: 'no-box', answer: null, members: [3, 5, 6] },
          { kind: 'empty', answer: '', members: [4] },
        ],
      },
    ]);
  });

  test('--rules of the published code', async () => {
    const { out } = await cli(['vote', '--rules', 'repo-head'], { input });
    expect(answers(out)[0]).toMatchObject({ answer: null, share: 3 / 7 });
  });

  test('--rule reads the answers from whole outputs', async () => {
    const outputs = lines({ id: 1, answers: ['so \\boxed{2}', '\\boxed{2.0}.', '7'] });
    const { out } = await cli(['vote', '--rule', 'boxed'], { input: outputs });
    expect(answers(out)[0]).toMatchObject({ answer: '2', share: 2 / 3 });
  });

  test('nobody answered', async () => {
    const { out } = await cli(['vote'], { input: lines({ id: 1, answers: [] }) });
    expect(answers(out)).toEqual([{ id: 1, answer: null, share: 0, classes: [] }]);
  });
});

const COMMANDS = [
  ['grade', { id: 9, gold: '1', pred: '1' }, 'gold'],
  ['extract', { id: 9, text: '\\boxed{1}' }, 'text'],
  ['vote', { id: 9, answers: ['1'] }, 'answers'],
] as const;

describe.each(COMMANDS)('rzero %s', (command, good, field) => {
  const wrong = { ...good, [field]: 5 };
  const { [field]: _, ...missing } = good as Record<string, unknown>;

  test('bad lines are named, the good ones answered, and the exit code is 65', async () => {
    const input = [...lines(good, wrong), '{\n', '\n', ...lines(missing, [good], { ...good, id: {} }, good)];
    const { exitCode, out, err } = await cli([command], { input });
    expect(exitCode).toBe(65);
    expect(answers(out).map(({ id }) => id)).toEqual([9, 9]);
    expect(err.split('\n').map((line) => line.slice(0, 15))).toEqual([
      ...[2, 3, 5, 6, 7].map((number) => `rzero: line ${number}: `.slice(0, 15)),
      '',
    ]);
    expect(err).toContain(`line 2: "${field}" is 5: it must be`);
    expect(err).toContain(`line 5: "${field}" is missing: it must be`);
  });

  test('nothing in, nothing out', async () => {
    expect(await cli([command], { input: [] })).toEqual({ exitCode: 0, out: '', err: '' });
  });

  test('a line of a megabyte, in pieces', async () => {
    const text = 'x'.repeat(1e6);
    const long = { id: 1, gold: text, pred: text, text, answers: [text] };
    const [line = ''] = lines(long);
    const pieces = Array.from({ length: 32 }, (_, n) =>
      line.slice((n * line.length) / 32, ((n + 1) * line.length) / 32),
    );
    const { exitCode, out } = await cli([command], { input: [...pieces, ...lines(good)] });
    expect(exitCode).toBe(0);
    expect(answers(out).map(({ id }) => id)).toEqual([1, 9]);
  });

  test('the last line needs no newline', async () => {
    const { out } = await cli([command], { input: lines(good).map((line) => line.trimEnd()) });
    expect(answers(out)).toHaveLength(1);
  });

  test('a flag that names nothing is wrong usage, and no line is read', async () => {
    const { exitCode, out, err } = await cli([command, '--rule', 'guess'], { input: lines(good) });
    expect([exitCode, out]).toEqual([2, '']);
    expect(err).toContain('--rule guess: allowed are boxed, boxed-or-text, choice, last-number, any');
  });

  test('--help shows how it is used', async () => {
    const { exitCode, out } = await cli([command, '--help']);
    expect(exitCode).toBe(0);
    expect(out).toContain(`rzero ${command}`);
    expect(out).toContain('< ');
    expect(out).toContain('65 unusable model or data');
  });
});

describe('as a process', () => {
  test('answers each line before it wants the next', async () => {
    const { child, ended } = start(['extract']);
    for (const answer of ['1', '2']) {
      child.stdin.write(`{"text":"\\\\boxed{${answer}}"}\n`);
      const [line] = await once(child.stdout, 'data');
      expect(JSON.parse(line)).toEqual({ answer });
    }
    child.stdin.end();
    expect(await ended).toEqual({ exitCode: 0, err: '' });
  }, 60_000);

  test('a reader that goes away ends it quietly', async () => {
    const { child, ended } = start(['extract']);
    const feed = setInterval(() => child.stdin.write('{"text":"\\\\boxed{1}"}\n'.repeat(1000)), 1);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await ended).toEqual({ exitCode: 0, err: '' });
    clearInterval(feed);
  }, 60_000);

  test('Ctrl-C ends it while it waits for a line', async () => {
    const { child, ended } = start(['grade']);
    child.stdin.write('{"gold":"1","pred":"1"}\n');
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    expect((await ended).exitCode).toBe(130);
  }, 60_000);
});
