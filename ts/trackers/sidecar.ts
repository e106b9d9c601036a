import { readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describeEnd, NotRunnable, type ProcessGroup, startGroup } from '../worker/processGroup.ts';

/** Trackers that a Python process sends to: their clients are Python's. */
export const SIDECARS = ['wandb', 'mlflow', 'trackio'] as const;

export type SidecarName = (typeof SIDECARS)[number];

/** What to send of which run, and to whom. */
export interface Sending {
  tracker: SidecarName;
  /** The run's folder. */
  run: string;
  project: string;
  /** What the tracker calls the run; '' for the name of its folder. */
  name: string;
  /** Of wandb; '' for its default. */
  entity: string;
}

/** Python packages beside ts/ (or dist/) in the repository. */
const PYTHON_PATH = fileURLToPath(new URL('../../py_worker', import.meta.url));

/** Arguments of Python: `-m rzero_track RUN --to NAME ...`. */
export function sidecarArguments({ tracker, run, project, name, entity }: Sending): string[] {
  const optional = [...(name === '' ? [] : ['--name', name]), ...(entity === '' ? [] : ['--entity', entity])];
  return ['-m', 'rzero_track', run, '--to', tracker, '--project', project, ...optional];
}

/** Its environment: the caller's, with the tracker's own settings and credentials, without the secret of the workers. */
export function sidecarEnvironment(inherited: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const { RZERO_TOKEN: _, ...given } = inherited;
  return {
    ...Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    PYTHONPATH: [PYTHON_PATH, inherited.PYTHONPATH].filter(Boolean).join(delimiter),
    PYTHONUNBUFFERED: '1',
  };
}

/** It gets what the run leaves. */
const NICENESS = 15;

/** A process beside a run that sends its figures to a tracker. */
export interface Sidecar {
  /**
   * Wait until it has sent all, and end it where that takes longer.
   *
   * @returns whether it ended by itself
   */
  close(seconds: number): Promise<boolean>;
}

/**
 * Start a sidecar. It reads the run's files and nothing else, so whatever happens to it the run does not notice; what it
 * has not sent is sent by the next one.
 *
 * @param onTrouble told, in words, when it cannot be started, or ends by itself without having sent all
 */
export function startSidecar(
  python: string,
  sending: Sending,
  env: NodeJS.ProcessEnv,
  onTrouble: (message: string) => void,
): Sidecar {
  const { tracker, run } = sending;
  const log = join(run, 'trackers', `${tracker}.log`);
  const complain = (reason: string) =>
    onTrouble(
      `${tracker} gets no more of this run: ${reason}; rzero track ${run} --to ${tracker} sends what is missing`,
    );
  let group: ProcessGroup | undefined;
  let given = false;
  const live = async (): Promise<void> => {
    try {
      const args = [...sidecarArguments(sending), '--follow', '--log', log];
      group = await startGroup(python, args, { env: sidecarEnvironment(env), output: 'ignore' });
    } catch (error) {
      return complain(`cannot run the Python at ${python}: ${(error as Error).message}`);
    }
    if (given) group.kill('SIGKILL');
    yieldTo(group.pid);
    const end = await group.ended;
    if (end.exitCode !== 0 && !given) complain(lastWords(log) ?? `its process ended with ${describeEnd(end)}`);
  };
  const ended = live();
  return {
    async close(seconds) {
      const over = new AbortController();
      const late = sleep(seconds * 1000, false, { signal: over.signal }).catch(() => true);
      const inTime = await Promise.race([ended.then(() => true), late]);
      over.abort();
      if (!inTime) {
        given = true;
        group?.kill('SIGKILL');
      }
      return inTime;
    },
  };
}

/**
 * Send what a tracker has not got yet, and wait for it.
 *
 * @param options.follow whether to go on until the run is over
 * @param options.signal ends it
 * @param options.onOutput given what it prints
 * @returns its exit code: 0, 69 or 77; 69 where it was ended or cannot be started, which is said
 */
export async function sendNow(
  python: string,
  sending: Sending,
  options: { env: NodeJS.ProcessEnv; follow: boolean; signal: AbortSignal; onOutput(chunk: Uint8Array): void },
): Promise<number> {
  const { env, follow, signal, onOutput } = options;
  const args = [...sidecarArguments(sending), ...(follow ? ['--follow'] : [])];
  try {
    const group = await startGroup(python, args, { env: sidecarEnvironment(env), output: onOutput });
    const stop = () => group.kill('SIGKILL');
    signal.addEventListener('abort', stop);
    const { exitCode = UNAVAILABLE } = await group.ended;
    signal.removeEventListener('abort', stop);
    return exitCode;
  } catch (error) {
    if (!(error instanceof NotRunnable)) throw error;
    onOutput(Buffer.from(`cannot run the Python at ${python}: ${error.message}\n`));
    return UNAVAILABLE;
  }
}

/** EX_UNAVAILABLE, as the sidecar itself ends where its tracker is. */
const UNAVAILABLE = 69;

/** The run comes first. */
function yieldTo(pid: number): void {
  try {
    setPriority(pid, NICENESS);
  } catch {
    // It has ended already.
  }
}

/** What a sidecar said of why it ended, by its log. */
function lastWords(log: string): string | undefined {
  try {
    return [...readFileSync(log, 'utf8').matchAll(/^rzero_track: (.+)$/gm)].at(-1)?.[1];
  } catch {
    return undefined;
  }
}
