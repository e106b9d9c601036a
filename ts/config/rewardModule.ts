import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type ChallengerRewardFunction, requireTotals } from '../domain/score.ts';
import { ConfigError } from './errors.ts';

/** A user's own reward, and which file it came from. */
export interface RewardModule {
  /** SHA-256 of the file, in hex. What the file imports is not in it. */
  sha256: string;
  reward: ChallengerRewardFunction;
}

/**
 * Load the module that `rewards.challenger.module` names: JavaScript whose default export is a
 * {@link ChallengerRewardFunction}; TypeScript too where Node runs it (22.18 and newer). The module runs in this
 * process with all rights of it.
 *
 * @param path absolute
 * @param name what errors call it: the path as the person typed it
 * @throws ConfigError when it cannot be read or run, or has no such export. Its `reward` throws one when the user's
 *   throws or does not return one finite number a proposal
 */
export async function loadRewardModule(path: string, name = path): Promise<RewardModule> {
  const wrong = (why: string): ConfigError => new ConfigError(`rewards.challenger.module ${name}: ${why}`);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw wrong(code === 'ENOENT' ? 'no such file' : message);
  }
  let exported: unknown;
  try {
    exported = ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      throw wrong(`Node ${process.versions.node} does not run TypeScript; use 22.18 or newer, or compile it to .mjs`);
    }
    throw wrong(`it cannot be loaded: ${messageOf(error)}`);
  }
  if (typeof exported !== 'function') {
    throw wrong(
      `its default export is ${exported === undefined ? 'missing' : `a ${typeof exported}`}: it must be a function`,
    );
  }
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    async reward(batch) {
      let totals: unknown;
      try {
        totals = await exported(batch);
      } catch (error) {
        throw wrong(`it threw ${messageOf(error)}`);
      }
      try {
        return requireTotals(totals, batch.length);
      } catch (error) {
        throw wrong(messageOf(error));
      }
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
