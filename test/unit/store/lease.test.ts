import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { realFileSystem } from '../../../ts/store/fileSystem.ts';
import type { Attempt } from '../../../ts/store/journalLine.ts';
import { Heartbeat, holderState, readLease, untilFree } from '../../../ts/store/lease.ts';
import { type ProcessIdentity, thisProcess } from '../../../ts/store/processIdentity.ts';
import { ELSEWHERE, fakeTime, GONE } from './journalSetup.ts';

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'rzero-lease-'));
});
afterEach(() => rmSync(run, { recursive: true }));

const attemptOf = (self: ProcessIdentity): Attempt & { at: string } => ({
  number: 3,
  run: 'r',
  ...self,
  version: '1.0.0',
  after: null,
  at: '2026-01-01T00:00:00.000Z',
});

function heartbeatOf(self: ProcessIdentity, isFenced = () => false) {
  const time = fakeTime();
  return { heartbeat: new Heartbeat(run, attemptOf(self), realFileSystem, time, isFenced), beat: time.beat };
}

describe('a run that somebody had', () => {
  test('is held while its process lives, and free at once when that is gone', async () => {
    await expect(untilFree(run, attemptOf(thisProcess()), fakeTime(), {})).rejects.toMatchObject({
      code: 'run_held',
      message: `the run is held by attempt 3, process ${process.pid} on ${thisProcess().host}, since 2026-01-01T00:00:00.000Z; stop that first`,
    });
    const time = fakeTime();
    const before = time.now();
    await untilFree(run, attemptOf(GONE), time, {});
    expect(time.now()).toBe(before);
  });

  test('is free at once when it was given back, wherever that was', async () => {
    for (const self of [thisProcess(), ELSEWHERE]) {
      const { heartbeat } = heartbeatOf(self);
      heartbeat.release();
      const time = fakeTime();
      const before = time.now();
      await untilFree(run, attemptOf(self), time, {});
      expect(time.now()).toBe(before);
    }
  });

  test('what an earlier attempt gave back says nothing about this one', () => {
    heartbeatOf(thisProcess()).heartbeat.release();
    expect(holderState(run, attemptOf(thisProcess()))).toBe('released');
    expect(holderState(run, { ...attemptOf(thisProcess()), number: 4 })).toBe('lives');
    expect(holderState(run, { ...attemptOf(ELSEWHERE), number: 4 })).toBe('unknown');
  });
});

describe('a holder that cannot be seen from here', () => {
  test('is gone when it has not beaten for 30 seconds; whoever waits is told', async () => {
    heartbeatOf(ELSEWHERE);
    const time = fakeTime();
    const before = time.now();
    const told: string[] = [];
    await untilFree(run, attemptOf(ELSEWHERE), time, { onWait: (message) => told.push(message) });
    expect(time.now() - before).toBe(30_000);
    expect(told).toEqual([
      'attempt 3, process 7 on elsewhere, since 2026-01-01T00:00:00.000Z had the run, and cannot be seen from here: ' +
        'waiting up to 30 s for a sign of life',
    ]);
  });

  test('lives when its beat moves, and has gone when it gives the run back meanwhile', async () => {
    const { heartbeat, beat } = heartbeatOf(ELSEWHERE);
    let started = 0;
    const beats = fakeTime((now) => {
      started ||= now;
      if (now - started === 20_000) beat();
    });
    await expect(untilFree(run, attemptOf(ELSEWHERE), beats, {})).rejects.toMatchObject({ code: 'run_held' });
    const released = fakeTime(() => heartbeat.release());
    await untilFree(run, attemptOf(ELSEWHERE), released, {});
  });

  test('is not waited for any longer when nobody wants that', async () => {
    const stop = new AbortController();
    const time = fakeTime(() => stop.abort(new Error('no more')));
    await expect(untilFree(run, attemptOf(ELSEWHERE), time, { signal: stop.signal })).rejects.toThrow('no more');
  });

  test('clocks that people set change nothing', async () => {
    heartbeatOf(ELSEWHERE);
    let hours = 0;
    const date = jest.spyOn(Date, 'now').mockImplementation(() => 3_600_000 * hours++);
    try {
      const time = fakeTime();
      const before = time.now();
      await untilFree(run, attemptOf(ELSEWHERE), time, {});
      expect(time.now() - before).toBe(30_000);
    } finally {
      date.mockRestore();
    }
  });
});

describe('a heartbeat', () => {
  test('counts on, and leaves nothing but lease.json', () => {
    const { heartbeat, beat } = heartbeatOf(GONE);
    const beats = [0, 1, 2].map((count) => {
      if (count > 0) beat();
      return readLease(run)?.beat;
    });
    expect(beats).toEqual([0, 1, 2]);
    expect(readLease(run)).toEqual({ attempt: 3, run: 'r', ...GONE, beat: 2, released: false });
    heartbeat.release();
    beat();
    expect(readLease(run)).toMatchObject({ beat: 2, released: true });
    expect(readdirSync(run)).toEqual(['lease.json']);
  });

  test('leaves lease.json to whoever has taken the run over', () => {
    let isFenced = false;
    const { heartbeat, beat } = heartbeatOf(GONE, () => isFenced);
    isFenced = true;
    writeFileSync(join(run, 'lease.json'), '{"attempt":4}');
    beat();
    heartbeat.release();
    expect(readLease(run)).toEqual({ attempt: 4 });
  });

  test('that cannot be written does not end the run; what is no lease is none', () => {
    mkdirSync(join(run, 'lease.json'));
    const { beat } = heartbeatOf(GONE);
    expect(beat).not.toThrow();
    expect(readLease(run)).toBeUndefined();
  });
});
