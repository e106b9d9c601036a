import { setTimeout as delay } from 'node:timers/promises';
import { EXIT } from '../../cli/exitCodes.ts';
import { Attempt } from './attempt.ts';
import { DAMAGES } from './damage.ts';

/** What happens to the processes of a run, by name; the share of each, of one. */
const FAULTS: readonly [name: string, share: number][] = [
  ['orchestrator-killed', 0.35],
  ['worker-killed', 0.3],
  ['worker-stalled', 0.1],
  ['orchestrator-stalled', 0.1],
  ['preempted', 0.1],
  ['interrupted', 0.05],
];

/** How often the files are damaged too, once nobody is at the run. */
const DAMAGED = 0.5;

/**
 * How an attempt ends that was killed or told to stop, by the signal itself where it had hardly begun; or whose worker
 * was killed before it had come up for the first time.
 */
const EXPECTED: readonly (number | string)[] = ['SIGKILL', 'SIGTERM', 'SIGINT', EXIT.retry, 130, EXIT.unavailable];

/** Longest stall in seconds. */
const STALL = 3;

export interface Disturbance {
  /** Program and arguments of the first attempt, and of all that follow. */
  begin: readonly string[];
  resume: readonly string[];
  env: NodeJS.ProcessEnv;
  folder: string;
  /** Mean seconds between faults. */
  every: number;
  random: () => number;
  onFault(name: string): void;
}

/**
 * Do a run to its end, whatever happens to it.
 *
 * @returns how many attempts it took
 * @throws Error where an attempt ends in a way that no fault explains
 */
export async function disturb({ begin, resume, env, folder, every, random, onFault }: Disturbance): Promise<number> {
  for (let attempts = 1; ; attempts++) {
    const attempt = new Attempt(attempts === 1 ? begin : resume, env);
    let ended: number | string | undefined;
    const over = attempt.ended.then((end) => {
      ended = end;
    });
    let struck = false;
    const strikeHere = (name: string): void => {
      struck = true;
      onFault(name);
    };
    while (ended === undefined) {
      const wait = -Math.log(1 - random()) * every * 1000;
      const stop = new AbortController();
      await Promise.race([over, delay(wait, undefined, { signal: stop.signal }).catch(() => {})]);
      stop.abort();
      if (ended === undefined) await strike(attempt, random, strikeHere, over);
    }
    if (ended === EXIT.ok) return attempts;
    if (!struck || !EXPECTED.includes(ended))
      throw new Error(`attempt ${attempts} ended with ${ended}:\n${attempt.said}`);
    if (random() < DAMAGED) {
      const names = Object.keys(DAMAGES);
      const name = names[Math.floor(random() * names.length)] as string;
      if (DAMAGES[name]?.(folder, random)) onFault(name);
    }
  }
}

/** @param draw in [0, 1) */
function drawFault(draw: number): string {
  let below = 0;
  for (const [name, share] of FAULTS) {
    below += share;
    if (draw < below) return name;
  }
  return 'orchestrator-killed';
}

async function strike(
  attempt: Attempt,
  random: () => number,
  onFault: (name: string) => void,
  over: Promise<unknown>,
): Promise<void> {
  const name = drawFault(random());
  const [worker] = attempt.workers();
  const stall = delay(random() * STALL * 1000);
  if (name === 'orchestrator-killed') attempt.signal('SIGKILL');
  else if (name === 'preempted') attempt.signal('SIGTERM');
  else if (name === 'interrupted') attempt.signal('SIGINT');
  else if (name === 'orchestrator-stalled') {
    attempt.signal('SIGSTOP');
    await stall;
    attempt.signal('SIGCONT');
  } else if (worker === undefined) {
    return; // there is none at the moment
  } else if (name === 'worker-killed') {
    signal(worker, 'SIGKILL');
  } else {
    signal(worker, 'SIGSTOP');
    await stall;
    signal(worker, 'SIGCONT');
  }
  onFault(name);
  if (['orchestrator-killed', 'preempted', 'interrupted'].includes(name)) await over;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself meanwhile.
  }
}
