import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Settings } from '../../../ts/domain/settings.ts';
import { History } from '../../../ts/loop/history.ts';
import type { Journal, JournalEntry } from '../../../ts/ports/journal.ts';
import type { Phase } from '../../../ts/ports/reporter.ts';
import { type KeepingRule, needed, unneeded } from '../../../ts/store/needed.ts';
import { objectFile } from '../../../ts/store/objects.ts';
import { sweeper } from '../../../ts/store/sweeper.ts';
import { memoryJournal } from '../../fixtures/memoryJournal.ts';
import { openAsGone } from './journalSetup.ts';
import { liveTiny, openFolder, tinySettings } from './tinyRun.ts';

const home = mkdtempSync(join(tmpdir(), 'rzero-needed-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
let runs = 0;
const newPath = () => join(home, `run-${runs++}`);

const PHASES: Phase[] = ['evaluation', 'challenger', 'questions', 'solver'];

describe('what a run needs', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const place = fc.record({ iteration: fc.nat(3), phase: fc.constantFrom(...PHASES) });
  const mark = (label: string) => ({ name: label, manifestSha256: '' });
  const entry: fc.Arbitrary<JournalEntry> = fc
    .tuple(place, name, name, fc.nat(4), fc.nat(6))
    .map(([of, one, two, step, kind]) => {
      const model = mark(`iteration-${of.iteration}/models/${of.phase}`);
      const point = mark(`iteration-${of.iteration}/checkpoints/${of.phase}-${step}/policy`);
      const entries: JournalEntry[] = [
        { type: 'phase', ...of },
        { type: 'answer', ...of, key: one, object: two },
        { type: 'update', ...of, step, update: 1, seq: 1, batch: 'x', credit: one },
        { type: 'step', ...of, step, metrics: {}, files: [] },
        { type: 'checkpoint', ...of, step, seq: 1, models: [{ ...point, modelId: 'policy', weightsVersion: 1 }] },
        { type: 'done', ...of, metrics: { mean: step }, seconds: 1, files: [], model, value: two },
        { type: 'undone', ...of, reason: 'damaged' },
      ];
      return entries[kind] as JournalEntry;
    });
  const rule: fc.Arbitrary<KeepingRule> = fc.record({
    storage: fc.record({
      keepCheckpoints: fc.integer({ min: 1, max: 3 }),
      keepModels: fc.constantFrom('every', 'best', 'last'),
      keepAnswers: fc.boolean(),
    }),
    roles: fc.record({ judge: fc.constantFrom('frozen', 'ensemble'), ensemble: fc.integer({ min: 1, max: 3 }) }),
    warnings: fc.record({ labels: fc.record({ action: fc.constantFrom('none', 'stop', 'roll-back') }) }),
  });

  test('is never freed, whatever is on record; all else that it names is', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 40 }), rule, (entries, keeping) => {
        const wanted = needed(entries, keeping);
        const free = unneeded(entries, keeping);
        for (const one of wanted) expect(free.has(one)).toBe(false);
        const history = new History(memoryJournal(entries));
        for (const iteration of [0, 1, 2, 3]) {
          for (const phase of PHASES) {
            const { done, answers, checkpoints, updates } = history.phase(iteration, phase);
            if (done !== undefined) {
              expect(wanted).toContain(objectFile(done.value));
              continue;
            }
            for (const object of answers.values()) expect(wanted).toContain(objectFile(object));
            for (const { credit } of updates.values()) expect(wanted).toContain(objectFile(credit));
            for (const { models } of checkpoints.slice(-1)) expect(wanted).toContain(models[0]?.name);
          }
        }
        for (const one of entries) {
          const names =
            one.type === 'checkpoint'
              ? one.models.map((model) => model.name)
              : one.type === 'done' && one.model
                ? [one.model.name]
                : [];
          for (const each of names) expect(wanted.has(each) || free.has(each)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  const done = (iteration: number, phase: Phase, mean = 0): JournalEntry => ({
    type: 'done',
    iteration,
    phase,
    metrics: { mean },
    seconds: 1,
    files: [],
    ...(phase === 'solver' || phase === 'challenger' ? { model: mark(`${phase}-${iteration}`) } : {}),
    value: 'v',
  });
  const whole = (iteration: number, mean: number) => [
    done(iteration, 'challenger'),
    done(iteration, 'questions'),
    done(iteration, 'solver'),
    done(iteration, 'evaluation', mean),
  ];
  const four = [done(0, 'evaluation', 0.9), ...whole(1, 0.5), ...whole(2, 0.7), ...whole(3, 0.7), ...whole(4, 0.6)];
  const models = (
    entries: JournalEntry[],
    keepModels: KeepingRule['storage']['keepModels'],
    ensemble = 0,
    action = 'none',
  ) => {
    const roles = { judge: ensemble > 0 ? 'ensemble' : 'frozen', ensemble };
    const storage = { keepCheckpoints: 1, keepModels, keepAnswers: false };
    return [...needed(entries, { storage, roles, warnings: { labels: { action } } })]
      .filter((one) => one.startsWith('solver'))
      .sort();
  };

  test('of models are those that are kept by the settings, and those that a later phase may start from', () => {
    expect(models(four, 'every')).toEqual(['solver-1', 'solver-2', 'solver-3', 'solver-4']);
    expect(models(four, 'best')).toEqual(['solver-2', 'solver-4']);
    expect(models(four, 'last')).toEqual(['solver-4']);
    expect(models(four, 'last', 3)).toEqual(['solver-2', 'solver-3', 'solver-4']);
    // Until the fourth has sat the exam, the third may be needed to make it again.
    expect(models(four.slice(0, -1), 'last')).toEqual(['solver-3', 'solver-4']);
    expect(models([...four, { type: 'undone', iteration: 3, phase: 'questions', reason: '' }], 'last')).toEqual([
      'solver-2',
      'solver-3',
      'solver-4',
    ]);
  });

  test('where a warning may roll the run back also the best Solver, and what a rolled-back iteration starts from', () => {
    expect(models(four, 'last', 0, 'stop')).toEqual(['solver-4']);
    expect(models(four, 'last', 0, 'roll-back')).toEqual(['solver-2', 'solver-4']);
    const start = {
      type: 'iteration',
      iteration: 5,
      challengerFrom: 1,
      solverFrom: 1,
      trainsChallenger: true,
    } as const;
    // Whatever the settings are by now.
    expect(models([...four, start], 'last')).toEqual(['solver-1']);
    expect(models([...four, { ...start, solverFrom: 3 }], 'last', 2)).toEqual(['solver-2', 'solver-3']);
    // An ensemble is of those that the Solver comes from.
    const fourth = { ...start, iteration: 4, solverFrom: 2 };
    expect(models([...four, fourth], 'last', 2)).toEqual(['solver-2', 'solver-4']);
  });
});

class Crash extends Error {}

/** Dies right after its nth entry: whatever still goes on then reaches it no more. */
function dyingAfter(nth: number, journal: Journal): Journal {
  let left = nth;
  const alive = <A extends unknown[], R>(call: (...args: A) => R) => {
    return (...args: A): R => {
      if (left < 0) throw new Crash();
      return call(...args);
    };
  };
  return {
    entries: journal.entries,
    append: alive((entry, durable) => {
      journal.append(entry, durable);
      left -= 1;
      if (left < 0) throw new Crash();
    }),
    put: alive((value) => journal.put(value)),
    get: (name) => journal.get(name),
    digest: (value) => journal.digest(value),
  };
}

/** All records and the models that are left, by name, each with the SHA-256 of what it holds. */
function outcome(path: string): Record<string, string> {
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('weights.f64') || name.endsWith('.jsonl'),
  );
  const kept = names.filter((name) => name.startsWith('iteration') && !name.includes('checkpoints'));
  return Object.fromEntries(
    kept.sort().map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(path, name)))
        .digest('hex'),
    ]),
  );
}

describe('a run that frees what it does not need as it goes on', () => {
  /** One process: it goes on with what is there, and dies after its nth entry. */
  async function live(path: string, settings: Settings, nth = Number.POSITIVE_INFINITY): Promise<void> {
    const folder = openFolder(path);
    const journal = await openAsGone(path);
    folder.tidiedBy(sweeper(folder, journal.entries, settings));
    await liveTiny(path, dyingAfter(nth, journal), settings, folder);
  }

  test.each<[string, number, (settings: Settings) => void]>([
    ['two roles', 3, () => {}],
    ['an ensemble of judges', 12, ({ roles }) => Object.assign(roles, { judge: 'ensemble', ensemble: 2 })],
    [
      'one model, and an anchor that follows',
      21,
      ({ roles }) => Object.assign(roles, { models: 'one', anchor: 'ema' }),
    ],
  ])(
    '%s: ends as one that frees nothing, wherever it died',
    async (_, first, change) => {
      const whole = newPath();
      await live(whole, tinySettings(change));
      const wanted = outcome(whole);
      const frugal = tinySettings((settings) => {
        change(settings);
        Object.assign(settings.storage, { keepCheckpoints: 1, keepModels: 'last' });
      });
      for (let nth = first; ; nth += 30) {
        const path = newPath();
        const died = await live(path, frugal, nth).then(
          () => false,
          (error) => error instanceof Crash,
        );
        await live(path, frugal);
        const found = outcome(path);
        const { entries } = await openAsGone(path);
        expect(entries.filter(({ type }) => type === 'undone')).toEqual([]);
        for (const [name, sha256] of Object.entries(found)) expect([name, wanted[name]]).toEqual([name, sha256]);
        expect(Object.keys(found).filter((name) => name.includes('models')).length).toBeLessThan(
          Object.keys(wanted).filter((name) => name.includes('models')).length +
            Number(frugal.roles.judge === 'ensemble'),
        );
        const left = new Set(readdirSync(path, { recursive: true, encoding: 'utf8' }));
        expect([...left].filter((name) => name.includes('checkpoints'))).toEqual([]);
        const values = entries.flatMap((entry) => (entry.type === 'done' ? objectFile(entry.value) : []));
        expect([...left].filter((name) => /^objects\/..\/./.test(name)).sort()).toEqual([...new Set(values)].sort());
        if (!died) break;
      }
    },
    60_000,
  );
});
