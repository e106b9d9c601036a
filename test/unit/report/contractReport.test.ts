import { describe, expect, test } from '@jest/globals';
import type { Case } from '../../../ts/contract/context.ts';
import type { Outcome } from '../../../ts/contract/outcome.ts';
import { caseLines, headLines, totals } from '../../../ts/report/contractReport.ts';

const PLAIN = { colour: false, width: 60 };
const ONE: Case = {
  id: 'same-seed',
  title: 'the same request gives the same samples',
  rule: 'sample depends on its params and the published weights alone, and its seeds make a difference.',
  where: 'proto/README.md, Repeats',
  needs: [],
  run: async () => {},
};
const PASSED: Outcome = { status: 'passed', seconds: 0.0412 };
const FAILED: Outcome = {
  status: 'failed',
  seconds: 2.34,
  failure: {
    subject: 'the same request again',
    expected: 'texts[1] = "41"',
    actual: 'texts[1] = "42"',
    sent: ['load_model {modelId: "m"} -> answered', 'sample {modelId: "m", n: 4, maxTokens: 24} -> answered'],
    details: 'one\ntwo\n',
  },
};

test('a case that passed is one line', () => {
  expect(caseLines(ONE, PASSED, PLAIN)).toEqual(['✓ the same request gives the same samples  41 ms']);
});

test('a failure has all that a person needs to look into it', () => {
  expect(caseLines(ONE, FAILED, PLAIN).join('\n')).toBe(`✗ the same request gives the same samples  2.3 s
    promise    sample depends on its params and the
               published weights alone, and its seeds make a
               difference.
    sent       load_model {modelId: "m"} -> answered
               sample {modelId: "m", n: 4, maxTokens: 24} ->
                 answered
    looked at  the same request again
    expected   texts[1] = "41"
    came back  texts[1] = "42"
    details    one
               two
    read       proto/README.md, Repeats
    again      --only same-seed`);
});

test.each([
  ['skipped', 'skipped: no tokenizer yet'],
  ['not_run', 'not run: no tokenizer yet'],
] as const)('%s comes with its reason', (status, shown) => {
  const lines = caseLines(ONE, { status, reason: 'no tokenizer yet' }, PLAIN);
  expect(lines).toEqual([`- the same request gives the same samples  ${shown}`]);
});

test('of a long traceback the end is shown', () => {
  const details = Array.from({ length: 100 }, (_, line) => `line ${line}`).join('\n');
  const lines = caseLines(ONE, { ...FAILED, failure: { ...FAILED.failure, details } }, PLAIN).join('\n');
  expect(lines).toMatch(/details {4}line 88\n[\s\S]*line 99\n/);
});

describe('the totals', () => {
  const skipped: Outcome = { status: 'skipped', reason: 'x' };
  const notRun: Outcome = { status: 'not_run', reason: 'x' };

  test.each([
    [[PASSED, PASSED], '2 passed, 0 failed in 12.3 s'],
    [[PASSED, FAILED, skipped, skipped], '1 passed, 1 failed, 2 skipped in 12.3 s'],
    [[PASSED, FAILED, notRun], '1 passed, 1 failed, 1 not run in 12.3 s'],
  ])('%#', (outcomes, line) => {
    expect(totals(outcomes, 12.34, PLAIN)).toBe(line);
  });
});

test('the head names the worker, and what it is tried with', () => {
  const hello = { backend: 'mine', workerId: 'box-7', capabilities: ['sample'], versions: { rust: '1.93' } };
  expect(headLines({ hello, source: './tiny', tolerance: 1e-4, cases: 61 }, { ...PLAIN, width: 200 })).toEqual([
    'The worker contract: backend mine (rust 1.93), worker box-7, offers sample',
    '61 cases, model ./tiny, log-probs within 0.0001',
  ]);
});

test('colour is used where it is asked for, and changes no text', () => {
  const coloured = caseLines(ONE, FAILED, { ...PLAIN, colour: true }).join('\n');
  expect(coloured).toContain('\u001b[');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes are made of them
  expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(caseLines(ONE, FAILED, PLAIN).join('\n'));
});
