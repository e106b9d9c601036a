import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Item } from '../../ts/benchmarks/benchmark.ts';
import { solverConversation } from '../../ts/domain/prompts.ts';
import { mean, standardDeviation } from '../../ts/domain/statistics.ts';
import type { Figure } from '../../ts/eval/figures.ts';
import type { MarkRecord, ResponseRecord } from '../../ts/eval/response.ts';
import type { ScoresDocument } from '../../ts/eval/scoresDocument.ts';
import { python } from '../fixtures/python.ts';
import { cli, SMALL, temporaryFolder } from './cli.ts';

/** Sums in batches round otherwise: where two logits are as near as this, either token may come out. */
const TIE = 1e-4;
const inRepository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const TASK = inRepository('test/fixtures/lmEval');

const home = temporaryFolder();
const inHome = (...parts: string[]) => join(home.path, ...parts);
afterAll(() => home.remove());

/** One item as both have scored it. */
interface Scored {
  question: string;
  prompt: string;
  ours: { response: string; correct: boolean };
  theirs: { response: string; correct: boolean };
}

/** What lm-eval logs of one. */
interface LoggedSample {
  doc_id: number;
  arguments: { gen_args_0: { arg_0: string } };
  resps: [[string]];
  exact_match: number;
}

let items: Scored[];
let results: Record<string, number>;

beforeAll(async () => {
  const ours = await scoredByUs();
  const theirs = scoredByThem();
  items = ours.map((each, i) => ({ ...each, ...(theirs[i] as Pick<Scored, 'prompt' | 'theirs'>) }));
}, 240_000);

/** The Solver of a short run, exported to `solver`, and its greedy answers by `rzero eval`. */
async function scoredByUs(): Promise<Pick<Scored, 'question' | 'ours'>[]> {
  for (const args of [
    ['run', ...SMALL, '--out', inHome('run')],
    ['export', inHome('run'), '--out', inHome('solver')],
    ['eval', inHome('solver'), '--suite', 'arithmetic', '--k', '0', '--out', inHome('eval')],
  ]) {
    const { exitCode, err } = await cli(args);
    expect({ exitCode, err: exitCode === 0 ? '' : err }).toEqual({ exitCode: 0, err: '' });
  }
  const read = <T>(name: string) => jsonLines<T>(readFileSync(inHome('eval/arithmetic', name), 'utf8'));
  const responses = new Map(read<ResponseRecord>('responses.jsonl').map(({ id, text }) => [id, text]));
  const marks = new Map(read<MarkRecord>('marks.jsonl').map(({ id, correct }) => [id, correct]));
  return read<Item>('items.jsonl').map(({ id, question }) => ({
    question,
    ours: { response: responses.get(id) ?? '', correct: marks.get(id) ?? false },
  }));
}

/** The same items through lm-eval's own command, in their folder, offline, with one thread. */
function scoredByThem(): Pick<Scored, 'prompt' | 'theirs'>[] {
  const model = ['--model', 'hf', '--model_args', `pretrained=${inHome('solver')}`];
  const machine = ['--device', 'cpu', '--batch_size', '16'];
  const task = ['--tasks', 'rzero_arithmetic', '--include_path', TASK, '--apply_chat_template'];
  const output = ['--log_samples', '--output_path', inHome('scored')];
  inPython(['-m', 'lm_eval', ...model, ...machine, ...task, ...output]);
  const folder = inHome('scored', readdirSync(inHome('scored'))[0] ?? '');
  const written = (kind: string) => {
    const name = readdirSync(folder).find((file) => file.startsWith(kind)) ?? kind;
    return readFileSync(join(folder, name), 'utf8');
  };
  results = JSON.parse(written('results')).results.rzero_arithmetic;
  return jsonLines<LoggedSample>(written('samples'))
    .sort((a, b) => a.doc_id - b.doc_id)
    .map(({ arguments: { gen_args_0 }, resps, exact_match }) => ({
      prompt: gen_args_0.arg_0,
      theirs: { response: resps[0][0], correct: exact_match === 1 },
    }));
}

function inPython(args: readonly string[], input = ''): string {
  return execFileSync(python(), args, {
    cwd: inHome('eval/arithmetic'),
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...process.env,
      PYTHONPATH: inRepository('py_worker'),
      HF_HOME: inHome('hf'),
      HF_HUB_OFFLINE: '1',
      OMP_NUM_THREADS: '1',
    },
  });
}

function jsonLines<T>(text: string): T[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

// Not a `.test.ts`: `npm run test:lm-eval` runs it, where there is an environment for it.
test('lm-eval and rzero eval: the same prompts, responses and marks, item by item', () => {
  const asked = items.map(({ question, prompt, ours, theirs }) =>
    JSON.stringify({
      conversation: solverConversation(question),
      prompt,
      ours: ours.response,
      theirs: theirs.response,
    }),
  );
  const probed = jsonLines<{ samePrompt: boolean; gap: number }>(
    inPython([join(TASK, 'probe.py'), inHome('solver')], `${asked.join('\n')}\n`),
  );
  expect(probed).toHaveLength(640);
  expect(probed.filter(({ samePrompt }) => !samePrompt)).toEqual([]);

  const apart = items.flatMap((item, i) => (item.ours.response === item.theirs.response ? [] : [{ i, ...item }]));
  expect(apart.filter(({ i }) => (probed[i]?.gap ?? 1) > TIE)).toEqual([]);
  // Ties are rare; many of them would be something else.
  expect(apart.length).toBeLessThan(7);
  const alike = items.filter(({ ours, theirs }) => ours.response === theirs.response);
  expect(alike.filter(({ ours, theirs }) => ours.correct !== theirs.correct)).toEqual([]);

  process.stdout.write(
    `${items.length} items, the same prompt in each; ${alike.length} responses the same, ${apart.length} part at a tie\n`,
  );
}, 120_000);

test("both accuracies are those of their marks, and so is lm-eval's standard error", () => {
  const [ours = [], theirs = []] = (['ours', 'theirs'] as const).map((side) =>
    items.map((item) => Number(item[side].correct)),
  );
  expect(new Set(theirs).size).toBe(2);
  const { benchmarks } = JSON.parse(readFileSync(inHome('eval/scores.json'), 'utf8')) as ScoresDocument;
  const nothing: Figure = { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  const { value, low, high } = benchmarks[0]?.greedy ?? nothing;
  const { 'exact_match,boxed': accuracy = Number.NaN, 'exact_match_stderr,boxed': error = Number.NaN } = results;
  process.stdout.write(
    `rzero eval: ${value.toFixed(1)} % [${low.toFixed(1)}, ${high.toFixed(1)}]; ` +
      `lm-eval: ${(100 * accuracy).toFixed(1)} %, standard error ${(100 * error).toFixed(1)}\n`,
  );
  expect(value).toBeCloseTo(100 * mean(ours), 10);
  expect(accuracy).toBeCloseTo(mean(theirs), 12);
  expect(error).toBeCloseTo(standardDeviation(theirs) / Math.sqrt(theirs.length), 12);
});
