import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { cli, temporaryFolder } from './cli.ts';
import { start } from './process.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const inHome = (name: string) => join(home.path, name);
const run = (args: string[], ...lines: (object | string)[]) =>
  cli(args, {
    workingFolder: home.path,
    input: [lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')],
  });
const parsed = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

const HALF = ['5', '5', '5', '5', '5', '1', '2', '3', '4', null];

describe('rzero score', () => {
  const batch = [
    { id: 'a', output: '<question>one two three four</question>\\boxed{5}', answers: HALF },
    { id: 'b', output: 'no question', answers: [] },
  ];

  test.each([
    ['paper', [0.5, 0]], //         1 - 1/2; malformed
    ['repo-head', [0, -1.5]], //    1/2 - 1/2; -1 - 1/2
    ['repo-2025', [0, -1.5]], //    the gate is open: 5 is the last character of 5
  ])('--preset %s', async (preset, totals) => {
    const { exitCode, out, err } = await run(['score', '--preset', preset], ...batch);
    expect([exitCode, err]).toEqual([0, '']);
    const lines = parsed(out);
    expect(lines.map(({ id, question, total }) => [id, question, total])).toEqual([
      ['a', 'one two three four', totals[0]],
      ['b', null, totals[1]],
    ]);
    expect(lines[0]).toMatchObject({ label: '5', agreement: 0.5, repetition: 0.5, format: 1, validity: 1 });
  });

  test('paper is the default; a part is changed by --set', async () => {
    const { out } = await run(['score', '--set', 'rewards.challenger.repetitionWeight=0.5'], ...batch);
    expect(parsed(out)[0].total).toBe(0.75);
  });

  test("a reward of one's own", async () => {
    writeFileSync(inHome('mine.mjs'), 'export default (batch) => batch.map(({ text }) => text.length);');
    const { out, exitCode } = await run(['score', '--set', 'rewards.challenger=./mine.mjs'], ...batch);
    expect(exitCode).toBe(0);
    expect(parsed(out).map(({ total }) => total)).toEqual(batch.map(({ output }) => output.length));
    writeFileSync(inHome('bad.mjs'), 'export default () => [];');
    const bad = await run(['score', '--set', 'rewards.challenger=./bad.mjs'], ...batch);
    expect([bad.exitCode, bad.out]).toEqual([78, '']);
    expect(bad.err).toBe(
      'rzero: rewards.challenger.module ./bad.mjs: it returned 0 rewards for 2 proposals, allowed is one each\n',
    );
  });

  test('bad lines are named and not part of the batch', async () => {
    const [first] = batch;
    const { exitCode, out, err } = await run(
      ['score'],
      'nonsense',
      { id: 1, answers: [] },
      { ...first, answers: [] },
      { ...first, answers: [5] },
      first as object,
    );
    expect(exitCode).toBe(65);
    expect(parsed(out).map(({ id, repetition }) => [id, repetition])).toEqual([['a', 1]]);
    expect(err).toMatch(/^rzero: line 1: not JSON/);
    expect(err).toMatch(/line 2: "output" is missing/);
    expect(err).toMatch(/line 3: "answers" is \[\]: it must be a list of at least one where the output has a question/);
    expect(err).toMatch(/line 4: "answers\[0\]" is 5/);
  });

  test('nothing in, nothing out', async () => {
    expect(await run(['score'])).toEqual({ exitCode: 0, out: '', err: '' });
  });
});

describe('rzero curriculum', () => {
  const easy = new Array(10).fill('5');
  const candidates = [
    { id: 1, question: 'Half?', answers: HALF },
    { id: 2, question: 'All?', answers: easy },
    { id: 3, question: ' half', answers: HALF },
    { question: 'No id?', answers: HALF },
    { id: 5, question: ' ', answers: HALF },
    { id: 6, question: 'None?', answers: [null, null] },
  ];

  test('the kept ones in order, counts on stderr', async () => {
    const { exitCode, out, err } = await run(['curriculum'], ...candidates);
    expect(exitCode).toBe(0);
    expect(parsed(out)).toEqual([
      { id: 1, question: 'Half?', answer: '5', share: 0.5 },
      { id: 3, question: ' half', answer: '5', share: 0.5 },
      { question: 'No id?', answer: '5', share: 0.5 },
    ]);
    expect(err).toBe('kept 3 of 6 (50.0 %); dropped: malformed 1, no_label 1, too_easy 1\n');
  });

  test('a report, and which each gate dropped', async () => {
    const args = ['--set', 'questions.duplicates=drop', '--report', 'report.json', '--drops', 'drops.jsonl'];
    const { out } = await run(['curriculum', ...args], ...candidates);
    expect(parsed(out).map(({ id }) => id)).toEqual([1, undefined]);
    expect(JSON.parse(readFileSync(inHome('report.json'), 'utf8'))).toMatchObject({
      preset: 'paper',
      candidates: 6,
      kept: 2,
      dropped: { malformed: 1, duplicate: 1, no_label: 1, too_easy: 1, too_hard: 0 },
    });
    expect(parsed(readFileSync(inHome('drops.jsonl'), 'utf8'))).toEqual([
      { id: 2, gate: 'too_easy' },
      { id: 3, gate: 'duplicate' },
      { id: 5, gate: 'malformed' },
      { id: 6, gate: 'no_label' },
    ]);
  });

  test('a dataset folder in place of stdout', async () => {
    const { out } = await run(['curriculum', '--dataset', 'kept'], ...candidates);
    expect(out).toBe('');
    expect(parsed(readFileSync(inHome('kept/data/train.jsonl'), 'utf8'))).toHaveLength(3);
    expect(readFileSync(inHome('kept/README.md'), 'utf8')).toMatch(/path: data\/train\.jsonl/);
  });

  test('the dataset as Parquet, with the same rows', async () => {
    const unicode = { id: 'ü', question: 'Wie viel ist ½ · 𝟜? 数', answers: HALF };
    const args = ['curriculum', '--dataset', 'columns', '--dataset-format', 'parquet'];
    const { out, exitCode } = await run(args, ...candidates, unicode);
    expect([out, exitCode]).toEqual(['', 0]);
    expect(readdirSync(inHome('columns/data'))).toEqual(['train.parquet']);
    expect(readFileSync(inHome('columns/README.md'), 'utf8')).toMatch(/path: data\/train\.parquet/);
    const file = await asyncBufferFromFile(inHome('columns/data/train.parquet'));
    expect(await parquetReadObjects({ file })).toEqual([
      { id: '1', question: 'Half?', answer: '5', share: 0.5 },
      { id: '3', question: ' half', answer: '5', share: 0.5 },
      { id: null, question: 'No id?', answer: '5', share: 0.5 },
      { id: 'ü', question: unicode.question, answer: '5', share: 0.5 },
    ]);
  });

  test.each(['jsonl', 'parquet'])(
    'Ctrl-C leaves no dataset: %s',
    async (format) => {
      const args = ['curriculum', '--dataset', `stopped-${format}`, '--dataset-format', format];
      const { child, ended } = start(args, home.path);
      child.stdin.write(`${JSON.stringify(candidates[0])}\nbad\n`);
      // The bad line is named after the candidate was kept.
      await once(child.stderr, 'data');
      expect(readdirSync(inHome(`stopped-${format}/data`))).toEqual([`train.${format}.tmp`]);
      child.kill('SIGINT');
      expect((await ended).exitCode).toBe(130);
      expect(readdirSync(inHome(`stopped-${format}`), { recursive: true })).toEqual(['data']);
    },
    60_000,
  );

  test('a format needs a name there is, and a dataset', async () => {
    const unknown = await run(['curriculum', '--dataset', 'none', '--dataset-format', 'csv']);
    expect(unknown.exitCode).toBe(2);
    expect(unknown.err).toContain('--dataset-format csv: allowed are jsonl, parquet');
    expect(existsSync(inHome('none'))).toBe(false);
    const alone = await run(['curriculum', '--dataset-format', 'parquet']);
    expect([alone.exitCode, alone.err]).toEqual([2, expect.stringContaining('allowed with --dataset only')]);
  });

  test("the presets' bands: 7 of 9 and 8 of 9", async () => {
    const of = (votes: number) => ({
      question: `q${votes}`,
      answers: [...new Array(votes).fill('5'), ...HALF.slice(5, 14 - votes)],
    });
    const kept = async (preset: string) =>
      parsed((await run(['curriculum', '--preset', preset], of(7), of(8))).out).map(({ question }) => question);
    expect(await kept('repo-head')).toEqual(['q7']);
    expect(await kept('paper')).toEqual([]); // 7 of 9 is 0.78
  });

  test('bad lines are named, the others answered; wrong usage is refused', async () => {
    const bad = await run(['curriculum'], { id: 1, question: 'q' }, candidates[0] as object);
    expect([bad.exitCode, parsed(bad.out).length]).toEqual([65, 1]);
    expect(bad.err).toMatch(/line 1: "answers" is missing/);
    expect((await run(['curriculum', '--remember', '0'])).exitCode).toBe(2);
    expect((await run(['curriculum', '--preset', 'papper'])).exitCode).toBe(78);
    expect(existsSync(inHome('papper'))).toBe(false);
  });
});
