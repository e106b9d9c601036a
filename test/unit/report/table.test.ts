import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import type { RunSummary } from '../../../ts/report/runSummary.ts';
import { renderTable } from '../../../ts/report/table.ts';
import { sampleSummary } from './sample.ts';

const plain = { colour: false, width: 100 };

test('the end of a run, as a person sees it', () => {
  const text = renderTable(sampleSummary(), {
    ...plain,
    files: [
      { path: 'runs/a/summary.json', what: 'every figure of this page' },
      { path: 'runs/a/iteration-3/models/solver', what: 'the trained Solver' },
    ],
    next: [{ command: 'rzero run --arm untrained-challenger', what: 'the same without training the Challenger' }],
  });
  expect(`\n${text}`).toMatchInlineSnapshot(`
"
R-Zero on embedded, preset embedded, seed 1: 3 iterations

Held-out problems answered right, in % of 640 [95 % interval over problems]
             greedy              mean@4              majority@4          worked out  if worked
base          21.0 [18.0, 24.3]   38.2 [35.8, 40.6]   47.2 [43.3, 47.2]        38 %     71.4 %
iteration 1   43.8 [40.8, 47.1]   61.0 [58.6, 63.4]   70.0 [66.1, 70.0]        61 %     71.4 %
iteration 2   62.3 [59.3, 65.6]   79.5 [77.1, 81.9]   88.5 [84.6, 88.5]        80 %     71.4 %
iteration 3   73.8 [70.8, 77.1]   91.0 [88.6, 93.4]    100 [96.1, 100]         91 %     71.4 %
gain         +52.8 [50.1, 55.4]  +52.8 [50.1, 55.4]  +52.8 [50.1, 55.4]

Questions asked, and those kept to train on
             asked  well-formed  in domain  steps  multiply        kept  steps  labels right
iteration 1    400         99 %       99 %    2.7      12 %  172 (43 %)    3.9          82 %
iteration 2    400         99 %       99 %    3.7      24 %  173 (43 %)    4.9          82 %
iteration 3    400         99 %       99 %    4.7      36 %  174 (43 %)    5.9          82 %

The same by length, mean@4 in %
steps         1   2   3   4   5   6   7   8   9  10
base         38  35  32  29  26  23  20  17  14  11
iteration 3  91  88  85  82  79  76  73  70  67  64

Better: after 3 iterations mean@4 is 91.0 %, up 52.8 points from the base's 38.2 % (95 % interval
50.1 to 55.4): +31.7 from working problems out more often, +21.1 from fewer slips. The run elicits
and sharpens what the base already had: of the problems it now answers right, the base had answered
97 % right at least once.

Files
  runs/a/summary.json               every figure of this page
  runs/a/iteration-3/models/solver  the trained Solver

Next
  rzero run --arm untrained-challenger  the same without training the Challenger
"
`);
});

/** The same run with one iteration's summary changed. */
function changed(change: (summary: RunSummary) => void): string {
  const summary = structuredClone(sampleSummary());
  change(summary);
  return renderTable(summary, plain);
}

describe('a table', () => {
  test('fits 100 columns, with and without colour, and says the same', () => {
    const options = { files: [], next: [], width: 300 };
    const text = renderTable(sampleSummary(), { ...options, colour: false });
    const coloured = renderTable(sampleSummary(), { ...options, colour: true });
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    expect(coloured).not.toBe(text);
    expect(stripVTControlCharacters(coloured)).toBe(text);
    // What is not there leaves no empty section behind.
    expect(text).not.toMatch(/Files|Next|\n\n\n/);
  });

  test('fits 100 columns at its widest', () => {
    const text = changed((summary) => {
      const perfect = { value: 100, low: 100, high: 100 };
      const lost = { value: -52.8, low: -55.4, high: -50.1 };
      for (const { scores, gain } of summary.evaluations) {
        Object.assign(scores, { greedy: perfect, mean: perfect, majority: perfect, samples: 16, worked: perfect });
        if (gain) Object.assign(gain, { greedy: { figure: lost }, mean: { figure: lost }, majority: { figure: lost } });
      }
    });
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('breaks running text at the width', () => {
    const text = renderTable(sampleSummary(), { colour: false, width: 60 });
    const verdict = text.slice(text.indexOf('Better:')).split('\n\n')[0] ?? '';
    for (const line of verdict.split('\n')) expect(line.length).toBeLessThanOrEqual(60);
  });

  test('names an arm for what it is', () => {
    const text = changed((summary) => Object.assign(summary.run, { arm: 'shuffled-labels' }));
    expect(text.replace(/\n/g, ' ')).toContain(
      'seed 1, arm shuffled-labels (pseudo-labels are shuffled among the kept questions): 3 iterations',
    );
  });

  test('counts the labels that were trained on as right or wrong, not those that an arm replaced', () => {
    const text = changed(({ iterations }) => {
      for (const { audit } of iterations) if (audit) audit.kept.trainedLabelAccuracy = 0.04;
    });
    expect(text).toMatch(/iteration 1 .*\s4 %\n/);
  });

  test('does not judge the labels of questions from outside the domain', () => {
    const text = changed(({ iterations }) => {
      for (const { audit } of iterations) if (audit) Object.assign(audit.asked, { wellPosed: 0, meanSteps: null });
      for (const { audit } of iterations) if (audit) audit.kept.labelAccuracy = 0;
    });
    expect(text).toMatch(/iteration 1 .*\s0 % .*\s-\n/);
  });

  test('tells when exam questions were trained on', () => {
    const text = changed(({ iterations }) => {
      const { kept } = iterations[1]?.audit ?? {};
      if (kept) kept.inExam = 2 / kept.count;
    });
    expect(text).toContain(
      'Note: the Challenger hit on exam questions by itself: 0, 2, 0 among those kept, by iteration.',
    );
  });

  test('repeats the warnings', () => {
    const text = changed(({ iterations }) =>
      Object.assign(iterations[2] ?? {}, { warnings: ['solver: no question was kept'] }),
    );
    expect(text).toContain('Note: iteration 3, solver: no question was kept');
  });

  test('does without what was not measured', () => {
    const text = changed((summary) => {
      for (const { scores, gain } of summary.evaluations) {
        for (const name of ['mean', 'majority', 'worked', 'sampledStyle', 'greedyStyle'] as const) delete scores[name];
        Object.assign(scores, { bySteps: [], samples: 0 });
        if (gain) {
          delete gain.mean;
          delete gain.majority;
        }
      }
      for (const iteration of summary.iterations) iteration.audit = null;
    });
    expect(`\n${text}`).toMatchInlineSnapshot(`
"
R-Zero on embedded, preset embedded, seed 1: 3 iterations

Held-out problems answered right, in % of 640 [95 % interval over problems]
             greedy
base          21.0 [18.0, 24.3]
iteration 1   43.8 [40.8, 47.1]
iteration 2   62.3 [59.3, 65.6]
iteration 3   73.8 [70.8, 77.1]
gain         +52.8 [50.1, 55.4]

Questions asked, and those kept to train on
             asked  well-formed        kept
iteration 1    400         99 %  172 (43 %)
iteration 2    400         99 %  173 (43 %)
iteration 3    400         99 %  174 (43 %)

Better: after 3 iterations greedy accuracy is 73.8 %, up 52.8 points from the base's 21.0 % (95 %
interval 50.1 to 55.4): +52.8 from working problems out more often, +0.0 from fewer slips. The run
elicits what the base already had: of the problems it now answers right, the base had answered 97 %
right at least once.
"
`);
  });

  test('of a run with no iteration has the base alone', () => {
    const text = changed((summary) =>
      Object.assign(summary, { evaluations: summary.evaluations.slice(0, 1), iterations: [] }),
    );
    expect(text).toContain('base   21.0 [18.0, 24.3]');
    expect(text).toContain('Nothing to compare');
    expect(text).not.toMatch(/iteration 1|gain|Questions asked|by length/);
  });
});
