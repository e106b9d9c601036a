import { boundOf, type FixtureArgs, withFixture } from './fixture.ts';
import { takeTurns } from './measure.ts';
import { LOSSES } from './options.ts';
import { Side, sideCommand } from './side.ts';

/** What TRL says of a fixture's steps. */
interface GoldenCase {
  args: FixtureArgs;
  grad_norms: number[];
  param_delta_l2: number;
}

export interface Golden {
  versions: Record<string, string>;
  cases: GoldenCase[];
}

/** Small enough for a test, with sequences of every length and a learning rate at which ratios reach their bounds. */
const SMALL = {
  preset: 'nano',
  prompts: 2,
  group: 4,
  prompt_len: 8,
  completion_len: 16,
  jitter: 0.8,
  steps: 4,
  lr: 3e-3,
  seed: 7,
};

/** TRL's numbers for every loss, with one and with two steps on a rollout. */
export async function makeGolden(python: string, trl: string): Promise<Golden> {
  const golden: Golden = { versions: {}, cases: [] };
  for (const loss_type of LOSSES) {
    for (const num_iterations of [1, 2]) {
      const args = { ...SMALL, loss_type, num_iterations, ...boundOf(loss_type) };
      const { trl: side } = await withFixture(python, args, (folder) =>
        takeTurns({ trl: new Side(sideCommand(trl, 'trl', folder)) }, args.steps),
      );
      const { versions, param_delta_l2 } = side.outcome;
      golden.versions = versions;
      golden.cases.push({ args, grad_norms: side.steps.map((step) => step.grad_norm), param_delta_l2 });
    }
  }
  return golden;
}
