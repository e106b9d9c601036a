import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { within } from '../../ts/worker/deadline.ts';
import type { Patience } from '../../ts/worker/session.ts';
import { deadlines } from '../fixtures/deadlines.ts';
import { Neighbourhood } from '../fixtures/neighbours.ts';
import { isAlive } from '../fixtures/processes.ts';

// Less than a worker is given by default: what ends in time ended by the patience of the test.
jest.setTimeout(15_000);

let place: Neighbourhood;

afterEach(async () => {
  await place.close();
});

async function open(patience: Partial<Patience> = {}): Promise<Neighbourhood> {
  place = await Neighbourhood.open(patience);
  return place;
}

describe('one that ends', () => {
  test('in a request: every pending call hears the exit code and the last words', async () => {
    await open();
    const { worker } = await place.fixture('dies_in_request');
    const message = 'the worker ended with exit code 3; it last printed: fatal: the fixture gives up';
    for (const call of await Promise.allSettled([worker.ping({}), worker.ping({})])) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'worker_gone', message } });
    }
    await expect(worker.ping({})).rejects.toMatchObject({ code: 'worker_gone' });
  });

  test('by a signal: it is named', async () => {
    await open();
    const { worker, process } = await place.fixture('never_answers');
    const call = worker.ping({});
    process.kill('SIGKILL');
    await expect(call).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringContaining('was ended by SIGKILL'),
    });
  });

  test('not when it is told to, nor by SIGTERM: it is killed with all its group', async () => {
    await open();
    const { worker, process, stop } = await place.fixture('ignores_signals');
    const { progress: child } = await worker.ping({});
    expect(isAlive(child)).toBe(true);
    await stop();
    expect(await process.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(isAlive(process.pid)).toBe(false);
    expect(isAlive(child)).toBe(false);
  });
});

describe('one that breaks the protocol', () => {
  test('with bytes that are no message: the call and the process are ended', async () => {
    await open();
    const { worker, process } = await place.fixture('garbage_answer');
    await expect(worker.ping({})).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringContaining('was stopped: it sent what is no protocol message'),
    });
    expect(await process.ended).toMatchObject({ signal: 'SIGKILL' });
  });

  test('with a bad result fails that call; answers to nothing and second answers are dropped and counted', async () => {
    await open();
    const { worker, session } = await place.fixture('odd_answers');
    await expect(worker.ping({})).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/ping: the worker's answer is not valid: PingResult\.busy.*5/),
    });
    const seen: number[] = [];
    expect(await worker.ping({}, { onProgress: ({ done }) => seen.push(done) })).toEqual({ busy: '', progress: 2 });
    expect(seen).toEqual([1, 2]);
    await worker.ping({});
    // The repeated answer, the one under an unknown id, and the progress after the end.
    expect(session.dropped).toBe(3);
  });

  test('with a flood of messages nobody asked for is stopped, and a neighbour is answered all the while', async () => {
    await open();
    const { worker } = await place.fixture('well_behaved');
    const flood = await place.fixture('floods welcomed');
    const pings = (async () => {
      for (let count = 1; ; count++) {
        await worker.ping({});
        if (flood.session.dropped > 10_000) return count;
      }
    })();
    expect(await flood.session.gone).toMatchObject({
      code: 'worker_gone',
      message: expect.stringMatching(/was stopped: it sent 10001 messages nobody asked for/),
    });
    expect(await flood.process.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(await pings).toBeGreaterThan(1);
  });
});

describe('one whose connection ends', () => {
  test('for good: the call and the process are ended', async () => {
    await open({ reconnect: 100 });
    const { worker, process } = await place.fixture('hangs_up');
    await expect(worker.ping({})).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringContaining('was stopped: its connection was lost'),
    });
    expect(await process.ended).toMatchObject({ signal: 'SIGKILL' });
  });

  test('for a moment: what it had not answered is asked again, and the work goes on', async () => {
    await open({ reconnect: 10_000 });
    const { worker, session } = await place.fixture('comes_back');
    const calls = [1, 2, 3].map(() => worker.ping({}));
    expect(await calls[0]).toMatchObject({ progress: 1 });
    // Others may have been asked meanwhile, whether it is still there; none was asked before these two were.
    const [second, third] = await Promise.all(calls.slice(1));
    expect(second?.progress).toBeGreaterThan(3);
    expect(third?.progress).toBeGreaterThan(second?.progress as number);
    await worker.ping({});
    expect(session.dropped).toBe(0);
  });
});

describe('one that is there and does nothing', () => {
  test('says so with every heartbeat: its work is known to stand still', async () => {
    await open({ heartbeat: 20, deadlines: deadlines(500) });
    const { worker, process } = await place.fixture('beats_in_vain');
    await expect(worker.ping({})).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringContaining('was stopped: its sample made no progress for 0.5 s'),
    });
    expect(await process.ended).toMatchObject({ signal: 'SIGKILL' });
  });

  test('sends no heartbeats any more', async () => {
    await open({ heartbeat: 20, silence: 200, reconnect: 100 });
    const { worker, session, process } = await place.fixture('stops_beating');
    await expect(worker.ping({})).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringContaining('was stopped: it sent nothing for 0.2 s'),
    });
    expect(session.vitals).toEqual({ busy: 'sample', queued: 0, progress: 2, heartbeats: 3 });
    expect(await process.ended).toMatchObject({ signal: 'SIGKILL' });
  });

  test('reads nothing: what is asked of it waits in bounded memory until it is given up', async () => {
    await open({ heartbeat: 20, deadlines: deadlines(1_000) });
    const { session, process: stuck } = await place.fixture('stops_reading');
    const large = new Uint8Array(2 ** 26);
    const before = process.memoryUsage().rss;
    const calls = Array.from({ length: 16 }, () => session.request('sample', large)); // 1 GiB in all
    const answers = Promise.allSettled(calls);
    const grown: number[] = [];
    const measuring = setInterval(() => grown.push(process.memoryUsage().rss - before), 50);
    for (const call of await answers) {
      expect(call).toMatchObject({
        status: 'rejected',
        reason: { code: 'worker_gone', message: expect.stringContaining('it was asked for sample and did nothing') },
      });
    }
    clearInterval(measuring);
    expect(grown.length).toBeGreaterThan(5);
    expect(Math.max(...grown)).toBeLessThan(384 * 2 ** 20);
    expect(await stuck.ended).toMatchObject({ signal: 'SIGKILL' });
  });
});

test('a process that has met them ends by itself', async () => {
  await open();
  const path = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
  const names = ['well_behaved', 'dies_at_start', 'wrong_hash', 'dies_in_request', 'hangs_up', 'comes_back'];
  const orchestrator = spawn(process.execPath, ['--import', path('typescript.mjs'), path('meetAll.ts'), ...names], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const ended = new Promise((resolve) => orchestrator.once('exit', resolve));
  try {
    const said = await new Promise((resolve) => orchestrator.stdout.once('data', resolve));
    expect(String(said)).toBe('up worker_start_failed unauthorized up up up\n');
    expect(await within(ended, 5_000)).toBe(0);
  } finally {
    orchestrator.kill('SIGKILL');
    await ended;
  }
});
