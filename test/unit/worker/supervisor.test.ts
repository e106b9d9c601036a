import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { WorkerCallError, WorkerStartError } from '../../../ts/worker/errors.ts';
import type { ProcessEnd } from '../../../ts/worker/processGroup.ts';
import { restBefore, type Supervised, Supervisor } from '../../../ts/worker/supervisor.ts';

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A worker process that a test ends. */
class Life implements Supervised {
  readonly process: Supervised['process'];
  readonly session: { gone: Promise<WorkerCallError>; hasWorked: boolean; wasToldToStop: boolean };
  stops = 0;
  ended!: (end: ProcessEnd) => void;
  fail!: (error: WorkerCallError) => void;

  constructor() {
    this.process = {
      ended: new Promise((resolve) => {
        this.ended = resolve;
      }),
    };
    const gone = new Promise<WorkerCallError>((resolve) => {
      this.fail = resolve;
    });
    this.session = { gone, hasWorked: false, wasToldToStop: false };
  }

  async stop(): Promise<void> {
    this.stops += 1;
  }

  /** Its process ends by itself. */
  async die(exitCode = 3): Promise<void> {
    this.ended({ exitCode, signal: undefined });
    await settled();
    this.fail(new WorkerCallError('worker_gone', `the worker ended with exit code ${exitCode}`, 'Traceback'));
    await settled();
  }
}

/** A supervisor in a time that a test makes pass. */
class Watched {
  readonly lives: Life[] = [];
  readonly up: Life[] = [];
  readonly said: string[] = [];
  readonly givenUp: WorkerCallError[] = [];
  /** Rests that were begun, in ms, and how to end the last. */
  readonly rests: number[] = [];
  endRest: (() => void) | undefined;
  /** What the next start waits for. */
  gate: Promise<unknown> = Promise.resolve();
  numbers: number[] = [];
  unwanted: AbortSignal | undefined;
  readonly supervisor: Supervisor<Life>;

  constructor(restarts: number) {
    this.supervisor = new Supervisor<Life>({
      name: 'worker 2',
      restarts,
      start: async (number, unwanted) => {
        this.numbers.push(number);
        this.unwanted = unwanted;
        await this.gate;
        const life = new Life();
        this.lives.push(life);
        return life;
      },
      onUp: (life) => this.up.push(life),
      onGivenUp: (error) => this.givenUp.push(error),
      say: (text) => this.said.push(text),
      after: (milliseconds, action) => {
        this.rests.push(milliseconds);
        this.endRest = action;
        return () => {
          this.endRest = undefined;
        };
      },
    });
  }

  get life(): Life {
    return this.lives.at(-1) as Life;
  }

  async rest(): Promise<void> {
    const end = this.endRest;
    this.endRest = undefined;
    end?.();
    await settled();
  }
}

async function watched(restarts = 5): Promise<Watched> {
  const one = new Watched(restarts);
  await one.supervisor.begin();
  return one;
}

test('the rest before a start doubles from a second to a minute', () => {
  expect([1, 2, 3, 6, 7, 8, 1000].map(restBefore)).toEqual([1e3, 2e3, 4e3, 32e3, 60e3, 60e3, 60e3]);
});

describe('a worker whose process ends', () => {
  test('is expected while it rests and starts, and is up again as another process', async () => {
    const one = await watched();
    expect(one.supervisor.isExpected).toBe(false);
    await one.life.die();
    expect([one.supervisor.isExpected, one.rests, one.lives.length]).toEqual([true, [1_000], 1]);
    let open = (): void => {};
    one.gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    await one.rest();
    expect([one.supervisor.isExpected, one.up.length]).toEqual([true, 0]);
    open();
    await settled();
    expect(one.supervisor.isExpected).toBe(false);
    expect(one.up).toEqual([one.life]);
    expect(one.numbers).toEqual([1, 2]);
    expect(one.said).toEqual(['worker 2 is started again in 1 s, 1 of 5 times in a row']);
  });

  test('is known to be expected before others hear of its end', async () => {
    const one = await watched();
    const seen: boolean[] = [];
    void one.life.session.gone.then(() => seen.push(one.supervisor.isExpected));
    await one.life.die();
    expect(seen).toEqual([true]);
  });

  test('again and again without having worked is given up, with how it ended, and what it said', async () => {
    const one = await watched(3);
    for (const code of [3, 4, 3]) {
      await one.life.die(code);
      await one.rest();
    }
    expect([one.givenUp, one.supervisor.isExpected]).toEqual([[], false]);
    await one.life.die(5);
    expect(one.rests).toEqual([1_000, 2_000, 4_000]);
    expect(one.supervisor.isExpected).toBe(false);
    expect(one.givenUp).toMatchObject([
      {
        code: 'worker_gone',
        message:
          'worker 2 was started again 3 times in a row and did no work any more (exit code 3, exit code 4, ' +
          'exit code 3, exit code 5): it is given up; the last time, the worker ended with exit code 5',
        details: 'Traceback',
      },
    ]);
  });

  test('and has worked begins the count anew', async () => {
    const one = await watched(2);
    for (let round = 0; round < 5; round++) {
      await one.life.die();
      await one.rest();
      await one.life.die();
      await one.rest();
      one.life.session.hasWorked = true;
    }
    expect([one.givenUp, one.lives.length]).toEqual([[], 11]);
    expect(new Set(one.rests)).toEqual(new Set([1_000, 2_000]));
  });

  test('rests only when nothing is left of a process that was given up', async () => {
    const one = await watched();
    one.life.fail(new WorkerCallError('worker_gone', 'the worker was stopped: its sample made no progress for 1 s'));
    await settled();
    expect([one.supervisor.isExpected, one.rests]).toEqual([true, []]);
    one.life.ended({ exitCode: undefined, signal: 'SIGKILL' });
    await settled();
    expect(one.rests).toEqual([1_000]);
  });

  test('and does not come up again counts as one that ended', async () => {
    const one = await watched(2);
    await one.life.die();
    for (const end of ['exit code 7', undefined]) {
      const error = new WorkerStartError('worker_start_failed', 'the worker did not connect', 'CUDA error', end);
      one.gate = Promise.reject(error);
      await one.rest();
    }
    expect(one.said[1]).toBe('the worker did not connect; worker 2 is started again in 2 s, 2 of 2 times in a row');
    expect(one.givenUp).toMatchObject([
      {
        message: expect.stringMatching(
          /2 times in a row .*\(exit code 3, exit code 7, not started\): it is given up; the last time, the worker did not/,
        ),
        details: 'CUDA error',
      },
    ]);
  });

  test('is not started again without the option, nor when it was told to stop', async () => {
    const never = await watched(0);
    await never.life.die();
    expect(never.givenUp).toMatchObject([{ message: 'the worker ended with exit code 3' }]);
    const told = await watched();
    told.life.session.wasToldToStop = true;
    await told.life.die();
    for (const one of [never, told]) expect([one.supervisor.isExpected, one.rests]).toEqual([false, []]);
    expect(told.givenUp).toEqual([]);
  });
});

test('a worker that does not come up at all is not tried again', async () => {
  const one = new Watched(5);
  one.gate = Promise.reject(new WorkerStartError('worker_start_failed', 'no such file'));
  await expect(one.supervisor.begin()).rejects.toMatchObject({ message: 'no such file' });
  expect(one.rests).toEqual([]);
  await one.supervisor.stop();
});

describe('one that is stopped', () => {
  test('while it is up is not started again', async () => {
    const one = await watched();
    await one.supervisor.stop();
    expect(one.life.stops).toBe(1);
    await one.life.die();
    expect([one.rests, one.givenUp, one.supervisor.isExpected]).toEqual([[], [], false]);
  });

  test('while it rests is not', async () => {
    const one = await watched();
    await one.life.die();
    await one.supervisor.stop();
    expect([one.endRest, one.supervisor.isExpected]).toEqual([undefined, false]);
  });

  test('while what is left of it is waited for is not', async () => {
    const one = await watched();
    one.life.fail(new WorkerCallError('worker_gone', 'silence'));
    await settled();
    await one.supervisor.stop();
    one.life.ended({ exitCode: 0, signal: undefined });
    await settled();
    expect(one.rests).toEqual([]);
  });

  test('while it starts again is stopped when it has come up, and taken in by nobody', async () => {
    const one = await watched();
    await one.life.die();
    let open = (): void => {};
    one.gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    await one.rest();
    const stopped = one.supervisor.stop();
    expect(one.unwanted?.aborted).toBe(true);
    open();
    await stopped;
    expect([one.lives.length, one.life.stops, one.up]).toEqual([2, 1, []]);
  });
});

test('whatever happens, it is up, expected or over, and started no oftener in a row than it may be', async () => {
  const event = fc.constantFrom('die', 'work', 'rest', 'no start') as fc.Arbitrary<string>;
  await fc.assert(
    fc.asyncProperty(fc.nat(3), fc.array(event, { maxLength: 20 }), async (restarts, events) => {
      const one = await watched(restarts);
      let [alive, idle] = [true, 0];
      for (const what of events) {
        if (what === 'work' && alive) one.life.session.hasWorked = true;
        if (what === 'die' && alive) {
          idle = one.life.session.hasWorked ? 0 : idle;
          alive = false;
          await one.life.die();
        }
        if (what === 'rest' || what === 'no start') {
          const rests = one.endRest !== undefined;
          one.gate = what === 'rest' ? Promise.resolve() : Promise.reject(new Error('no'));
          one.gate.catch(() => {});
          await one.rest();
          idle += rests ? 1 : 0;
          alive ||= rests && what === 'rest';
        }
        expect(idle).toBeLessThanOrEqual(restarts);
        const isOver = one.givenUp.length === 1;
        expect([alive, one.supervisor.isExpected, isOver].filter(Boolean)).toHaveLength(1);
        if (isOver) expect(idle).toBe(restarts);
      }
    }),
  );
});
