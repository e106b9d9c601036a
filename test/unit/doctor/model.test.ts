import { expect, test } from '@jest/globals';
import { MODEL, MODEL_THERE, type ModelPlace, PLAN, type PlanFacts } from '../../../ts/doctor/model.ts';
import { failed, ok, warning } from '../../../ts/inspect/finding.ts';

const url = 'https://huggingface.co/me/mine/resolve/main/config.json';
const hub = (status: number, token: boolean, word = ''): ModelPlace => ({ place: 'hub', url, status, word, token });
const folder = (hasConfig: boolean, hasWeights: boolean): ModelPlace => ({
  place: 'folder',
  folder: '/models/mine',
  hasConfig,
  hasWeights,
});

const ROWS: [ModelPlace, string, string, string?][] = [
  [{ place: 'mock' }, 'skipped', 'the mock'],
  [{ place: 'nowhere' }, 'failed configuration', 'me/mine is no folder here', '--model'],
  [folder(true, true), 'ok', '/models/mine'],
  [folder(false, true), 'failed configuration', 'holds no config.json', 'Hugging Face folder'],
  [folder(false, false), 'failed configuration', 'no config.json and no *.safetensors', 'safetensors'],
  [{ place: 'cache', folder: '/cache/mine' }, 'ok', 'in the cache'],
  [{ place: 'offline' }, 'failed configuration', 'HF_HUB_OFFLINE is set', 'hf download me/mine'],
  [{ place: 'unreachable', url, reason: 'ENOTFOUND' }, 'failed unavailable', 'ENOTFOUND', 'HF_ENDPOINT'],
  [hub(200, false), 'ok', 'open to all'],
  [hub(200, true), 'ok', 'takes the token'],
  [
    hub(401, false, 'GatedRepo'),
    'failed credentials',
    '401 (GatedRepo)',
    'accept its terms at https://huggingface.co/me/mine',
  ],
  [hub(401, false), 'failed credentials', 'there is no token', 'HF_TOKEN'],
  [hub(403, true), 'failed credentials', 'the token is not accepted', 'hf auth whoami'],
  [hub(404, true), 'failed configuration', 'no such model', 'https://huggingface.co'],
  [hub(503, true), 'failed unavailable', '503', 'try again later'],
];

test.each(ROWS.map(([where, expected, says, does = '']) => [where, expected, says, does] as const))(
  'a model: %j',
  (where, expected, says, does) => {
    const { status, kind, found, hint } = MODEL.judge({ name: 'me/mine', where });
    expect([status, kind].filter(Boolean).join(' ')).toBe(expected);
    expect(found).toContain(says);
    expect(hint === undefined).toBe(does === '');
    expect(hint ?? '').toContain(does);
  },
);

test.each<[PlanFacts, string, string]>([
  [{ kind: 'mock' }, 'skipped', 'the mock'],
  [{ kind: 'unknown' }, 'skipped', 'not known'],
  [{ kind: 'fits', text: '8 x h100' }, 'ok', '8 x h100'],
  [{ kind: 'cpu', needBytes: 2 ** 30, memoryBytes: 2 ** 31 }, 'ok', '1.0 GiB of 2.0 GiB'],
  [{ kind: 'cpu', needBytes: 2 ** 32, memoryBytes: 2 ** 31 }, 'failed', '4.0 GiB of 2.0 GiB'],
])('a plan: %j', (facts, expected, says) => {
  const { status, found } = PLAN.judge(facts);
  expect(status).toBe(expected);
  expect(found).toContain(says);
});

test('what a worker finds of the model: one line, the worst first, with what to do', () => {
  const fine = ok('tokenizer', 'keeps texts');
  const doubtful = warning('end of text', 'the template ends turns otherwise', 'add it to eos_token_id');
  const wrong = failed('template', 'drops the content', 'mend chat_template');
  expect(MODEL_THERE.judge([fine])).toEqual({ status: 'ok', found: 'nothing is wrong with tokenizer' });
  expect(MODEL_THERE.judge([fine, doubtful])).toEqual({
    status: 'warning',
    found: 'end of text: the template ends turns otherwise',
    hint: 'add it to eos_token_id',
  });
  expect(MODEL_THERE.judge([doubtful, wrong, fine])).toEqual({
    status: 'failed',
    kind: 'configuration',
    found: 'template: drops the content',
    hint: 'mend chat_template',
  });
});
