import { expect, test } from '@jest/globals';
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
             greedy              mean@4              majority@4           worked out  when worked
base          21.0 [18.0, 24.3]   38.2 [35.8, 40.6]   47.2 [43.3, 47.2]         38 %         71.4
iteration 1   43.8 [40.8, 47.1]   61.0 [58.6, 63.4]   70.0 [66.1, 70.0]         61 %         71.4
iteration 2   62.3 [59.3, 65.6]   79.5 [77.1, 81.9]   88.5 [84.6, 88.5]         80 %         71.4
iteration 3   73.8 [70.8, 77.1]   91.0 [88.6, 93.4]  100.0 [96.1, 100.0]        91 %         71.4
gain         +52.8 [50.1, 55.4]  +52.8 [50.1, 55.4]  +52.8 [50.1, 55.4]

Questions asked, and those kept to train on
             asked  well-formed  well-posed  steps  multiply        kept  steps  labels right
iteration 1    400         99 %        99 %    2.7      12 %  172 (43 %)    3.9          82 %
iteration 2    400         99 %        99 %    3.7      24 %  173 (43 %)    4.9          82 %
iteration 3    400         99 %        99 %    4.7      36 %  174 (43 %)    5.9          82 %

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
