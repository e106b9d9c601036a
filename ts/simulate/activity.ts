import type { Clock } from '../ports/clock.ts';

/**
 * What a GPU does. It computes while it samples, scores or trains; it does not while weights are loaded, handed over or moved
 * in and out of its memory.
 */
export const ACTIVITIES = ['sample', 'score', 'train', 'load', 'handover', 'sleep'] as const;
export type Activity = (typeof ACTIVITIES)[number];

export const COMPUTES: Readonly<Record<Activity, boolean>> = {
  sample: true,
  score: true,
  train: true,
  load: false,
  handover: false,
  sleep: false,
};

/** Seconds in which a worker did one thing. */
export interface Interval {
  activity: Activity;
  from: number;
  to: number;
  /** Of sampling: the mean share of the rows that held a sample. */
  filled: number;
}

/** What one worker did, and on which GPUs. */
export class ActivityLog {
  readonly worker: string;
  readonly devices: readonly string[];
  private readonly clock: Clock;
  private readonly mostRows: number;
  private readonly done: Interval[] = [];
  private active = 0;
  /** When rows were first filled, and last changed; and how many were filled for how long. */
  private began = 0;
  private changed = 0;
  private rowSeconds = 0;

  constructor(clock: Clock, worker: string, devices: readonly string[], rows: number) {
    this.clock = clock;
    this.worker = worker;
    this.devices = devices;
    this.mostRows = rows;
  }

  get intervals(): readonly Interval[] {
    return this.done;
  }

  /** So many rows hold a sample from now on. */
  rows(active: number): void {
    const now = this.clock.now();
    if (this.active === 0) this.began = now;
    else this.rowSeconds += this.active * (now - this.changed);
    this.changed = now;
    if (active === 0 && this.active > 0) {
      if (now > this.began) {
        const filled = this.rowSeconds / (now - this.began) / this.mostRows;
        this.done.push({ activity: 'sample', from: this.began, to: now, filled });
      }
      this.rowSeconds = 0;
    }
    this.active = active;
  }

  /** It does something else for so many seconds from now on. */
  spend(activity: Exclude<Activity, 'sample'>, seconds: number): void {
    const from = this.clock.now();
    if (seconds > 0) this.done.push({ activity, from, to: from + seconds, filled: 1 });
  }

  /** It fails: what it is doing ends now. */
  stop(): void {
    const now = this.clock.now();
    this.rows(0);
    for (const interval of this.done) interval.to = Math.min(interval.to, now);
  }
}
