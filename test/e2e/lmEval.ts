import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { solverConversation } from '../../ts/domain/prompts.ts';
import { mean, standardDeviation } from '../../ts/domain/statistics.ts';
import { evaluateQuestion } from '../../ts/eval/arithmetic.ts';
import type { EvaluationRecord } from '../../ts/eval/records.ts';
import { python } from '../fixtures/python.ts';
import { cli, SMALL, temporaryFolder } from './cli.ts';

/** Batches are added up in another order: where two logits are as near as this, either token may come out. */
const TIE = 1e-4;
const TASK = fileURLToPath(new URL('../fixtures/lmEval', import.meta.url));

const home = temporaryFolder();
const inHome = (...parts: string[]) => join(home.path, ...parts);
afterAll(() => home.remove());

/** One item as both have scored it. */
interface Item {
  question: string;
  answer: string;
  prompt: string;
  ours: { response: string; correct: boolean };
  theirs: { response: string; correct: boolean };
}

let items: Item[];
let results: Record<string, number>;

beforeAll(async () => {
  const ours = await scoredByUs();
  const theirs = scoredByThem(ours);
  items = ours.map((each, i) => ({ ...each, ...(theirs[i] as Pick<Item, 'prompt' | 'theirs'>) }));
}, 300_000);

/** A short run's Solver, exported to `solver`, and its greedy answers to the exam. */
async function scoredByUs(): Promise<Pick<Item, 'question' | 'answer' | 'ours'>[]> {
  for (const args of [
    ['run', ...SMALL, '--set', 'evaluation.problems=640', '--out', inHome('run')],
    ['export', inHome('run'), '--out', inHome('solver')],
  ]) {
    const { exitCode, err } = await cli(args);
    expect({ exitCode, err: exitCode === 0 ? '' : err }).toEqual({ exitCode: 0, err: '' });
  }
  return jsonLines<EvaluationRecord>(readFileSync(inHome('run/iteration-1/evaluation.jsonl'), 'utf8'))
    .filter(({ mode }) => mode === 'greedy')
    .map(({ question, responses: [response = ''], correct: [correct = false] }) => ({
      question,
      answer: evaluateQuestion(question) ?? '',
      ours: { response, correct },
    }));
}

/** The same items through lm-eval's own command, offline, with one thread. */
function scoredByThem(questions: readonly Pick<Item, 'question' | 'answer'>[]): Pick<Item, 'prompt' | 'theirs'>[] {
  const lines = questions.map(({ question, answer }) => JSON.stringify({ question, answer }));
  writeFileSync(inHome('items.jsonl'), `${lines.join('\n')}\n`);
  const flags = ['--model', 'hf', '--model_args', 'pretrained=solver', '--device', 'cpu', '--batch_size', '16'];
  const task = ['--tasks', 'rzero_arithmetic', '--include_path', TASK, '--apply_chat_template'];
  const output = ['--log_samples', '--output_path', 'scored'];
  inPython(['-m', 'lm_eval', ...flags, ...task, ...output]);
  const folder = inHome('scored', readdirSync(inHome('scored'))[0] ?? '');
  const written = (kind: string) => {
    const name = readdirSync(folder).find((file) => file.startsWith(kind)) ?? kind;
    return readFileSync(join(folder, name), 'utf8');
  };
  results = JSON.parse(written('results')).results.rzero_arithmetic;
  return jsonLines<{
    doc_id: number;
    arguments: { gen_args_0: { arg_0: string } };
    resps: [[string]];
    exact_match: number;
  }>(written('samples'))
    .sort((a, b) => a.doc_id - b.doc_id)
    .map(({ arguments: { gen_args_0 }, resps, exact_match }) => ({
      prompt: gen_args_0.arg_0,
      theirs: { response: resps[0][0], correct: exact_match === 1 },
    }));
}

function inPython(args: readonly string[], input = ''): string {
  return execFileSync(python(), args, {
    cwd: home.path,
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...process.env,
      PYTHONPATH: join(dirname(dirname(TASK)), '..', 'py_worker'),
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
test('lm-eval and the exam: the same prompts, responses and marks, item by item', () => {
  const asked = items.map(({ question, prompt, ours, theirs }) =>
    JSON.stringify({
      conversation: solverConversation(question),
      prompt,
      ours: ours.response,
      theirs: theirs.response,
    }),
  );
  const probed = jsonLines<{ samePrompt: boolean; gap: number }>(
    inPython([join(TASK, 'probe.py'), 'solver'], `${asked.join('\n')}\n`),
  );
  expect(probed).toHaveLength(640);
  expect(probed.filter(({ samePrompt }) => !samePrompt)).toEqual([]);

  const apart = items.flatMap((item, i) => (item.ours.response === item.theirs.response ? [] : [{ i, ...item }]));
  expect(apart.filter(({ i }) => (probed[i]?.gap ?? 1) > TIE)).toEqual([]);
  // Ties are rare; many of them would be something else.
  expect(apart.length).toBeLessThan(7);
  const alike = items.filter(({ ours, theirs }) => ours.response === theirs.response);
  expect(alike.filter(({ ours, theirs }) => ours.correct !== theirs.correct)).toEqual([]);

  const right = (side: 'ours' | 'theirs') => items.filter((item) => item[side].correct).length;
  process.stdout.write(
    `${items.length} items, the same prompt in each; ${alike.length} responses the same, ${apart.length} part at a tie; ` +
      `right: ${right('ours')} by rzero, ${right('theirs')} by lm-eval\n`,
  );
});

test("lm-eval's accuracy and standard error are those of its marks", () => {
  const marks = items.map(({ theirs }) => Number(theirs.correct));
  expect(new Set(marks).size).toBe(2);
  expect(results['exact_match,boxed']).toBeCloseTo(mean(marks), 12);
  expect(results['exact_match_stderr,boxed']).toBeCloseTo(standardDeviation(marks) / Math.sqrt(marks.length), 12);
});
