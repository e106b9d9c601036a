import { describe, expect, test } from '@jest/globals';
import { ModelUnusable } from '../../../ts/inspect/errors.ts';
import { TOPICS, type Topic } from '../../../ts/inspect/finding.ts';
import { forTheRun, judgeModel } from '../../../ts/inspect/judge.ts';
import { type InspectModelResult, OBSTACLE_CODE_VALUES, type Tokenizer } from '../../../ts/protocol/generated.ts';
import { ASKED, reportWith } from './report.ts';

const judged = (changes: Partial<InspectModelResult> = {}) => judgeModel(reportWith(changes), ASKED);
const tokenizer = (changes: Partial<Tokenizer>) => ({
  tokenizer: { ...(reportWith().tokenizer as Tokenizer), ...changes },
});
const statusOf = (topic: Topic, changes: Partial<InspectModelResult>) =>
  judged(changes).filter((finding) => finding.topic === topic && finding.status !== 'ok');

/** Prompts of which those by index are changed. */
function prompts(change: (text: string, index: number) => object) {
  return { prompts: reportWith().prompts.map((prompt, index) => ({ ...prompt, ...change(prompt.text, index) })) };
}

test('a model with nothing wrong has one good finding a topic, in order', () => {
  const findings = judged();
  expect(findings.map(({ topic }) => topic)).toEqual(TOPICS.filter((topic) => topic !== 'memory'));
  expect(findings.filter(({ status }) => status !== 'ok')).toEqual([]);
});

describe('what makes a model unusable', () => {
  const cases: readonly [string, Topic, Partial<InspectModelResult>, RegExp][] = [
    [
      "a template that drops the user's text",
      'prompts',
      prompts((text, index) => (index === 1 ? { text: text.replace('1 + 1?', '') } : {})),
      /Solver: the chat template drops the user turn/,
    ],
    [
      'a template that drops the system text',
      'prompts',
      prompts((text, index) => (index === 0 ? { text: text.replace(/You set problems.*?<\|im_end\|>/s, '') } : {})),
      /Challenger: the chat template drops the system turn/,
    ],
    [
      'a template that closes what is to be gone on with',
      'prompts',
      prompts((text, index) => (index === 2 ? { text: `${text}<|im_end|>` } : {})),
      /closes what the model is to go on with/,
    ],
    ['a template that refuses', 'prompts', prompts(() => ({ text: '', refused: 'no roles' })), /refuses it: no roles/],
    ['a prompt of no token', 'prompts', prompts(() => ({ tokens: 0 })), /becomes no token/],
    ['no end of text', 'end of text', tokenizer({ eos: [] }), /no token ends a sample/],
    ['an end that the vocabulary lacks', 'end of text', tokenizer({ eos: [{ id: 5, text: '' }] }), /no token 5/],
    ['an end beyond the embedding', 'end of text', tokenizer({ eos: [{ id: 100, text: 'x' }] }), /no token 100/],
    [
      'more tokens than the embedding has',
      'tokenizer',
      tokenizer({ size: 101 }),
      /101 tokens, but the embedding has 100/,
    ],
    ['a context that a prompt fills', 'context', { contextLength: 20 }, /fill the context of 20/],
  ];
  test.each(cases)('%s', (_, topic, changes, message) => {
    const [finding] = statusOf(topic, changes);
    expect(finding).toMatchObject({ status: 'failed', message: expect.stringMatching(message) });
    expect(finding?.hint).not.toBe('');
  });

  test.each(OBSTACLE_CODE_VALUES)('the obstacle %s, which stands in place of a good finding', (code) => {
    const failed = judged({ obstacles: [{ code, message: 'so it is' }] }).filter(({ status }) => status === 'failed');
    expect(failed).toMatchObject([{ message: 'so it is' }]);
    const [{ topic } = { topic: '' }] = failed;
    expect(judged({ obstacles: [{ code, message: 'x' }] }).filter((one) => one.topic === topic)).toHaveLength(1);
  });
});

describe('what a person should know', () => {
  const cases: readonly [string, Topic, Partial<InspectModelResult>, RegExp][] = [
    [
      'turns that end with another token than samples, as those of a base model may',
      'end of text',
      tokenizer({ eos: [{ id: 3, text: '<|endoftext|>' }] }),
      /turns end with <\|im_end\|>, samples with <\|endoftext\|>/,
    ],
    ['a turn that ends without a token', 'end of text', tokenizer({ template: { cue: '<a>' } }), /without a token/],
    [
      'one end of several that is no token',
      'end of text',
      tokenizer({
        eos: [
          { id: 7, text: '<|im_end|>' },
          { id: 99, text: '' },
        ],
      }),
      /no token 99/,
    ],
    ['a template that opens no reply', 'prompts', tokenizer({ template: { cue: '' } }), /nothing tells the model/],
    ['samples that may be cut', 'context', { contextLength: 60 }, /fewer than the \d+/],
    [
      'texts that do not come back',
      'texts',
      tokenizer({ changed: [{ text: 'a\n', back: 'a' }] }),
      /"a\\n" comes back as "a"/,
    ],
    ['a licence that limits use', 'licence', { licence: { ...reportWith().licence, id: 'gemma' } }, /Gemma/],
    ['no licence', 'licence', { licence: { ...reportWith().licence, id: '' } }, /unknown/],
  ];
  test.each(cases)('%s', (_, topic, changes, message) => {
    const [finding] = statusOf(topic, changes);
    expect(finding).toMatchObject({ status: 'warning', message: expect.stringMatching(message) });
    expect(finding?.hint).not.toBe('');
  });

  test('the hint of another end of turn names the ids to write', () => {
    const [finding] = statusOf('end of text', tokenizer({ eos: [{ id: 3, text: '<|endoftext|>' }] }));
    expect(finding?.hint).toMatch(/generation_config\.json, \[3, 7\]/);
  });

  test('a template whose reply is opened by what ends the user turn needs no cue', () => {
    const closed = prompts((text, index) => (index === 1 ? { text: `${text} [/INST]` } : {}));
    expect(statusOf('prompts', { ...tokenizer({ template: { cue: '' } }), ...closed })).toEqual([]);
  });

  test('a run is told neither of licences nor of texts', () => {
    const findings = judged({
      ...tokenizer({ changed: [{ text: 'a', back: '' }] }),
      licence: { ...reportWith().licence, id: '' },
    });
    expect(forTheRun(findings).filter(({ status }) => status !== 'ok')).toEqual([]);
  });
});

test('where nothing can be made of a config, what can be said is said', () => {
  const findings = judgeModel(
    reportWith({
      architecture: '',
      parameters: 0,
      vocabularySize: 0,
      contextLength: 0,
      packing: 'tried',
      obstacles: [{ code: 'remote_code', message: 'it needs code' }],
    }),
    ASKED,
  );
  expect(findings.filter(({ status }) => status !== 'ok').map(({ topic }) => topic)).toEqual(['model']);
  expect(findings.map(({ topic }) => topic)).toEqual([
    'model',
    'weights',
    'tokenizer',
    'texts',
    'template',
    'prompts',
    'end of text',
    'licence',
  ]);
});

test('the error of a run names finding and hint, and the command that says more', () => {
  const failed = judged(tokenizer({ eos: [] })).filter(({ status }) => status === 'failed');
  const { message } = new ModelUnusable('./m', failed);
  expect(message).toMatch(
    /model \.\/m cannot be used: end of text: no token ends a sample.*\(set eos_token_id in .*\[7\]/s,
  );
  expect(message).toMatch(/rzero model check \.\/m/);
});
