import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { repetitionShares } from '../../domain/repetition.ts';
import type { Task } from './options.ts';
import { questions, type SetName } from './questions.ts';

/** What the penalty of one batch costs. Seconds are of processor time, which other processes cannot stretch much. */
export interface Cost {
  set: SetName;
  questions: number;
  /** Of the first batch of a process: nothing is compiled yet. */
  firstSeconds: number;
  /** Of the batches after it, the median. */
  seconds: number;
  /** The most memory the process held, all of Node included, after the first batch. */
  peakMebibytes: number;
  /** What there is to see of the result: the sum of all shares. */
  sumOfShares: number;
}

/** Batches after the first. */
const REPEATS = 3;

/** Measure here. The questions are made before. */
export function measureHere({ set, questions: n }: Task): Cost {
  const batch = questions(set, n);
  const first = timed(batch);
  const peakMebibytes = process.resourceUsage().maxRSS / 1024;
  const seconds = Array.from({ length: REPEATS }, () => timed(batch).seconds).sort((a, b) => a - b);
  return {
    set,
    questions: n,
    firstSeconds: first.seconds,
    seconds: seconds[REPEATS >> 1] as number,
    peakMebibytes: Math.round(peakMebibytes),
    sumOfShares: first.shares.reduce((sum, share) => sum + share, 0),
  };
}

/** Measure in a process of its own: `--only` of this program. */
export async function measureApart({ set, questions }: Task): Promise<Cost> {
  const program = [...process.execArgv, process.argv[1] as string, '--only', `${set}:${questions}`];
  const { stdout } = await promisify(execFile)(process.execPath, program);
  return JSON.parse(stdout) as Cost;
}

function timed(batch: readonly string[]): { seconds: number; shares: number[] } {
  const begun = process.cpuUsage();
  const shares = repetitionShares(batch);
  const { user, system } = process.cpuUsage(begun);
  return { seconds: (user + system) / 1e6, shares };
}
