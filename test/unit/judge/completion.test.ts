import { expect, test } from '@jest/globals';
import { isAboutModel, readCompletion, readErrorMessage } from '../../../ts/judge/completion.ts';

test('what a model said, and what it took', () => {
  const body = {
    choices: [
      { message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' },
      { message: { content: 'No.' } },
    ],
    usage: { prompt_tokens: 12, completion_tokens: 3 },
  };
  expect(readCompletion(JSON.stringify(body))).toEqual({
    text: 'Yes.',
    cutOff: false,
    tokens: { prompt: 12, completion: 3 },
  });
});

test.each([
  ['cut off', { choices: [{ message: { content: 'Ye' }, finish_reason: 'length' }] }, 'Ye', true],
  ['nothing said', { choices: [{ message: { content: null }, finish_reason: 'content_filter' }] }, '', false],
  [
    'odd counts',
    { choices: [{ message: { content: 'a' } }], usage: { prompt_tokens: '9', completion_tokens: -1 } },
    'a',
    false,
  ],
])('%s', (_, body, text, cutOff) => {
  expect(readCompletion(JSON.stringify(body))).toEqual({ text, cutOff, tokens: { prompt: 0, completion: 0 } });
});

test.each([
  '',
  '{"choices": [',
  '<html>',
  'null',
  '[]',
  '{}',
  '{"choices": []}',
  '{"choices": {}}',
  '{"choices": [null]}',
  '{"choices": [{"message": null}]}',
  '{"choices": [{"text": "old style"}]}',
])('%j is no completion', (text) => {
  expect(readCompletion(text)).toBeUndefined();
});

test.each([
  ['{"error": {"message": "too long", "code": 400}}', 'too long'],
  ['{"error": "no such thing"}', 'no such thing'],
  ['{"message": "bad", "object": "error"}', 'bad'],
  ['Bad Gateway', 'Bad Gateway'],
  ['{"detail": [1]}', '{"detail": [1]}'],
  ['', ''],
])('the error in %j', (text, message) => {
  expect(readErrorMessage(text)).toBe(message);
});

test.each([
  ['{"error": {"message": "nope", "code": "model_not_found"}}', true],
  ['{"error": {"message": "The model `gpt-9` does not exist or you do not have access to it."}}', true],
  ['{"error": {"message": "model \\"q\\" not found, try pulling it first"}}', true],
  ['{"message": "Invalid model: q"}', true],
  ['{"error": {"message": "This model\'s maximum context length is 4096 tokens. You asked for 5000."}}', false],
  ['{"error": {"message": "Unsupported parameter: \'max_tokens\' is not supported with this model."}}', false],
])('whether %s is about the model', (text, is) => {
  expect(isAboutModel(text)).toBe(is);
});
