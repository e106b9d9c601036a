import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FileSystem, replaceFile } from './fileSystem.ts';
import { JournalError } from './journalError.ts';
import type { Attempt } from './journalLine.ts';
import { isAlive, type ProcessIdentity } from './processIdentity.ts';

/** `lease.json`: by it others see whether the orchestrator that has the run lives. */
export interface Lease extends ProcessIdentity {
  attempt: number;
  run: string;
  /** Counts on for as long as the orchestrator lives. Nobody compares clocks of two machines. */
  beat: number;
  /** Whether it has given the run back. */
  released: boolean;
}

/** Time as a lease needs it; tests pass their own. */
export interface LeaseTime {
  /** Monotonic milliseconds since an arbitrary start. */
  now(): number;
  /** @throws the reason of `signal` when it is aborted */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Call again and again, without keeping the process alive for it. @returns what ends it */
  every(milliseconds: number, call: () => void): () => void;
}

export const realTime: LeaseTime = {
  now: () => performance.now(),
  sleep: async (milliseconds, signal) => {
    await sleep(milliseconds, undefined, { signal }).catch((error: unknown) => {
      throw signal?.aborted ? signal.reason : error;
    });
  },
  every: (milliseconds, call) => {
    const timer = setInterval(call, milliseconds).unref();
    return () => clearInterval(timer);
  },
};

/** Between two beats. */
const BEAT_MILLISECONDS = 5_000;
/** Where nobody sees whether a process lives: so long its beat must have stood still, by the clock of who waits. */
const STILL_MILLISECONDS = 30_000;
const LOOK_MILLISECONDS = 1_000;

/** What `lease.json` says; undefined where there is none. */
export function readLease(run: string): Lease | undefined {
  try {
    return JSON.parse(readFileSync(join(run, 'lease.json'), 'utf8')) as Lease;
  } catch {
    return undefined;
  }
}

/** Shows others that this process lives and has the run. */
export class Heartbeat {
  private readonly run: string;
  private readonly files: FileSystem;
  private readonly isFenced: () => boolean;
  private end = (): void => {};
  private lease: Lease;

  /**
   * @param run the run's folder
   * @param isFenced whether another attempt has taken the run over: then lease.json is not ours any more
   */
  constructor(run: string, attempt: Attempt, files: FileSystem, time: LeaseTime, isFenced: () => boolean) {
    const { number, run: id, host, boot, pid, started } = attempt;
    this.run = run;
    this.files = files;
    this.isFenced = isFenced;
    this.lease = { attempt: number, run: id, host, boot, pid, started, beat: 0, released: false };
    this.write();
    this.end = time.every(BEAT_MILLISECONDS, () => {
      this.lease = { ...this.lease, beat: this.lease.beat + 1 };
      this.write();
    });
  }

  /** Give the run back. */
  release(): void {
    this.end();
    this.lease = { ...this.lease, released: true };
    this.write();
  }

  private write(): void {
    if (this.isFenced()) {
      this.end();
      return;
    }
    const path = join(this.run, 'lease.json');
    const bytes = Buffer.from(`${JSON.stringify(this.lease)}\n`);
    try {
      replaceFile(this.files, path, `${path}.${this.lease.attempt}.tmp`, [bytes]);
    } catch {
      // Who cannot write it looks dead at worst, and is fenced off by whoever takes the run over.
    }
  }
}

/** How long a run has been held, and by whom, in words. */
export function describeHolder({ number, pid, host, at }: Attempt & { at: string }): string {
  return `attempt ${number}, process ${pid} on ${host}, since ${at}`;
}

/**
 * What is known of whoever has the run without waiting: `unknown` where it is on another host, or one without /proc, and
 * has not given the run back.
 */
export function holderState(run: string, attempt: Attempt): 'lives' | 'gone' | 'released' | 'unknown' {
  const lease = readLease(run);
  if (lease?.attempt === attempt.number && lease.run === attempt.run && lease.released) return 'released';
  const alive = isAlive(attempt);
  return alive === undefined ? 'unknown' : alive ? 'lives' : 'gone';
}

/**
 * Wait until it is certain that a run is free.
 *
 * @param run the run's folder
 * @param attempt who had it last
 * @param onWait told, in words, when it takes a while
 * @throws JournalError `run_held` where its holder lives; the reason of `signal` when that is aborted
 */
export async function untilFree(
  run: string,
  attempt: Attempt & { at: string },
  time: LeaseTime,
  { signal, onWait }: { signal?: AbortSignal; onWait?: (message: string) => void },
): Promise<void> {
  const held = () => new JournalError('run_held', `the run is held by ${describeHolder(attempt)}; stop that first`);
  const state = holderState(run, attempt);
  if (state === 'lives') throw held();
  if (state !== 'unknown') return;
  onWait?.(
    `${describeHolder(attempt)} had the run, and cannot be seen from here: waiting up to ` +
      `${STILL_MILLISECONDS / 1000} s for a sign of life`,
  );
  const before = JSON.stringify(readLease(run));
  const started = time.now();
  while (time.now() - started < STILL_MILLISECONDS) {
    await time.sleep(LOOK_MILLISECONDS, signal);
    if (holderState(run, attempt) === 'released') return;
    if (JSON.stringify(readLease(run)) !== before) throw held();
  }
}
