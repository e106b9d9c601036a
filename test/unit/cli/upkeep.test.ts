import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { JournalEntry } from '../../../ts/ports/journal.ts';
import { RunJournal, readJournal } from '../../../ts/store/journal.ts';
import { objectFile } from '../../../ts/store/objects.ts';
import { thisProcess } from '../../../ts/store/processIdentity.ts';
import { cli } from '../../e2e/cli.ts';
import { ELSEWHERE, openAsGone } from '../store/journalSetup.ts';
import { liveTiny, tinySettings } from '../store/tinyRun.ts';

const home = mkdtempSync(join(tmpdir(), 'rzero-upkeep-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const settings = tinySettings();
const asked: JournalEntry = { type: 'run', config: settings, workingFolder: '/' };
const path = (name: string) => join(home, name);
const command = (...args: string[]) => cli(args, { workingFolder: home });

/** Entries of a run, before some of which it was lost. */
let whole: readonly JournalEntry[];

beforeAll(async () => {
  mkdirSync(path('whole'));
  const journal = await openAsGone(path('whole'));
  journal.append(asked);
  await liveTiny(path('whole'), journal, settings);
  journal.append({ type: 'end', how: 'finished' }, true);
  whole = journal.entries;
  // Lost before its second Solver was done: what it had in training is there.
  cpSync(path('whole'), path('lost'), { recursive: true });
  const segment = path('lost/journal/0001.jsonl');
  const lines = readFileSync(segment, 'utf8').split('\n');
  const end = lines.findIndex((line) => line.includes('"type":"done","iteration":2,"phase":"solver"'));
  writeFileSync(segment, `${lines.slice(0, end).join('\n')}\n{"seq":`);
});

let copies = 0;
let run: string;
beforeEach(() => {
  run = `copy-${copies++}`;
});

function copy(of: 'whole' | 'lost'): void {
  cpSync(path(of), path(run), { recursive: true });
}

function damage(name: string): void {
  const bytes = readFileSync(path(name));
  bytes[3] = (bytes[3] as number) ^ 1;
  writeFileSync(path(name), bytes);
}

const doneOf = (iteration: number, phase: string) =>
  whole.find((entry) => entry.type === 'done' && entry.iteration === iteration && entry.phase === phase) as Extract<
    JournalEntry,
    { type: 'done' }
  >;

describe('rzero verify', () => {
  test('a run that is whole is intact, and so is one that was lost', async () => {
    const { exitCode, out } = await command('verify', 'whole');
    expect(out).toMatch(
      /^whole: intact in \d+ lines, \d+ objects, \d+ records, 0 checkpoints, 4 models \(\d+(\.\d)? [KM]?i?B\)\n$/,
    );
    expect(exitCode).toBe(0);
    const lost = await command('verify', 'lost');
    expect(lost.exitCode).toBe(0);
    expect(lost.out).toMatch(/intact in .*, 1 checkpoint, 3 models/);
    expect(lost.out).toMatch(/Note: journal\/0001.jsonl, line \d+ was being written when an attempt was lost/);
  });

  test.each<[string, 'whole' | 'lost', () => string, string]>([
    [
      'a record',
      'whole',
      () => 'iteration-1/solver/step-001.jsonl',
      'iteration-1/solver/step-001.jsonl is damaged: iteration 1, solver is done again',
    ],
    [
      'what a phase found',
      'whole',
      () => objectFile(doneOf(1, 'questions').value),
      'is damaged: iteration 1, questions is done again',
    ],
    [
      'a model that the next phase starts from',
      'lost',
      () => 'iteration-1/models/solver/weights.f64',
      ': iteration 1, solver is done again',
    ],
    [
      'a model of earlier',
      'whole',
      () => 'iteration-1/models/solver/weights.f64',
      ': iteration 1, solver is done again',
    ],
    [
      'a checkpoint',
      'lost',
      () => 'iteration-2/checkpoints/solver-001/solver/manifest.json',
      ': iteration 2, solver goes on from an earlier checkpoint, or from its start',
    ],
    [
      'records of a step',
      'lost',
      () => 'iteration-2/solver/step-001.jsonl',
      'iteration-2/solver/step-001.jsonl is damaged: iteration 2, solver goes on from before step 1',
    ],
    [
      'a recorded answer',
      'lost',
      () => {
        const answer = whole.find(
          (entry) => entry.type === 'answer' && entry.iteration === 2 && entry.phase === 'solver',
        );
        return objectFile((answer as Extract<JournalEntry, { type: 'answer' }>).object);
      },
      'is damaged: it is asked for again',
    ],
  ])('%s that is damaged is named, with what it means', async (_, of, file, said) => {
    copy(of);
    damage(`${run}/${file()}`);
    const { exitCode, out } = await command('verify', run);
    expect(exitCode).toBe(65);
    expect(out).toContain(said);
    expect(out).toContain(`${run}: 1 problem in`);
    const json = await command('verify', run, '--json');
    expect(json.exitCode).toBe(65);
    expect(JSON.parse(json.out)).toMatchObject({
      intact: false,
      problems: [{ name: expect.stringContaining(file()) }],
    });
  });

  test('what is gone is named; what was freed is not missed', async () => {
    copy('lost');
    rmSync(path(`${run}/iteration-1/models/solver`), { recursive: true });
    const { out } = await command('verify', run);
    expect(out).toContain('iteration-1/models/solver is gone: iteration 1, solver is done again');
    rmSync(path(run), { recursive: true });
    copy('lost');
    await command('gc', run, '--delete');
    const freed = await command('verify', run);
    expect(freed.out).toContain('intact');
    expect(freed.exitCode).toBe(0);
  });

  test('a journal that is damaged is an error with a way out', async () => {
    copy('whole');
    const segment = path(`${run}/journal/0001.jsonl`);
    writeFileSync(segment, readFileSync(segment, 'utf8').replace('"seq":3', '"seq":4'));
    const { exitCode, err } = await command('verify', run);
    expect(err).toContain('journal/0001.jsonl, line 3 is damaged');
    expect(exitCode).toBe(65);
  });
});

describe('rzero gc', () => {
  /** What lost processes leave. */
  const LEFTOVERS = [
    'quarantine/objects-x-1',
    'exchange-12/weights',
    'iteration-1/questions.jsonl.tmp',
    'lease.json.4.tmp',
    'iteration-2/models/.solver.12.ab.partial/weights',
    'objects/00/ff.12.tmp',
  ];

  function litter(): void {
    for (const name of LEFTOVERS) {
      mkdirSync(join(path(run), name, '..'), { recursive: true });
      writeFileSync(path(`${run}/${name}`), 'left');
    }
  }

  const files = () => readdirSync(path(run), { recursive: true, encoding: 'utf8' }).sort();

  test('says what it would free and why, and frees nothing', async () => {
    copy('lost');
    litter();
    const before = files();
    const { exitCode, out } = await command('gc', run);
    expect(exitCode).toBe(0);
    expect(files()).toEqual(before);
    for (const said of [
      /^quarantine\/objects-x-1 +4 B {2}it was in the way, or damaged, and was put aside$/m,
      /^exchange-12 +4 B {2}weights on their way between workers that are gone$/m,
      /^iteration-1\/questions.jsonl.tmp +4 B {2}it was being written by a process that is gone$/m,
      /^iteration-1\/checkpoints\/solver-001\/solver +\d.* {2}a checkpoint that later ones, or the end of its phase, replace$/m,
      // The phase had written it and not yet said so.
      /^iteration-2\/models\/solver +\d.* {2}nothing that is on record names it$/m,
      /^\d+ objects +\d.* {2}an answer to a phase that is over$/m,
      /^\d+ things, .* can be freed: rzero gc --delete does it$/m,
    ]) {
      expect(out).toMatch(said);
    }
  });

  test('frees it, and the run ends as if it had not', async () => {
    copy('lost');
    litter();
    const { out } = await command('gc', run, '--delete');
    expect(out).toMatch(/\d+ things, .* freed\n$/);
    for (const name of LEFTOVERS) expect(existsSync(path(`${run}/${name}`))).toBe(false);
    expect((await command('gc', run)).out).toBe(`${run}: nothing to free\n`);
    const journal = await openAsGone(path(run));
    await liveTiny(path(run), journal, settings);
    expect(journal.entries.filter(({ type }) => type === 'undone')).toEqual([]);
    const weights = (of: string) => readFileSync(path(`${of}/iteration-2/models/solver/weights.f64`));
    expect(weights(run).equals(weights('whole'))).toBe(true);
  });

  test('leaves a run alone that somebody has', async () => {
    copy('lost');
    const journal = await RunJournal.open(path(run), { version: '1.0.0', self: thisProcess() });
    try {
      for (const flags of [[], ['--delete']]) {
        const { exitCode, err } = await command('gc', run, ...flags);
        expect(err).toContain(`the run is held by attempt 2, process ${process.pid} on`);
        expect(exitCode).toBe(69);
      }
    } finally {
      journal.close();
    }
    expect((await command('gc', run)).exitCode).toBe(0);
  });
});

describe('rzero runs', () => {
  test('shows how each stands and where it is, and what cannot be read in a line', async () => {
    mkdirSync(path(run));
    const below = (name: string) => path(`${run}/${name}`);
    for (const each of ['whole', 'lost']) cpSync(path(each), below(each), { recursive: true });
    const begun = async (name: string, ...entries: JournalEntry[]) => {
      mkdirSync(below(name), { recursive: true });
      const journal = await openAsGone(below(name), name === 'elsewhere' ? { self: ELSEWHERE } : {});
      for (const entry of [asked, ...entries]) journal.append(entry);
    };
    await begun('sweep/failed', { type: 'end', how: 'failed', error: 'out of\nmemory' });
    await begun('elsewhere', { type: 'phase', iteration: 0, phase: 'evaluation' });
    await begun('preempted', { type: 'end', how: 'preempted' });
    cpSync(path('whole'), below('damaged'), { recursive: true });
    damage(`${run}/damaged/journal/0001.jsonl`);
    const running = await RunJournal.open(below('preempted'), { version: '1.0.0', self: thisProcess() });
    const { exitCode, out } = await command('runs', run);
    const all = JSON.parse((await command('runs', run, '--json')).out);
    running.close();
    expect(exitCode).toBe(0);
    const lines = out.split('\n').map((line) => line.replace(/ {2,}/g, '|'));
    expect(lines[0]).toBe('run|state|where|preset|seed|attempts|changed (UTC)|size');
    const row = (text: string) => new RegExp(`^${text}\\|\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d\\|[0-9.]+ [KM]?i?B$`);
    // Notes are broken to the width of the page.
    const whole = lines.slice(1, -1).reduce<string[]>((all, line) => {
      if (line.startsWith('|') && all.at(-1)?.startsWith('|')) all.push(`${all.pop()} ${line.slice(1)}`);
      else all.push(line);
      return all;
    }, []);
    expect(whole).toEqual([
      'damaged|unreadable',
      expect.stringMatching(/^\|journal\/0001.jsonl, line 1 is damaged/),
      expect.stringMatching(row('elsewhere\\|elsewhere\\|0 of 2, evaluation\\|mock\\|1\\|1')),
      expect.stringMatching(
        /^\|attempt 1, process 7 on elsewhere, since .*; whether it lives cannot be seen from here$/,
      ),
      expect.stringMatching(row('lost\\|lost\\|2 of 2, solver 2\\|mock\\|1\\|1')),
      expect.stringMatching(row('preempted\\|running\\|before the first phase\\|mock\\|1\\|2')),
      expect.stringMatching(/^\|attempt 2, process \d+ on /),
      expect.stringMatching(row('sweep/failed\\|failed\\|before the first phase\\|mock\\|1\\|1')),
      '|out of memory',
      expect.stringMatching(row('whole\\|finished\\|all 2 iterations\\|mock\\|1\\|1')),
    ]);
    expect(all.map(({ name, state }: { name: string; state?: string }) => [name, state])).toContainEqual([
      'lost',
      'lost',
    ]);
  });

  test('a folder that may not be looked into is a line, one without runs says so', async () => {
    expect((await command('runs', 'nowhere')).err).toBe('No runs below nowhere.\n');
    mkdirSync(path(`${run}/closed`), { recursive: true });
    chmodSync(path(`${run}/closed`), 0);
    try {
      const { exitCode, out } = await command('runs', run);
      // Root looks into everything.
      if (process.getuid?.() !== 0) expect(out).toContain('closed  unreadable');
      expect(exitCode).toBe(0);
    } finally {
      chmodSync(path(`${run}/closed`), 0o755);
    }
  });

  test('is about a run too, where that is what it is given', async () => {
    expect((await command('runs', 'whole')).out).toContain('.    finished');
    expect(readJournal(path('whole')).attempts.length).toBe(1);
  });
});
