import type { JournalEntry } from '../../../ts/ports/journal.ts';
import { type JournalOptions, RunJournal } from '../../../ts/store/journal.ts';
import type { LeaseTime } from '../../../ts/store/lease.ts';
import { thisProcess } from '../../../ts/store/processIdentity.ts';

/** A process that is not there any more. */
export const GONE = { ...thisProcess(), pid: 2 ** 22 + 1, started: '1' };

/** A process whose life nobody sees from here. */
export const ELSEWHERE = { host: 'elsewhere', boot: 'other', pid: 7, started: '7' };

/** Time that passes when somebody waits. */
export function fakeTime(onSleep: (now: number) => void = () => {}): LeaseTime & { beat(): void; now(): number } {
  let now = 1e6;
  const calls = new Set<() => void>();
  return {
    now: () => now,
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      now += milliseconds;
      onSleep(now);
    },
    every: (_, call) => {
      calls.add(call);
      return () => calls.delete(call);
    },
    beat: () => {
      for (const call of [...calls]) call();
    },
  };
}

/** Open a run's journal as a process that will be gone when the next one comes. */
export function openAsGone(run: string, options: Partial<JournalOptions> = {}): Promise<RunJournal> {
  return RunJournal.open(run, { version: '1.0.0', self: GONE, time: fakeTime(), ...options });
}

export function said(message: string): JournalEntry {
  return { type: 'workers', message };
}
