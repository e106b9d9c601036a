import { z } from 'zod';
import { ACTIONS, type WarningRules } from '../domain/warnings/rules.ts';

const share = z.number().min(0).max(1);
const action = z
  .enum(ACTIONS)
  .describe(
    'what it leads to: nothing, the end of the run, or a next iteration that starts from the best Solver so far',
  );

/** The schema of the early warnings. A warning is given beyond its thresholds, never at one. */
export const warningRules = z.strictObject({
  diversity: z.strictObject({
    distinct: share.describe('least distinct texts, as a share of the well-formed questions; 0 is off'),
    bigrams: share.describe("least distinct 2-grams, as a share of the first iteration's; 0 is off"),
    cluster: share.describe('largest share of a Challenger step in one repetition cluster; 1 is off'),
    action,
  }),
  labels: z.strictObject({
    floor: share.describe('least share of audited labels, or of probe answers, that are right; 0 is off'),
    fall: share.describe('the most that this share may be below its best; 1 is off'),
    audit: z
      .int()
      .min(0)
      .max(1_000_000)
      .describe(
        "kept questions an iteration whose label is compared with the truth of the embedded base's arithmetic; 0: none",
      ),
    probe: z
      .string()
      .describe('JSON lines {"question", "answer"} that the Solver answers in every iteration; "" for none'),
    action,
  }),
  'no-box': z.strictObject({
    share: share.describe("largest share of answers to the Challenger's questions without a box; 1 is off"),
    rise: share.describe('the most that it may be above the first; 1 is off'),
    action,
  }),
  length: z.strictObject({
    questions: z.number().min(1).describe("longest questions on average, in lengths of the first step's"),
    answers: z.number().min(1).describe('longest answers, in the same way'),
    cut: share.describe('largest share of samples cut off at maxTokens; 1 is off'),
    action,
  }),
  entropy: z.strictObject({
    share: share.describe("least entropy of a policy's tokens, as a share of its first step's; 0 is off"),
    action,
  }),
  mismatch: z.strictObject({
    samplerKl: z.number().min(0).describe('largest KL(sampler || trainer), nats a token'),
    capped: share.describe('largest share of trained tokens whose importance weight is capped; 1 is off'),
    action,
  }),
  'nothing-kept': z.strictObject({
    batches: z.number().min(0).describe("fewest kept questions, in batches of the Solver's; 0: only where none is"),
    action,
  }),
  accuracy: z.strictObject({
    intervals: z
      .number()
      .min(0)
      .describe('the most that mean@k may be below its best, in half widths of the 95 % interval of the difference'),
    action,
  }),
});

// The domain's rules and their schema must not drift apart.
((rules: z.infer<typeof warningRules>): WarningRules => rules) satisfies unknown;
