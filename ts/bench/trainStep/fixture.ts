import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { WORKER_PACKAGE } from '../../cli/places.ts';

/** What a fixture is made from: the fields of `Args` in py_worker/train_step/fixture.py. */
export interface FixtureArgs {
  preset: string;
  prompts: number;
  group: number;
  prompt_len: number;
  completion_len: number;
  steps: number;
  loss_type: string;
  jitter?: number;
  num_iterations?: number;
  lr?: number;
  threads?: number;
  seed?: number;
  epsilon_high?: number;
}

/** What of a fixture is read here. */
export interface Fixture {
  args: { steps: number };
  steps: readonly Rollout[];
}

/** One step's sequences. */
export interface Rollout {
  prompt_ids: number[][];
  completion_ids: number[][];
}

/** The bound of CISPO's weights, above 1 so that it is reached off-policy only; TRL's default, 0.2, always is. */
export function boundOf(loss: string): Pick<FixtureArgs, 'epsilon_high'> {
  return loss === 'cispo' ? { epsilon_high: 1.2 } : {};
}

/**
 * Make a model and scripted rollouts in a folder that is gone afterwards.
 * @param use what is done with the folder
 */
export async function withFixture<Result>(
  python: string,
  args: FixtureArgs,
  use: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'rzero-train-step-'));
  try {
    await promisify(execFile)(python, ['-m', 'train_step.fixture', folder, JSON.stringify(args)], {
      env: { ...process.env, PYTHONPATH: WORKER_PACKAGE },
    });
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function readFixture(folder: string): Promise<Fixture> {
  return JSON.parse(await readFile(join(folder, 'rollouts.json'), 'utf8'));
}

/** Tokens of a step, the mean over all: those there are, and those of the rectangle that holds them. */
export function countTokens(rollouts: readonly Rollout[]): { real: number; rectangle: number } {
  let [real, rectangle] = [0, 0];
  for (const { prompt_ids, completion_ids } of rollouts) {
    const prompts = prompt_ids.map((ids) => ids.length);
    const completions = completion_ids.map((ids) => ids.length);
    real += [...prompts, ...completions].reduce((sum, length) => sum + length, 0);
    rectangle += prompts.length * (Math.max(...prompts) + Math.max(...completions));
  }
  return { real: real / rollouts.length, rectangle: rectangle / rollouts.length };
}
