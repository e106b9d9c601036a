import { setImmediate as macrotask } from 'node:timers/promises';
import type { Clock } from '../ports/clock.ts';
import { TIMED_OUT } from '../worker/deadline.ts';
import { Agenda } from './agenda.ts';

/** Something that is to happen. */
export interface Appointment {
  cancel(): void;
}

/** Whether time passes: what else could go on is seen by the process, so that there is one such time in it. */
let passes = false;

/** What happens; true where somebody may go on because of it who is not told by a call, as whoever awaits a promise. */
type Happening = () => boolean;

interface Event {
  instant: number;
  happen: Happening | undefined;
}

/**
 * Time that passes only where something is waited for. Real code runs in it as it is: at an instant, all JavaScript
 * that can go on goes on, until it waits for something that is to happen later; then it is that later instant. What
 * code costs on the processor takes no time here. The same happens in the same order every time.
 */
export class VirtualTime implements Clock {
  private instant = 0;
  private readonly agenda = new Agenda<Event>();
  private made = 0;

  /** Seconds since the start. */
  now(): number {
    return this.instant;
  }

  /** Have something happen at an instant, or at once where that has passed; things of one instant in their order. */
  at(instant: number, happen: Happening): Appointment {
    const event: Event = { instant: Math.max(this.instant, instant), happen };
    this.agenda.add(event.instant, event);
    this.made += 1;
    return {
      cancel() {
        event.happen = undefined;
      },
    };
  }

  /** Wait for so many seconds. */
  pass(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.at(this.instant + seconds, () => {
        resolve();
        return true;
      });
    });
  }

  /** As `within` of ts/worker/deadline.ts, in this time. */
  readonly within = <T>(promise: Promise<T>, milliseconds: number): Promise<T | typeof TIMED_OUT> =>
    new Promise((resolve, reject) => {
      const deadline = this.at(this.instant + milliseconds / 1000, () => {
        resolve(TIMED_OUT);
        return true;
      });
      promise.then(resolve, reject).finally(() => deadline.cancel());
    });

  /**
   * Let time pass until `work` is done. In a process, only one time passes at a time.
   * @throws what `work` throws; an Error where it waits for something that never happens
   */
  async run<T>(work: Promise<T>): Promise<T> {
    if (passes) throw new Error('another virtual time passes in this process');
    passes = true;
    try {
      return await this.pursue(work);
    } finally {
      passes = false;
    }
  }

  private async pursue<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const end = () => {
      isDone = true;
    };
    work.then(end, end);
    for (let toldOthers = true; ; ) {
      if (toldOthers) await this.settle();
      if (isDone) return work;
      const event = this.agenda.take();
      if (event === undefined) throw new Error(`at ${this.instant} s everybody waits, and nothing is to happen`);
      if (event.happen === undefined) {
        toldOthers = false;
        continue;
      }
      this.instant = event.instant;
      toldOthers = event.happen();
    }
  }

  /** All JavaScript that can go on does: turns of the event loop, until one was quiet and nobody asked for another. */
  private async settle(): Promise<void> {
    for (let made = -1; made !== this.made || process.getActiveResourcesInfo().includes('Immediate'); ) {
      made = this.made;
      await macrotask();
    }
  }
}
