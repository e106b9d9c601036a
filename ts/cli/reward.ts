import { resolve } from 'node:path';
import { ConfigError } from '../config/errors.ts';
import { loadRewardModule } from '../config/rewardModule.ts';
import type { Config } from '../config/schema.ts';
import type { ChallengerRewardFunction } from '../domain/score.ts';

/** The user's own reward as a run has it on record: its path as configured, and the SHA-256 of the file. */
export interface RewardModule {
  path: string;
  sha256: string;
}

/** The user's own reward, if there is one. @throws ConfigError */
export async function rewardOf(config: Config, workingFolder: string): Promise<ChallengerRewardFunction | undefined> {
  const path = config.rewards.challenger.module;
  return path === '' ? undefined : (await loadRewardModule(resolve(workingFolder, path), path)).reward;
}

/** The same, for the record. @throws ConfigError */
export async function describeReward(config: Config, workingFolder: string): Promise<RewardModule | undefined> {
  const path = config.rewards.challenger.module;
  if (path === '') return undefined;
  const { sha256 } = await loadRewardModule(resolve(workingFolder, path), path);
  return { path, sha256 };
}

/** @throws ConfigError where the user's own reward is not what it was when the run began */
export async function requireSameReward(
  recorded: RewardModule | undefined,
  config: Config,
  workingFolder: string,
  name: string,
): Promise<void> {
  const present = await describeReward(config, workingFolder);
  if (recorded === undefined || present === undefined || recorded.sha256 === present.sha256) return;
  throw new ConfigError(
    `${present.path} has changed since run ${name} was begun: its SHA-256 is ${present.sha256}, and was ${recorded.sha256}. ` +
      'It would not be the same run: take the change back, or fork this one',
  );
}
