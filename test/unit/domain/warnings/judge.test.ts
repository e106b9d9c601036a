import { describe, expect, test } from '@jest/globals';
import { judge, WARNING_NAMES } from '../../../../ts/domain/warnings/judge.ts';
import { FACTS, phases, RULES, said, steps } from './history.ts';

test('every warning has its thresholds, and no other has', () => {
  expect(Object.keys(RULES).sort()).toEqual([...WARNING_NAMES].sort());
});

test('figures that are missing, or no numbers, warn of nothing', () => {
  for (const metrics of [{}, { distinct: Number.NaN, labelAccuracy: Number.NaN, unboxed: Number.NaN }]) {
    for (const phase of ['challenger', 'questions', 'solver', 'evaluation'] as const) {
      expect(judge(phases(phase, [metrics, metrics]), RULES, FACTS)).toEqual([]);
      expect(judge(steps(phase, [metrics, metrics]), RULES, FACTS)).toEqual([]);
    }
  }
});

test('a finding has its name and what it leads to', () => {
  const rules = { ...RULES, labels: { ...RULES.labels, action: 'stop' as const } };
  expect(judge(phases('questions', [{ labelAccuracy: 0.2 }]), rules, FACTS)).toEqual([
    { name: 'labels', action: 'stop', message: expect.stringMatching(/^20\.0 % of audited labels are right: /) },
  ]);
});

describe('diversity', () => {
  const of = (...metrics: Record<string, number>[]) => said('diversity', phases('questions', metrics));

  test('repeated texts, below 70 %', () => {
    expect(of({ distinct: 0.7 })).toBeUndefined();
    expect(of({ distinct: 0.69 })).toMatch(/^only 69\.0 % of the questions are distinct: /);
  });

  test("2-grams, below six tenths of the first iteration's: R-Few saw 35 % become 20 %", () => {
    expect(of({ distinctBigrams: 0.2 })).toBeUndefined();
    expect(of({ distinctBigrams: 0.5 }, { distinctBigrams: 0.3 })).toBeUndefined();
    expect(of({ distinctBigrams: 0.35 }, { distinctBigrams: 0.3 }, { distinctBigrams: 0.2 })).toMatch(
      /^distinct 2-grams fell from 35\.0 % in iteration 1 to 20\.0 %: /,
    );
  });

  test('one large cluster, above 30 %, at the end of a Challenger phase and not within', () => {
    expect(said('diversity', phases('challenger', [{ largestCluster: 0.3 }]))).toBeUndefined();
    expect(said('diversity', phases('challenger', [{ largestCluster: 0.31 }]))).toMatch(/^31\.0 % of a step ask/);
    expect(said('diversity', steps('challenger', [{ largestCluster: 0.9 }]))).toBeUndefined();
  });
});

describe('labels', () => {
  const of = (...shares: number[]) =>
    said(
      'labels',
      phases(
        'questions',
        shares.map((labelAccuracy) => ({ labelAccuracy, labelsAudited: 200 })),
      ),
    );

  test("the paper's 79, 69, 63 %: given in the third iteration", () => {
    expect(of(0.79)).toBeUndefined();
    expect(of(0.79, 0.6901)).toBeUndefined();
    expect(of(0.79, 0.69, 0.63)).toMatch(
      /^63\.0 % of 200 audited labels are right, after 79\.0 % in iteration 1: the Solver is taught/,
    );
  });

  test('the best counts, not the last', () => {
    expect(of(0.7, 0.9, 0.81)).toBeUndefined();
    expect(of(0.7, 0.9, 0.85, 0.78)).toMatch(/after 90\.0 % in iteration 2/);
  });

  test('the floor of 60 %', () => {
    expect(of(0.6)).toBeUndefined();
    expect(of(0.59)).toMatch(/^59\.0 % of 200 audited labels are right: /);
  });

  test("the user's probe in the same way, each against its own best", () => {
    const history = (probeAccuracy: number) =>
      phases('questions', [
        { probeAccuracy: 0.9, labelAccuracy: 0.7 },
        { probeAccuracy, probeQuestions: 50 },
      ]);
    expect(said('labels', history(0.81))).toBeUndefined();
    expect(said('labels', history(0.79))).toMatch(/^79\.0 % of 50 probe answers are right, after 90\.0 % in/);
  });
});

describe('no-box', () => {
  const of = (...metrics: Record<string, number>[]) => said('no-box', steps('challenger', metrics));

  test('more than half, or 20 points above the first step', () => {
    expect(of({ unboxed: 0.5 })).toBeUndefined();
    expect(of({ unboxed: 0.51 })).toMatch(/^51\.0 % of the answers have no box: /);
    expect(of({ unboxed: 0.125 }, { unboxed: 0.325 })).toBeUndefined();
    expect(of({ unboxed: 0.1 }, { unboxed: 0.31 })).toMatch(/^31\.0 % of the answers have no box, after 10\.0 % at/);
  });

  test('where it pays, that is said', () => {
    expect(of({ unboxed: 0.6, unboxedPays: 0.42 })).toMatch(/no box, which goes with reward \(correlation 0\.42\): /);
    expect(of({ unboxed: 0.6, unboxedPays: -0.4 })).not.toMatch(/correlation/);
  });

  test('candidates too, against those of the first iteration; not what the Solver trains on', () => {
    expect(said('no-box', phases('questions', [{ unboxed: 0 }, { unboxed: 0.3 }]))).toMatch(/^30\.0 %/);
    expect(said('no-box', steps('solver', [{ unboxed: 1 }]))).toBeUndefined();
  });
});

describe('length', () => {
  test('questions or answers of more than four times the first length', () => {
    const of = (...metrics: Record<string, number>[]) => said('length', steps('challenger', metrics));
    expect(of({ questionLength: 900 })).toBeUndefined();
    expect(of({ questionLength: 100 }, { questionLength: 400 })).toBeUndefined();
    expect(of({ questionLength: 100 }, { questionLength: 401 })).toMatch(
      /^questions grew from 100 characters on average at first to 401: /,
    );
    expect(of({ answerLength: 10 }, { answerLength: 41 })).toMatch(/^answers grew from 10 characters/);
    expect(of({ answerLength: 0 }, { answerLength: 41 })).toBeUndefined();
  });

  test("the Solver's samples in tokens, and not the Challenger's", () => {
    const metrics = [{ meanLength: 10 }, { meanLength: 41 }];
    expect(said('length', steps('solver', metrics))).toMatch(/^answers grew from 10 tokens on average at first to 41/);
    expect(said('length', steps('challenger', metrics))).toBeUndefined();
  });

  test('more than a quarter cut off', () => {
    expect(said('length', steps('solver', [{ cutOff: 0.25 }]))).toBeUndefined();
    expect(said('length', steps('solver', [{ cutOff: 0.26 }]))).toMatch(/^26\.0 % of the samples are cut off/);
    expect(said('length', phases('questions', [{ answersCutOff: 0.3 }]))).toMatch(/^30\.0 % of the answers are cut/);
  });
});

describe('entropy', () => {
  const of = (...values: number[]) =>
    said(
      'entropy',
      steps(
        'solver',
        values.map((entropy) => ({ entropy })),
      ),
    );

  test("below a tenth of the first step's", () => {
    expect(of(0.001)).toBeUndefined();
    expect(of(1, 0.1)).toBeUndefined();
    expect(of(0.5, 0.2, 0.04)).toMatch(/^the solver's entropy fell from 0\.50 to 0\.040 nats a token, 8\.0 % of what/);
    expect(of(0, 0)).toBeUndefined();
  });

  test('each role against its own first step, in whatever iteration', () => {
    const first = steps('challenger', [{ entropy: 10 }]);
    const [now] = steps('solver', [{ entropy: 0.1 }]);
    expect(said('entropy', [...first, now])).toBeUndefined();
    const later = { ...now, iteration: 3, metrics: { entropy: 0.009 } };
    expect(said('entropy', [...first, now, later])).toMatch(/^the solver's entropy/);
  });
});

describe('mismatch', () => {
  const of = (metrics: Record<string, number>) => said('mismatch', steps('solver', [metrics]));

  test('a KL above 0.01 nats a token, or more than 1 % of the weights capped', () => {
    expect(of({ samplerKl: 0.01, importanceCapped: 0.01 })).toBeUndefined();
    expect(of({ samplerKl: 0.02 })).toMatch(/^KL\(sampler \|\| trainer\) is 0\.020 nats a token: /);
    expect(of({ importanceCapped: 0.02 })).toMatch(/^the importance weights of 2\.0 % of the tokens are capped: /);
  });
});

describe('nothing-kept', () => {
  const of = (kept: number, facts = FACTS, batches = 1) =>
    said('nothing-kept', phases('questions', [{ kept }]), facts, {
      ...RULES,
      'nothing-kept': { batches, action: 'none' },
    });

  test('fewer than a batch of 10', () => {
    expect(of(10)).toBeUndefined();
    expect(of(9)).toMatch(/^only 9 questions were kept for batches of 10: each is used several times\. Ask for more/);
    expect(of(9, { prompts: 10, shortfall: 'shrink' })).toMatch(/: the batches are of 9\. /);
    expect(of(15, FACTS, 2)).toMatch(/^only 15 questions were kept for batches of 10: each is used often\. /);
  });

  test('none at all, whatever the threshold', () => {
    expect(of(1, FACTS, 0)).toBeUndefined();
    expect(of(0, FACTS, 0)).toMatch(/^no question was kept, so the Solver is not trained in this iteration\. /);
  });
});

describe('accuracy', () => {
  const of = (...marks: [mean: number, meanError: number][]) =>
    said(
      'accuracy',
      phases(
        'evaluation',
        marks.map(([mean, meanError]) => ({ mean, meanError })),
        0,
      ),
    );

  // The interval of a difference of two figures with standard errors 0.03 and 0.04 is 1.96 * 0.05 = 0.098 wide each way.
  test('below its best by more than the interval of the difference', () => {
    expect(of([0.5, 0.03])).toBeUndefined();
    expect(of([0.5, 0.03], [0.403, 0.04])).toBeUndefined();
    expect(of([0.5, 0.03], [0.401, 0.04])).toMatch(/^held-out accuracy is 40\.1 %, below the base's 50\.0 %, by more/);
    expect(of([0.2, 0.03], [0.5, 0.03], [0.45, 0.03], [0.39, 0.04])).toMatch(/below that of iteration 1, 50\.0 %/);
  });

  test('an exam without an error on record is no best', () => {
    const history = phases('evaluation', [{ mean: 0.9 }, { mean: 0.4, meanError: 0.01 }], 0);
    expect(said('accuracy', history)).toBeUndefined();
  });
});
