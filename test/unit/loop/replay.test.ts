import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../../ts/config/load.ts';
import type { Settings } from '../../../ts/domain/settings.ts';
import type { LoopContext } from '../../../ts/loop/context.ts';
import { ReplayDiverged, Stopped } from '../../../ts/loop/errors.ts';
import { History } from '../../../ts/loop/history.ts';
import { coevolveThrough } from '../../../ts/loop/recovery.ts';
import type { Journal, JournalEntry } from '../../../ts/ports/journal.ts';
import type { LoopEvent } from '../../../ts/ports/reporter.ts';
import type { Worker } from '../../../ts/ports/worker.ts';
import { WorkerCallError } from '../../../ts/worker/errors.ts';
import { createMemoryWorker } from '../../../ts/worker/memoryWorker.ts';
import { babbling } from '../../fixtures/babbling.ts';
import { memoryJournal } from '../../fixtures/memoryJournal.ts';

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** What outlives a process: a folder, a journal, and the records. */
class Disk {
  readonly folder = mkdtempSync(join(tmpdir(), 'replay-'));
  readonly journal = memoryJournal();
  readonly records = new Map<string, string>();
  readonly events: LoopEvent[] = [];
  private quarantined = 0;

  constructor() {
    folders.push(this.folder);
  }

  path(name: string): string {
    return join(this.folder, name.replaceAll('/', '-'));
  }

  store(): LoopContext['store'] {
    const write = (name: string, lines: Iterable<object>) => {
      const text = JSON.stringify([...lines]);
      this.records.set(name, text);
      return { name, sha256: sha256(text) };
    };
    return {
      writeRecords: write,
      openRecords: (name) => {
        const lines: object[] = [];
        return { add: (record) => lines.push(record), finish: () => write(name, lines), discard: () => {} };
      },
      emptyFolder: (name) => {
        if (existsSync(this.path(name))) renameSync(this.path(name), this.path(`lost-${this.quarantined++}`));
        return this.path(name);
      },
      folder: (name) => this.path(name),
      has: (name) => existsSync(this.path(name)),
      holds: ({ name, sha256: wanted }) => sha256(this.records.get(name) ?? '') === wanted,
      damageOf: ({ name, manifestSha256 }) => {
        const manifest = join(this.path(name), 'manifest.json');
        const damaged = !existsSync(manifest) || sha256(readFileSync(manifest)) !== manifestSha256;
        return damaged ? `${name} is damaged` : undefined;
      },
      tidy: () => {},
    };
  }

  /** Weights of the last Challenger and Solver, all records, and what the journal says without times. */
  outcome() {
    const weights = ['challenger', 'solver'].map((role) =>
      sha256(readFileSync(join(this.path(`iteration-2/models/${role}`), 'weights.f64'))),
    );
    return {
      weights,
      records: Object.fromEntries(this.records),
      entries: this.journal.entries.filter(({ type }) => type !== 'recovery').map(timeless),
    };
  }
}

function timeless(entry: JournalEntry): JournalEntry {
  return entry.type === 'done' ? { ...entry, seconds: 0 } : entry;
}

function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Two small iterations with several updates a step, and an anchor that follows. */
function settings(): Settings {
  const config = loadConfig({ preset: 'mock' });
  Object.assign(config, { model: 'memory:replay' });
  const phase = { steps: 3, rollouts: 2, miniBatch: 2 };
  Object.assign(config.challenger, { ...phase, prompts: 2 });
  Object.assign(config.solver, { ...phase, prompts: 2 });
  for (const { sampling } of [
    config.challenger,
    config.solver,
    config.answering,
    config.questions,
    config.evaluation,
  ]) {
    Object.assign(sampling, { maxTokens: 8 });
  }
  Object.assign(config.questions, { candidates: 4 });
  Object.assign(config.answering, { votes: 2 });
  Object.assign(config.evaluation, { samples: 1 });
  config.roles.anchor = 'ema';
  return config;
}

interface Life {
  journal?: (journal: Journal) => Journal;
  worker?: (worker: Worker) => Worker;
  change?: (settings: Settings) => void;
  stopping?: AbortSignal;
  /** Whether a sample that the exam marks is right. */
  isRight?: (text: string) => boolean;
}

/** One process: it begins with what is on the disk. */
async function live(
  disk: Disk,
  { journal, worker, change, stopping, isRight = (text) => text.includes('{1}') }: Life = {},
): Promise<void> {
  const own = settings();
  change?.(own);
  const real = babbling(createMemoryWorker());
  await coevolveThrough({
    settings: own,
    worker: worker?.(real) ?? real,
    exam: {
      name: 'test',
      questions: ['q'],
      grade: (responses) => responses.map((texts) => texts.map(isRight)),
      gradeMajority: (responses) => responses.map(() => false),
    },
    store: disk.store(),
    reporter: { report: (event) => disk.events.push(event) },
    clock: { now: () => 0 },
    history: new History(journal?.(disk.journal) ?? disk.journal),
    stopping: stopping ?? new AbortController().signal,
    signal: new AbortController().signal,
    mostLosses: 3,
    requestSamples: 64,
  });
}

class Crash extends Error {}

/** The process dies at its nth entry: before it is written, or right after. */
function dyingAt(nth: number, after: boolean): (journal: Journal) => Journal {
  return (journal) => {
    let left = nth;
    let dead = false;
    const alive = <A extends unknown[], R>(action: (...args: A) => R) => {
      return (...args: A): R => {
        if (dead) throw new Crash();
        return action(...args);
      };
    };
    return {
      ...journal,
      append: alive((entry, durable) => {
        left -= 1;
        dead = left < 0;
        if (!dead || after) journal.append(entry, durable);
        if (dead) throw new Crash();
      }),
      put: alive(journal.put),
    };
  };
}

const undisturbed = (async () => {
  const disk = new Disk();
  await live(disk);
  return disk.outcome();
})();

describe('a run that dies and goes on', () => {
  test('right after an entry: ends with the very same weights, records and journal', async () => {
    const wanted = await undisturbed;
    expect(wanted.entries.filter(({ type }) => type === 'update').length).toBe(24);
    // Every third: the next test dies at each of them.
    for (let nth = 0; nth < wanted.entries.length; nth += 3) {
      const disk = new Disk();
      await expect(live(disk, { journal: dyingAt(nth, true) })).rejects.toThrow(Crash);
      await live(disk);
      expect(disk.outcome()).toEqual(wanted);
    }
  }, 120_000);

  test('over and over, before each entry of one run is written', async () => {
    const disk = new Disk();
    let lives = 0;
    for (; lives < 1000; lives++) {
      const over = await live(disk, { journal: dyingAt(1, false) }).then(
        () => true,
        () => false,
      );
      if (over) break;
    }
    expect(lives).toBeGreaterThan(50);
    expect(disk.outcome()).toEqual(await undisturbed);
  });
});

test('a run that is rolled back and dies comes to the same weights, records and journal', async () => {
  const life: Life = {
    change: ({ warnings }) => {
      Object.assign(warnings['nothing-kept'], { batches: 1000, action: 'roll-back' });
    },
    // None is better than the base.
    isRight: () => false,
  };
  const whole = new Disk();
  await live(whole, life);
  const wanted = whole.outcome();
  expect(wanted.entries).toContainEqual(expect.objectContaining({ type: 'iteration', iteration: 2, solverFrom: 0 }));
  expect(wanted.weights).not.toEqual((await undisturbed).weights);
  const first = wanted.entries.findIndex((entry) => entry.type === 'done' && entry.phase === 'questions');
  for (let nth = first - 3; nth < wanted.entries.length; nth += 13) {
    const disk = new Disk();
    await expect(live(disk, { ...life, journal: dyingAt(nth, true) })).rejects.toThrow(Crash);
    await live(disk, life);
    expect(disk.outcome()).toEqual(wanted);
  }
}, 120_000);

/** The worker is lost at its nth call of a verb, and all that it held with it. */
function losing(verb: keyof Worker & string, nth: number, after: boolean): (worker: Worker) => Worker {
  return (first) => {
    let calls = 0;
    let current = first;
    return new Proxy(first, {
      get(_, name) {
        if (typeof name !== 'string' || name === 'hello') return Reflect.get(current, name);
        return async (...args: unknown[]) => {
          const used = current;
          const call = () => (Reflect.get(used, name) as (...all: unknown[]) => Promise<unknown>)(...args);
          if (name !== verb || ++calls !== nth) return call();
          if (after) await call();
          current = babbling(createMemoryWorker());
          throw new WorkerCallError('worker_gone', 'it was killed');
        };
      },
    });
  };
}

describe('a worker that is lost', () => {
  const verbs = ['loadModel', 'sample', 'forward', 'forwardBackward', 'optimStep', 'publishWeights', 'averageWeights'];
  const others = ['saveCheckpoint', 'unloadModel'];
  test.each([...verbs, ...others])('at %s, before or after it was done: the same run', async (verb) => {
    const wanted = await undisturbed;
    for (const after of [false, true]) {
      for (const nth of [1, 2, 7]) {
        const disk = new Disk();
        await live(disk, { worker: losing(verb as 'sample', nth, after) });
        expect(disk.outcome()).toEqual(wanted);
      }
    }
  });

  test('again and again without getting on: the run ends with what the worker died of', async () => {
    const disk = new Disk();
    const dead = (worker: Worker): Worker => ({
      ...worker,
      forwardBackward: async () => {
        throw new WorkerCallError('worker_gone', 'out of memory, says the kernel');
      },
    });
    await expect(live(disk, { worker: dead })).rejects.toThrow('out of memory, says the kernel');
    expect(disk.events.filter(({ type }) => type === 'recovery')).toHaveLength(2);
  });
});

describe('what was damaged meanwhile', () => {
  const stopAt = (disk: Disk, nth: number) =>
    expect(live(disk, { journal: dyingAt(nth, true) })).rejects.toThrow(Crash);
  const entryAt = async (wanted: (entry: JournalEntry) => boolean) => (await undisturbed).entries.findIndex(wanted);

  test('answers: they are asked for again', async () => {
    const disk = new Disk();
    await stopAt(disk, await entryAt((entry) => entry.type === 'step' && entry.phase === 'solver'));
    disk.journal.objects.clear();
    await live(disk);
    const { weights, records } = disk.outcome();
    expect({ weights, records }).toEqual({
      weights: (await undisturbed).weights,
      records: (await undisturbed).records,
    });
  });

  test('the last checkpoint: the one before it, with a warning', async () => {
    const disk = new Disk();
    await stopAt(disk, await entryAt((entry) => entry.type === 'checkpoint' && entry.step === 2));
    writeFileSync(join(disk.path('iteration-1/checkpoints/challenger-002/challenger'), 'weights.f64'), 'x');
    await live(disk);
    expect(disk.outcome().weights).toEqual((await undisturbed).weights);
    expect(disk.events).toContainEqual(
      expect.objectContaining({ type: 'recovery', message: expect.stringContaining('after step 2 cannot be used') }),
    );
    expect(disk.events).toContainEqual(expect.objectContaining({ type: 'phase-resumed', step: 1 }));
  });

  test('all checkpoints: from the beginning of the phase', async () => {
    const disk = new Disk();
    await stopAt(disk, await entryAt((entry) => entry.type === 'checkpoint' && entry.step === 2));
    for (const step of ['001', '002'])
      rmSync(disk.path(`iteration-1/checkpoints/challenger-${step}/challenger`), { recursive: true });
    await live(disk);
    expect(disk.outcome().weights).toEqual((await undisturbed).weights);
  });

  test('the model of a phase that is over: the phase is done again', async () => {
    const disk = new Disk();
    await stopAt(disk, await entryAt((entry) => entry.type === 'phase' && entry.phase === 'questions'));
    writeFileSync(join(disk.path('iteration-1/models/challenger'), 'manifest.json'), '{}');
    await live(disk);
    expect(disk.outcome().weights).toEqual((await undisturbed).weights);
    expect(disk.journal.entries).toContainEqual(expect.objectContaining({ type: 'undone', phase: 'challenger' }));
  });

  test('records of a phase that is over: the phase is done again', async () => {
    const disk = new Disk();
    await stopAt(disk, await entryAt((entry) => entry.type === 'phase' && entry.phase === 'solver'));
    disk.records.set('iteration-1/questions.jsonl', 'half');
    await live(disk);
    expect(disk.outcome().weights).toEqual((await undisturbed).weights);
    expect(disk.outcome().records).toEqual((await undisturbed).records);
  });
});

test('a replay that comes to another batch is refused, and nothing is trained', async () => {
  const disk = new Disk();
  const { entries } = await undisturbed;
  const step = entries.findIndex((entry) => entry.type === 'step' && entry.step === 1);
  await expect(live(disk, { journal: dyingAt(step, false) })).rejects.toThrow(Crash);
  const trained: string[] = [];
  const watched = (worker: Worker): Worker => ({
    ...worker,
    forwardBackward: async (params, options) => {
      trained.push(params.modelId);
      return worker.forwardBackward(params, options);
    },
  });
  const change = (changed: Settings): void => {
    changed.challenger.optimizer.learningRate *= 2;
  };
  await expect(live(disk, { worker: watched, change })).rejects.toThrow(ReplayDiverged);
  await expect(live(disk, { change })).rejects.toThrow(
    'iteration 1, challenger, step 1, update 1 would be made of another',
  );
  expect(trained).toEqual([]);
});

describe('a run that is told to stop', () => {
  /** Stop when the nth call of a verb begins; what is being sampled then is cancelled by the signal. */
  const stoppingAt = (verb: 'sample' | 'optimStep' | 'forward', nth: number, stop: AbortController) => {
    let calls = 0;
    return (worker: Worker): Worker => ({
      ...worker,
      [verb]: (params: never, options: never) => {
        if (++calls === nth) stop.abort();
        return worker[verb](params, options);
      },
    });
  };

  test.each([
    ['sample', 3],
    ['sample', 12],
    ['sample', 20],
    ['forward', 2],
    ['optimStep', 1],
    ['optimStep', 4],
    ['optimStep', 24],
  ] as const)('at %s %i: it stops, and goes on to the same end', async (verb, nth) => {
    const disk = new Disk();
    const stop = new AbortController();
    await expect(live(disk, { worker: stoppingAt(verb, nth, stop), stopping: stop.signal })).rejects.toThrow(Stopped);
    const last = disk.journal.entries.findLast(({ type }) => type === 'checkpoint' || type === 'update');
    // An update that was begun is brought to the end of its step, which is committed, or ends the phase.
    const ended = disk.journal.entries.at(-1)?.type === 'done';
    if (verb === 'optimStep') expect(ended || last?.type === 'checkpoint').toBe(true);
    await live(disk);
    const { weights, records } = disk.outcome();
    expect({ weights, records }).toEqual({
      weights: (await undisturbed).weights,
      records: (await undisturbed).records,
    });
  });

  test('between checkpoints: the steps that are done are committed first', async () => {
    const disk = new Disk();
    const stop = new AbortController();
    const change = (changed: Settings): void => {
      changed.storage.checkpointEvery = 1000;
    };
    // The Challenger's second step begins with its request for questions.
    const worker = (real: Worker): Worker => ({
      ...real,
      sample: (params, options) => {
        if (disk.journal.entries.some(({ type }) => type === 'step')) stop.abort();
        return real.sample(params, options);
      },
    });
    await expect(live(disk, { worker, change, stopping: stop.signal })).rejects.toThrow(Stopped);
    expect(disk.journal.entries.at(-1)).toMatchObject({ type: 'checkpoint', phase: 'challenger', step: 1 });
    await live(disk, { change });
    expect(disk.outcome().weights).toEqual((await undisturbed).weights);
  });
});
