import type { Activity } from '../ports/reporter.ts';

/** How fast and how busy workers are in a phase. */
export interface Throughput {
  /** Sampled tokens a second since the phase began, undefined where none was sampled; and lately, where that is another time. */
  mean?: number;
  lately?: number;
  /** Share of the devices' time in which they worked, [0, 1]. */
  busy?: number;
}

/** Seconds that count as lately. */
const LATELY = 30;

interface Sighting extends Activity {
  at: number;
}

/** Follows the workers through a phase. Knows no clock. */
export class PhaseThroughput {
  private readonly first: Sighting;
  /** Those of lately, the oldest first, one a second and the last one; and the last one before. */
  private recent: Sighting[];

  /** @param at seconds, of any clock */
  constructor(at: number, start: Activity) {
    this.first = { ...start, at };
    this.recent = [this.first];
  }

  add(at: number, activity: Activity): void {
    const before = this.recent.at(-2);
    if (before !== undefined && at - before.at < 1) this.recent.pop();
    this.recent.push({ ...activity, at });
    while (this.recent[1] !== undefined && this.recent[1].at <= at - LATELY) this.recent.shift();
  }

  read(): Throughput {
    const last = this.recent.at(-1) as Sighting;
    const from = this.recent[0] as Sighting;
    const mean = rate(this.first, last);
    const there = last.deviceSeconds - this.first.deviceSeconds;
    return {
      ...(mean > 0 && { mean }),
      ...(mean > 0 && from !== this.first && { lately: rate(from, last) }),
      ...(there > 0 && { busy: Math.min(1, (last.busySeconds - this.first.busySeconds) / there) }),
    };
  }
}

/** Tokens a second between two sightings. */
function rate(from: Sighting, to: Sighting): number {
  return to.at > from.at ? (to.tokens - from.tokens) / (to.at - from.at) : 0;
}
