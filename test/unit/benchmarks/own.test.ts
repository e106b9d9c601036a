import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { readOwnBenchmark } from '../../../ts/benchmarks/own.ts';

const home = mkdtempSync(join(tmpdir(), 'rzero-own-'));
afterAll(() => rmSync(home, { recursive: true }));

function own(text: string, name = 'my-benchmark.yml') {
  mkdirSync(join(home, 'in'), { recursive: true });
  writeFileSync(join(home, 'in', name), text);
  return readOwnBenchmark(`in/${name}`, home);
}

test('little needs to be said', () => {
  expect(own('source: {file: data/mine.csv}')).toEqual({
    name: 'my-benchmark',
    title: 'my-benchmark',
    group: 'own',
    source: { file: join(home, 'in', 'data', 'mine.csv') },
    fields: { question: 'question', answer: 'answer' },
    prompt: 'solver',
    extraction: 'boxed',
    metric: 'greedy',
    samples: 0,
    maxTokens: 4096,
  });
});

test('all that can be said, in JSON', () => {
  const said = {
    name: 'law',
    title: 'Law',
    source: { hub: 'me/law', revision: 'v1', files: ['data/*.parquet'] },
    fields: {
      question: 'q',
      answer: { from: 'gold', letterOfIndex: true },
      choices: ['a', 'b'],
      id: 'key',
      category: 'kind',
    },
    prompt: { system: 'Be brief.', user: '{question}\n{choices}' },
    extraction: 'choice',
    metric: 'mean',
    samples: 8,
    maxTokens: 100,
  };
  expect(own(JSON.stringify(said), 'law.json')).toEqual({ ...said, group: 'own' });
});

test('choices ask for a letter, and a mean for samples', () => {
  const made = own('source: {file: x.jsonl}\nfields: {choices: options}\nmetric: mean');
  expect(made).toMatchObject({ prompt: 'choice', extraction: 'choice', samples: 32 });
});

test('a task of Reasoning Gym', () => {
  const made = own('source: {task: chain_sum, seed: 4}\nprompt: {user: "{question}"}');
  expect(made.source).toEqual({ task: 'chain_sum', size: 100, seed: 4 });
  expect(made.fields).toBeUndefined();
});

describe('what is wrong is named by file and option, with what was seen and what is allowed', () => {
  const FILE = 'source: {file: a.jsonl}\n';
  test.each([
    ['[', 'it is not YAML'],
    ['7', 'it is 7: it must be a mapping (known here: name, title, source'],
    ['title: x', 'option "source" is missing: it must be a mapping'],
    ['source: {}', 'option "source" is {}: it must be a mapping with one of file, hub and task'],
    ['source: {file: a, hub: b/c}', 'with one of file, hub and task'],
    ['source: {file: a, revision: b}', 'unknown option "source.revision"; known here: file'],
    ['source: {hub: law, files: a}', 'option "source.hub" is "law": it must be the name of a data set, OWNER/NAME'],
    ['source: {hub: me/law}', 'option "source.files" is missing: it must be a name, a pattern, or a list of these'],
    ['source: {task: chain_sum, size: 0}', 'option "source.size" is 0: it must be a whole number from 1'],
    [
      'source: {task: chain_sum}\nfields: {}',
      'option "fields" is {}: it must be absent where source.task makes the items',
    ],
    [`${FILE}sample: 3`, 'unknown option "sample"; did you mean "samples"?'],
    [`${FILE}samples: -1`, 'option "samples" is -1: it must be a whole number from 0'],
    [`${FILE}metric: mean\nsamples: 0`, 'option "samples" is 0: it must be at least 1 where metric is mean'],
    [`${FILE}metric: best`, 'option "metric" is "best": it must be one of greedy, mean'],
    [`${FILE}name: My Own`, 'option "name" is "My Own": it must be lower-case letters'],
    [
      `${FILE}extraction: choice`,
      'option "extraction" is "choice": it must be boxed or exact where fields.choices is missing',
    ],
    [`${FILE}prompt: choice`, 'option "prompt" is "choice": it must be solver, or texts'],
    [`${FILE}prompt: {user: Go on.}`, 'option "prompt.user" is "Go on.": it must be a text with {question} in it'],
    [`${FILE}prompt: {system: x}`, 'option "prompt.user" is missing: it must be a text'],
    [`${FILE}fields: {answer: {form: a}}`, 'unknown option "fields.answer.form"; did you mean "fields.answer.from"?'],
    [
      `${FILE}fields: {answer: {from: a, first: 1}}`,
      'option "fields.answer.first" is 1: it must be one of true, false',
    ],
    [
      `${FILE}fields: {answer: 3}`,
      'option "fields.answer" is 3: it must be the name of a field, or a mapping with from',
    ],
    [`${FILE}fields: {choices: [a]}`, 'option "fields.choices" is ["a"]: it must be a field that is a list'],
  ])('%s', (text, message) => {
    expect(() => own(text)).toThrow(
      expect.objectContaining({ code: 'config', message: expect.stringContaining(message) }),
    );
    expect(() => own(text)).toThrow(/^in\/my-benchmark\.yml: /);
  });
});
