import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { statusCommand } from '../../../ts/cli/status.ts';
import type { Terminal } from '../../../ts/cli/terminal.ts';
import { configHash } from '../../../ts/config/hash.ts';
import { loadConfig } from '../../../ts/config/load.ts';
import type { JournalEntry } from '../../../ts/ports/journal.ts';
import { cells } from '../../../ts/report/text.ts';
import type { StatusDocument } from '../../../ts/status/document.ts';
import { readStatus } from '../../../ts/status/read.ts';
import { renderStatus } from '../../../ts/status/render.ts';
import { RunJournal } from '../../../ts/store/journal.ts';
import { formatLine } from '../../../ts/store/journalLine.ts';
import { objectFile } from '../../../ts/store/objects.ts';
import { cli } from '../../e2e/cli.ts';
import { ELSEWHERE, GONE, openAsGone, said } from '../store/journalSetup.ts';
import { liveTiny, tinySettings } from '../store/tinyRun.ts';

const home = mkdtempSync(join(tmpdir(), 'rzero-status-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const path = (name: string) => join(home, name);
const command = (...args: string[]) => cli(['status', ...args], { workingFolder: home });
const settings = tinySettings();
const asked: JournalEntry = { type: 'run', config: settings, workingFolder: '/' };

beforeAll(async () => {
  mkdirSync(path('whole'));
  const journal = await openAsGone(path('whole'));
  journal.append(asked);
  await liveTiny(path('whole'), journal, settings);
  journal.append({ type: 'end', how: 'finished' }, true);
  journal.close();
});

/** Write segments whose lines have times of their own: seconds since the run began. */
function written(
  name: string,
  attempts: readonly (readonly [number, JournalEntry][])[],
  who = ELSEWHERE,
): StatusDocument {
  mkdirSync(path(`${name}/journal`), { recursive: true });
  let previous = '';
  let seq = 0;
  let after: { attempt: number; lines: number; hash: string } | null = null;
  for (const [index, entries] of attempts.entries()) {
    const number = index + 1;
    const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + 1000 * second).toISOString();
    const header: object = { number, run: 'a-run', ...who, version: '1.0.0', after };
    const lines = [
      [entries[0]?.[0] ?? 0, 'attempt', header],
      ...entries.map(([second, entry]) => [second, 'entry', entry]),
    ];
    const text: string[] = (lines as [number, 'attempt' | 'entry', object][]).map(([second, kind, said]) => {
      seq += 1;
      const line = formatLine({ seq, at: at(second) }, kind, JSON.stringify(said), previous);
      previous = line.hash;
      return line.text;
    });
    after = { attempt: number, lines: text.length, hash: previous };
    writeFileSync(path(`${name}/journal/000${number}.jsonl`), text.join(''));
  }
  return readStatus(path(name));
}

const place = (iteration: number, phase: 'evaluation' | 'challenger' | 'questions' | 'solver') => ({
  iteration,
  phase,
});
const begins = (...where: Parameters<typeof place>): JournalEntry => ({ type: 'phase', ...place(...where) });
const ends = (where: ReturnType<typeof place>, seconds: number, metrics: Record<string, number> = {}): JournalEntry => {
  return { type: 'done', ...where, metrics, seconds, files: [], value: '0'.repeat(64) };
};
const steps = (where: ReturnType<typeof place>, step: number): JournalEntry => {
  return { type: 'step', ...where, step, metrics: { reward: step / 10 }, files: [] };
};

const paper = loadConfig({ preset: 'paper', sets: ['iterations=2', 'challenger.steps=4', 'solver.steps=10'] });
const FIRST: [number, JournalEntry][] = [
  [0, { type: 'run', config: paper, workingFolder: '/' }],
  [0, begins(0, 'evaluation')],
  [10, ends(place(0, 'evaluation'), 10, { greedy: 0.2, mean: 0.25, majority: 0.3 })],
  [10, begins(1, 'challenger')],
  [110, ends(place(1, 'challenger'), 100, { reward: 0.4 })],
  [110, begins(1, 'questions')],
  [160, ends(place(1, 'questions'), 50, { candidates: 400, kept: 100, keptShare: 0.25 })],
  [160, begins(1, 'solver')],
  [260, ends(place(1, 'solver'), 100, { reward: 0.6 })],
  [260, begins(1, 'evaluation')],
  [270, ends(place(1, 'evaluation'), 10, { greedy: 0.5, mean: 0.2, majority: 0.3 })],
  [270, begins(2, 'challenger')],
  [300, steps(place(2, 'challenger'), 1)],
];

const screen = (columns: number) => ({ live: false, colour: false, unicode: true, width: () => columns });

describe('what there is to say', () => {
  test('of a run that is finished', () => {
    const status = readStatus(path('whole'));
    expect(status).toMatchObject({
      state: 'finished',
      error: null,
      config: {
        preset: 'mock',
        arm: 'full',
        seed: 1,
        iterations: 2,
        hash: configHash(loadConfig({ file: { name: '', text: JSON.stringify(settings) } })),
      },
      attempts: [{ number: 1, pid: GONE.pid, how: 'finished' }],
      left: { phase: null, run: null },
    });
    expect(status.phases).toHaveLength(9);
    expect(status.phases.every(({ state }) => state === 'done')).toBe(true);
    expect(status.scores.map(({ iteration, gain }) => [iteration, gain === null])).toEqual([
      [0, true],
      [1, false],
      [2, false],
    ]);
    expect(status.agreements).toMatchObject({ iteration: 2 });
    expect(status.agreements?.counts).toHaveLength(11);
    expect(status.bytes).toBeGreaterThan(1000);
  });

  test('all fields are always there, and no others', async () => {
    mkdirSync(path('empty'));
    (await openAsGone(path('empty'))).close();
    const names = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.slice(0, 1).map(names)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value).map(([name, inner]) => [name, name === 'metrics' ? {} : names(inner)]),
            )
          : 0;
    const whole = names(readStatus(path('whole'))) as object;
    expect(Object.keys(names(readStatus(path('empty'))) as object)).toEqual(Object.keys(whole));
    expect(whole).toEqual({
      run: 0,
      state: 0,
      error: 0,
      holder: { attempt: 0, host: 0, pid: 0, since: 0 },
      config: { preset: 0, arm: 0, seed: 0, model: 0, iterations: 0, hash: 0 },
      begun: 0,
      changed: 0,
      attempts: [{ number: 0, host: 0, pid: 0, version: 0, begun: 0, last: 0, how: 0, error: 0 }],
      at: { iteration: 0, phase: 0, step: 0, steps: 0, answers: 0, seconds: 0 },
      left: { phase: 0, run: 0 },
      phases: [{ iteration: 0, phase: 0, state: 0, seconds: 0, steps: 0, metrics: {} }],
      scores: [{ iteration: 0, greedy: 0, mean: 0, majority: 0, samples: 0, gain: 0 }],
      kept: [{ iteration: 0, candidates: 0, kept: 0, share: 0 }],
      agreements: { iteration: 0, counts: [0] },
      warnings: expect.objectContaining({ count: 0 }),
      recoveries: { count: 0, last: [] },
      workers: { count: 0, last: [] },
      bytes: 0,
    });
  });

  test('how far one under way is, and what it has left by what was done', () => {
    const status = written('far', [FIRST]);
    expect(status).toMatchObject({
      state: 'elsewhere',
      run: 'a-run',
      at: { iteration: 2, phase: 'challenger', step: 1, steps: 4, seconds: 30 },
      // One step of four in 30 s; then questions, Solver and exam as they were.
      left: { phase: 90, run: 90 + 50 + 100 + 10 },
      kept: [{ iteration: 1, candidates: 400, kept: 100, share: 0.25 }],
    });
    expect(status.scores[1]?.gain).toEqual({
      greedy: expect.closeTo(0.3),
      mean: expect.closeTo(-0.05),
      majority: expect.closeTo(0),
    });
  });

  test('attempts, each with how it ended; a phase that goes on counts from where it did', () => {
    const second: [number, JournalEntry][] = [
      [1000, { type: 'recovery', message: 'lost' }],
      [1010, { type: 'warning', ...place(2, 'challenger'), message: 'few' }],
      [1030, steps(place(2, 'challenger'), 3)],
    ];
    const status = written('again', [[...FIRST, [301, { type: 'end', how: 'preempted' }]], second]);
    expect(status.attempts.map(({ how, last }) => [how, last])).toEqual([
      ['preempted', '2026-01-01T00:05:01.000Z'],
      ['elsewhere', '2026-01-01T00:17:10.000Z'],
    ]);
    // Two steps of four in the 20 s since it is heard of, not in the quarter of an hour before.
    expect(status).toMatchObject({ at: { step: 3, seconds: 20 }, left: { phase: 10 } });
    expect(status.recoveries).toEqual({ count: 1, last: [{ at: '2026-01-01T00:16:40.000Z', message: 'lost' }] });
    expect(status.warnings).toMatchObject({ count: 1, last: [{ iteration: 2, phase: 'challenger', message: 'few' }] });
  });

  test('nothing of what is left where nobody knows, nor of one that nobody has', () => {
    expect(written('early', [FIRST.slice(0, 4)]).left).toEqual({ phase: null, run: null });
    expect(written('lost', [FIRST], GONE)).toMatchObject({ state: 'lost', left: { phase: null, run: null } });
  });

  test('a phase that is done again has done nothing; of many messages the last few are kept', () => {
    const undone: JournalEntry = { type: 'undone', ...place(1, 'evaluation'), reason: 'damaged' };
    const talk = Array.from({ length: 9 }, (_, n): [number, JournalEntry] => [400, said(`worker ${n} joined`)]);
    const status = written('undone', [[...FIRST.slice(0, -2), [390, undone], ...talk]]);
    expect(status.phases.at(-1)).toMatchObject({ iteration: 1, phase: 'evaluation', state: 'under way', metrics: {} });
    expect(status.scores).toHaveLength(1);
    expect(status.workers).toMatchObject({ count: 9, last: [{ message: 'worker 4 joined' }, {}, {}, {}, {}] });
  });

  test('a hundred thousand lines are read in less than two seconds', () => {
    const many = Array.from({ length: 100_000 }, (_, n): [number, JournalEntry] => [
      300 + n,
      { type: 'answer', ...place(2, 'challenger'), key: '0'.repeat(64), object: '0'.repeat(64) },
    ]);
    written('long', [[...FIRST, ...many]]);
    const timed = (): number => {
      const started = performance.now();
      expect(readStatus(path('long')).at).toMatchObject({ answers: 100_000 });
      return performance.now() - started;
    };
    // Others may use this machine: once is enough.
    expect([timed, timed, timed].some((time) => time() < 2000)).toBe(true);
  });
});

describe('for people', () => {
  test('it fits 80 columns and a screen', () => {
    const long = { type: 'end', how: 'failed', error: 'the worker ended: '.repeat(20) } as const;
    const shown = renderStatus(
      written('failed', [
        [...FIRST, [301, long]],
        [
          [400, said('x '.repeat(99))],
          [401, long],
        ],
      ]),
      'runs/a',
      screen(80),
    );
    for (const line of shown) expect(cells(line)).toBeLessThan(80);
    expect(shown.length).toBeLessThan(30);
  });

  test('colours change nothing but colour', () => {
    const status = readStatus(path('whole'));
    const shown = (colour: boolean) => renderStatus(status, 'runs/a', { ...screen(80), colour }).join('\n');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes are made of them
    const codes = /\u001b\[[0-9;]*m/g;
    expect(shown(true)).toMatch(codes);
    expect(shown(true).replace(codes, '')).toBe(shown(false));
  });

  test('as a person sees it', () => {
    const status = {
      ...written('seen', [FIRST]),
      bytes: 12_345_678,
      agreements: { iteration: 1, counts: [0, 0, 1, 2, 4, 8, 4, 2, 1, 0, 0] },
    };
    expect(`\n${renderStatus(status, 'runs/a', screen(80)).join('\n')}\n`).toMatchInlineSnapshot(`
"
elsewhere  runs/a
by         attempt 1, process 7 on elsewhere, since 2026-01-01 00:00:00, last
           heard of 2026-01-01 00:05:00 UTC; whether it lives cannot be seen
           from here
asked      preset paper, seed 1, 2 iterations, Qwen/Qwen3-4B-Base
           configuration 88ff50456223
at         iteration 2 of 2, challenger, step 1 of 4, 30 s; phase: 1 min 30 s
           left; run: 4 min 10 s left
attempts   1  elsewhere  2026-01-01 00:00:00 to 2026-01-01 00:05:00
scores                  greedy         mean@4        majority@4
           base         20.0 %         25.0 %            30.0 %
           iteration 1  50.0 %  +30.0  20.0 %  -5.0      30.0 %  +0.0
kept       iteration 1: 100 of 400 (25 %)
p-hat      0 [  ▁▂▄█▄▂▁  ] 1
figures    challenger 2, step 1:  reward 0.10
           solver 1:  reward 0.60
disk       11.8 MiB
"
`);
  });
});

describe('the command', () => {
  test('prints one document, and writes nothing', async () => {
    const listing = () =>
      readdirSync(path('whole'), { recursive: true, encoding: 'utf8' })
        .sort()
        .map((name) => [name, statSync(join(path('whole'), name)).mtimeMs]);
    const before = listing();
    const { exitCode, out } = await command('whole', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(readStatus(path('whole')))));
    expect((await command('whole')).out).toMatch(/^finished +whole\n/);
    expect(listing()).toEqual(before);
  });

  test('leaves a damaged object where it is', () => {
    cpSync(path('whole'), path('hurt'), { recursive: true });
    const done = readFileSync(path('hurt/journal/0001.jsonl'), 'utf8')
      .split('\n')
      .findLast((line) => line.includes('"type":"done","iteration":2,"phase":"questions"'));
    const file = path(`hurt/${objectFile(JSON.parse(done as string).entry.value)}`);
    writeFileSync(file, 'damaged');
    expect(readStatus(path('hurt')).agreements).toBeNull();
    expect(readFileSync(file, 'utf8')).toBe('damaged');
  });

  test('a folder that is no run is wrong usage; a damaged journal is told as rzero verify tells it', async () => {
    expect(await command('nowhere')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('nowhere is not a run folder'),
    });
    cpSync(path('whole'), path('damaged'), { recursive: true });
    const segment = path('damaged/journal/0001.jsonl');
    writeFileSync(segment, readFileSync(segment, 'utf8').replace('"seq":3', '"seq":4'));
    const { exitCode, err } = await command('damaged', '--json');
    expect(exitCode).toBe(65);
    expect(err).toBe((await cli(['verify', 'damaged'], { workingFolder: home })).err);
  });

  test('watches a run until it ends', async () => {
    mkdirSync(path('watched'));
    const journal = await RunJournal.open(path('watched'), { version: '1.0.0' });
    journal.append(asked);
    const documents: StatusDocument[] = [];
    const out = (text: string): void => {
      documents.push(JSON.parse(text));
      if (documents.length > 1) return;
      journal.append({ type: 'end', how: 'stopped' }, true);
      journal.close();
    };
    const signal = new AbortController().signal;
    const terminal = { out, page: screen(80), workingFolder: home, signal } as unknown as Terminal;
    await statusCommand('watched', { watch: true, json: true }, terminal, 1);
    expect(documents.map(({ state }) => state)).toEqual(['running', 'stopped']);
  });

  test('is told in plain lines where lines cannot be drawn again', async () => {
    const { out } = await command('whole', '--watch');
    expect(out).toMatch(/^\S+Z {2}finished {2}all 2 iterations\nfinished +whole\n/);
  });
});
