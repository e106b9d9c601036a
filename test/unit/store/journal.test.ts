import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { JournalEntry } from '../../../ts/ports/journal.ts';
import { type FileSystem, realFileSystem } from '../../../ts/store/fileSystem.ts';
import { type RunJournal, readJournal } from '../../../ts/store/journal.ts';
import { JournalError } from '../../../ts/store/journalError.ts';
import { formatLine } from '../../../ts/store/journalLine.ts';
import { readLease } from '../../../ts/store/lease.ts';
import { thisProcess } from '../../../ts/store/processIdentity.ts';
import { segmentFile } from '../../../ts/store/segments.ts';
import { ELSEWHERE, fakeTime, openAsGone, said } from './journalSetup.ts';

const home = mkdtempSync(join(tmpdir(), 'rzero-journal-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const newRun = () => mkdtempSync(join(home, 'run-'));
const messages = (entries: readonly JournalEntry[]) => entries.map((entry) => 'message' in entry && entry.message);
const segment = (run: string, number: number) => join(run, segmentFile(number));

/** A new run with what each attempt in turn has said; none was closed. */
async function runOf(...attempts: string[][]): Promise<string> {
  const run = newRun();
  for (const texts of attempts) {
    const journal = await openAsGone(run);
    for (const text of texts) journal.append(said(text));
  }
  return run;
}

/** A copy of a run, to be damaged. */
function copyOf(run: string): string {
  const copy = newRun();
  cpSync(join(run, 'journal'), join(copy, 'journal'), { recursive: true });
  return copy;
}

function isPrefix(some: readonly unknown[], all: readonly unknown[]): boolean {
  return JSON.stringify(some) === JSON.stringify(all.slice(0, some.length));
}

describe('the journal of a run', () => {
  test('begins with nothing, and a later attempt finds all that was said', async () => {
    const run = newRun();
    const first = await openAsGone(run, { version: '0.9.0' });
    expect([first.attempt, first.entries, first.notes, first.begunBy]).toEqual([1, [], [], '0.9.0']);
    first.append(said('a'));
    const name = first.put({ tokens: Int32Array.of(1) });
    expect(first.digest({ tokens: Int32Array.of(1) })).toBe(name);
    first.append(said('b'), true);
    const second = await openAsGone(run);
    expect([second.attempt, messages(second.entries), second.begunBy, second.run]).toEqual([
      2,
      ['a', 'b'],
      '0.9.0',
      first.run,
    ]);
    expect(second.get(name)).toEqual({ tokens: Int32Array.of(1) });
    second.append(said('c'));
    const third = await openAsGone(run);
    expect(messages(third.entries)).toEqual(['a', 'b', 'c']);
    const past = readJournal(run);
    expect(past).toMatchObject({ late: 0, newest: 3, last: { attempt: 3, lines: 1, seq: 6 } });
    expect(past.attempts.map(({ number, after }) => [number, after?.attempt])).toEqual([
      [1, undefined],
      [2, 1],
      [3, 2],
    ]);
  });

  test('has entries as a later attempt reads them', async () => {
    const journal = await openAsGone(newRun());
    const entry: JournalEntry = {
      type: 'step',
      iteration: 1,
      phase: 'solver',
      step: 1,
      metrics: { loss: Number.NaN },
      files: [],
    };
    journal.append(entry);
    expect(journal.entries).toEqual([{ ...entry, metrics: { loss: null } }]);
  });

  test('is given back when it is closed, and nobody writes it then', async () => {
    const run = newRun();
    const journal = await openAsGone(run, { self: thisProcess() });
    journal.append(said('a'));
    await expect(openAsGone(run)).rejects.toMatchObject({ code: 'run_held' });
    journal.close();
    journal.close();
    expect(readLease(run)).toMatchObject({ attempt: 1, released: true });
    expect(() => journal.append(said('b'))).toThrow('the journal is closed');
    expect(messages((await openAsGone(run)).entries)).toEqual(['a']);
  });

  test('keeps metrics.jsonl', async () => {
    const run = await runOf(['a', 'b']);
    writeFileSync(join(run, 'metrics.jsonl'), 'half');
    (await openAsGone(run)).append(said('c'));
    const lines = ['a', 'b', 'c'].map((message) => `{"kind":"workers","message":"${message}"}\n`).join('');
    expect(readFileSync(join(run, 'metrics.jsonl'), 'utf8')).toBe(lines);
  });

  test('with 20,000 entries opens within two seconds', async () => {
    const run = newRun();
    const journal = await openAsGone(run);
    const answer = { type: 'answer', iteration: 1, phase: 'solver', object: 'b'.repeat(64) } as const;
    for (let index = 0; index < 20_000; index++) journal.append({ ...answer, key: `${index}`.padEnd(64, 'a') });
    const started = performance.now();
    expect((await openAsGone(run)).entries.length).toBe(20_000);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('what was being written when an attempt was lost', () => {
  let run: string;
  const all = ['a', 'b', 'c', 'ä'.repeat(40), 'd'];
  beforeAll(async () => {
    run = await runOf(all.slice(0, 2), all.slice(2));
  });

  test('any cut of the last segment leaves a prefix of what was said, and the run goes on from there', async () => {
    const size = statSync(segment(run, 2)).size;
    await fc.assert(
      fc.asyncProperty(fc.nat(size), async (cut) => {
        const copy = copyOf(run);
        writeFileSync(segment(copy, 2), readFileSync(segment(run, 2)).subarray(0, cut));
        const journal = await openAsGone(copy);
        const before = messages(journal.entries);
        expect(isPrefix(before, all)).toBe(true);
        expect(before.length).toBeGreaterThanOrEqual(2);
        if (cut === size) expect(before).toEqual(all);
        journal.append(said('more'));
        expect(messages(readJournal(copy).entries)).toEqual([...before, 'more']);
      }),
      { numRuns: 60 },
    );
  });

  test('is told with its file, line and bytes', async () => {
    const copy = copyOf(run);
    const bytes = readFileSync(segment(run, 2));
    writeFileSync(segment(copy, 2), bytes.subarray(0, -10));
    const start = bytes.lastIndexOf(10, bytes.length - 2) + 1;
    const journal = await openAsGone(copy);
    expect(journal.notes).toEqual([
      `journal/0002.jsonl: line 4 was being written when the last attempt was lost; its ${bytes.length - 10 - start} ` +
        'bytes do not count',
    ]);
    expect((await openAsGone(copy)).notes).toEqual([]);
  });

  test.each([
    ['nothing', ''],
    ['half a header', '{"seq":1,"at":"2026'],
    ['zeros', '\0'.repeat(5000)],
  ])('a segment with %s in it is passed over', async (_, content) => {
    const copy = copyOf(run);
    writeFileSync(segment(copy, 3), content);
    const journal = await openAsGone(copy);
    expect([journal.attempt, messages(journal.entries)]).toEqual([4, all]);
    journal.append(said('more'));
    expect(messages(readJournal(copy).entries)).toEqual([...all, 'more']);
  });

  test('a run that was lost before its first line is begun anew', async () => {
    const lost = newRun();
    mkdirSync(join(lost, 'journal'));
    writeFileSync(segment(lost, 1), '');
    const journal = await openAsGone(lost);
    expect([journal.attempt, journal.entries]).toEqual([2, []]);
    expect(readJournal(lost).attempts[0]?.after).toBeNull();
  });
});

describe('damage', () => {
  let run: string;
  const all = ['a', 'b', 'c', 'd', 'e', 'f'];
  beforeAll(async () => {
    run = await runOf(all.slice(0, 2), all.slice(2, 4), all.slice(4));
  });

  test('any changed byte is found: nothing that was not said is ever read, and only a tail is given up', () => {
    const place = fc.integer({ min: 1, max: 3 }).chain((number) =>
      fc.record({
        number: fc.constant(number),
        at: fc.nat(statSync(segment(run, number)).size - 1),
        change: fc.integer({ min: 1, max: 255 }),
      }),
    );
    const copy = copyOf(run);
    fc.assert(
      fc.property(place, ({ number, at, change }) => {
        const bytes = readFileSync(segment(run, number));
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ change;
        writeFileSync(segment(copy, number), changed);
        try {
          const { entries, torn } = readJournal(copy);
          expect(number).toBe(3);
          expect(torn).toBeDefined();
          expect(isPrefix(messages(entries), all)).toBe(true);
          // One line, or two that have become one.
          expect(entries.length).toBeGreaterThanOrEqual(all.length - 2);
        } catch (error) {
          if (!(error instanceof JournalError)) throw error;
          expect(error.code).toBe('damaged');
          expect(error.message).toContain(segmentFile(number).slice(0, 8));
        } finally {
          writeFileSync(segment(copy, number), bytes);
        }
      }),
      { numRuns: 400 },
    );
  });

  test.each<[number, number]>([
    [1, 2],
    [1, 1],
    [2, 3],
    [3, 1],
    [3, 2],
  ])('segment %i, line %i: the error names it, and what it says can be done helps', async (number, line) => {
    const copy = copyOf(run);
    const lines = readFileSync(segment(run, number), 'utf8').split('\n');
    lines[line - 1] = (lines[line - 1] as string).replace('"seq"', '"sEq"');
    writeFileSync(segment(copy, number), lines.join('\n'));
    const before = readFileSync(segment(copy, number));
    const refusal = await openAsGone(copy).catch((error) => error);
    expect(refusal).toBeInstanceOf(JournalError);
    expect(refusal.message).toContain(`${segmentFile(number)}, line ${line} is damaged`);
    expect(readFileSync(segment(copy, number)).equals(before)).toBe(true);
    expect(existsSync(segment(copy, 4))).toBe(false);
    execFileSync('bash', ['-c', refusal.message.split('done again then: ')[1]]);
    const kept = messages((await openAsGone(copy)).entries);
    expect(kept).toEqual(all.slice(0, (number - 1) * 2 + Math.max(0, line - 2)));
  });

  test('a segment that is gone is named', () => {
    const copy = copyOf(run);
    rmSync(segment(copy, 2));
    expect(() => readJournal(copy)).toThrow(
      'journal/0002.jsonl of the journal is gone, and journal/0003.jsonl goes on from it',
    );
  });
});

describe('two orchestrators', () => {
  test('a late writer is told who goes on, and what it wrote late does not count', async () => {
    const run = newRun();
    const late = await openAsGone(run);
    late.append(said('a'));
    const next = await openAsGone(run, { self: ELSEWHERE });
    const fenced =
      /^the run is being continued by attempt 2, process 7 on elsewhere, since .*; this attempt, 1, ends here$/;
    expect(() => late.append(said('late'))).toThrow(fenced);
    expect(() => late.append(said('late'))).toThrow(expect.objectContaining({ code: 'fenced' }));
    // As if it had looked for a successor right before there was one.
    const { hash, seq } = JSON.parse(readFileSync(segment(run, 1), 'utf8').trimEnd().split('\n').at(-1) as string);
    const at = new Date().toISOString();
    appendFileSync(segment(run, 1), formatLine({ seq: seq + 1, at }, 'entry', JSON.stringify(said('late')), hash).text);
    next.append(said('b'));
    expect(readJournal(run)).toMatchObject({ late: 1, entries: [said('a'), said('b')] });
    late.close();
    expect(readLease(run)).toMatchObject({ attempt: 2, released: false });
  });

  test('of two that come at once exactly one gets the run', async () => {
    const run = await runOf(['a']);
    const both = await Promise.allSettled([openAsGone(run), openAsGone(run)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = both.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
    expect(refused.reason).toMatchObject({ code: 'run_held' });
    expect(refused.reason.message).toMatch(/^the run was taken over a moment ago by attempt 2, process \d+ on /);
  });

  test('a segment that is being begun is waited for, and who begins it has the run', async () => {
    const run = newRun();
    mkdirSync(join(run, 'journal'));
    const begun = await runOf(['a']);
    const [header = ''] = readFileSync(segment(begun, 1), 'utf8').split('\n');
    const attempt = { ...JSON.parse(header).attempt, ...thisProcess() };
    const { text } = formatLine({ seq: 1, at: new Date().toISOString() }, 'attempt', JSON.stringify(attempt), '');
    writeFileSync(segment(run, 1), '');
    const time = fakeTime(() => writeFileSync(segment(run, 1), text));
    await expect(openAsGone(run, { time })).rejects.toMatchObject({ code: 'run_held' });
  });

  test('what is said while another one waits for the run is not lost', async () => {
    const run = newRun();
    const before = await openAsGone(run, { self: ELSEWHERE });
    let now = 0;
    const sleep = async () => {
      now += 29_000;
      before.append(said(`${now}`));
    };
    const time = { now: () => now, sleep, every: () => () => {} };
    const after = await openAsGone(run, { time });
    expect(messages(after.entries)).toEqual(['29000', '58000']);
  });

  test('whatever they do in turn, only the newest ever gets anything written, and all of that is read', async () => {
    const action = fc.record({ who: fc.nat(2), opens: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 14 }), async (actions) => {
        const run = newRun();
        const writers: (RunJournal | undefined)[] = [];
        const written: string[] = [];
        let newest: RunJournal | undefined;
        for (const [index, { who, opens }] of actions.entries()) {
          if (opens) {
            newest = await openAsGone(run);
            writers[who] = newest;
            expect(messages(newest.entries)).toEqual(written);
            continue;
          }
          const writer = writers[who];
          if (writer === undefined) continue;
          try {
            writer.append(said(`${index}`));
            written.push(`${index}`);
            expect(writer).toBe(newest);
          } catch (error) {
            expect(error).toMatchObject({ code: 'fenced' });
            expect(writer).not.toBe(newest);
          }
        }
        expect(messages(readJournal(run).entries)).toEqual(written);
      }),
      { numRuns: 40 },
    );
  });
});

describe('processes', () => {
  /** Starts a process that takes a run. @returns what it says */
  async function holder(run: string): Promise<{ child: ChildProcess; said: string }> {
    const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
    const child = spawn(process.execPath, ['--import', fixture('typescript.mjs'), fixture('holdRun.ts'), run], {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    return { child, said: `${line}`.trim() };
  }

  test('of several that start at once one holds the run, also while it is stopped, until it is killed', async () => {
    const run = newRun();
    const all = await Promise.all([holder(run), holder(run), holder(run)]);
    try {
      expect(all.map(({ said }) => said).sort()).toEqual(['held', 'run_held', 'run_held']);
      const { child } = all.find(({ said }) => said === 'held') as (typeof all)[0];
      child.kill('SIGSTOP');
      await expect(openAsGone(run)).rejects.toThrow(`the run is held by attempt 1, process ${child.pid} on `);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const next = await openAsGone(run);
      expect([next.attempt, messages(next.entries)]).toEqual([2, [`${child.pid}`]]);
    } finally {
      for (const { child } of all) child.kill('SIGKILL');
    }
  });
});

/** A file system that fails in its n-th call, after a part of what was to be written; `then` says how it goes on. */
function failing(n: number, part: number, then: 'mends' | 'stays broken'): { files: FileSystem; failure: Error } {
  const failure = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
  });
  let calls = 0;
  const fails = () => {
    calls += 1;
    return then === 'mends' ? calls === n : calls >= n;
  };
  const guard =
    <A extends unknown[], R>(call: (...args: A) => R) =>
    (...args: A): R => {
      if (fails()) throw failure;
      return call(...args);
    };
  return {
    failure,
    files: {
      open: guard(realFileSystem.open),
      flush: guard(realFileSystem.flush),
      rename: guard(realFileSystem.rename),
      close: realFileSystem.close,
      write: (handle, bytes, offset) => {
        if (!fails()) return realFileSystem.write(handle, bytes, offset);
        if (calls === n) realFileSystem.write(handle, bytes.subarray(offset, offset + part), 0);
        throw failure;
      },
    },
  };
}

describe('a disk that fails', () => {
  /** Says and keeps things until it is refused. @returns what was acknowledged, and what was refused first */
  async function use(run: string, files: FileSystem, until = 6) {
    const acknowledged: { text: string; object: string }[] = [];
    let journal: RunJournal | undefined;
    try {
      journal = await openAsGone(run, { files });
      for (let index = 0; index < until; index++) {
        const object = journal.put({ index, data: new Float32Array(3) });
        journal.append({ ...said(`${index}`), object } as JournalEntry, index % 2 === 1);
        acknowledged.push({ text: `${index}`, object });
      }
      return { acknowledged, journal };
    } catch (refusal) {
      return { acknowledged, journal, refusal };
    }
  }

  test.each(['mends', 'stays broken'] as const)('at any call, and %s: what was acknowledged is there', async (then) => {
    const seen = new Set<number>();
    for (let n = 1; ; n++) {
      const run = await runOf(['earlier']);
      const { files, failure } = failing(n, n % 40, then);
      const { acknowledged, refusal } = await use(run, files);
      seen.add(acknowledged.length);
      const later = await openAsGone(run);
      const texts = messages(later.entries);
      const expected = ['earlier', ...acknowledged.map(({ text }) => text)];
      expect(texts.slice(0, expected.length)).toEqual(expected);
      // What was refused may be there all the same.
      expect(texts.length).toBeLessThanOrEqual(expected.length + 1);
      for (const { object } of acknowledged) expect(later.get(object)).toBeDefined();
      // lease.json alone is no matter.
      if (refusal === undefined && acknowledged.length === 6) {
        if (n > 80) break;
      } else expect(refusal).toBe(failure);
    }
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test('nothing is written behind half a line: every later entry is refused with the same error', async () => {
    const run = newRun();
    let isFull = false;
    const failure = new Error('EIO');
    const journal = await openAsGone(run, {
      files: {
        ...realFileSystem,
        write: (handle, bytes, offset) => {
          if (!isFull) return realFileSystem.write(handle, bytes, offset);
          isFull = false;
          realFileSystem.write(handle, bytes.subarray(0, 20), 0);
          throw failure;
        },
      },
    });
    journal.append(said('a'));
    isFull = true;
    expect(() => journal.append(said('b'))).toThrow(failure);
    const size = statSync(segment(run, 1)).size;
    expect(() => journal.append(said('c'), true)).toThrow(failure);
    expect(statSync(segment(run, 1)).size).toBe(size);
    expect(messages(journal.entries)).toEqual(['a']);
    journal.close();
    const later = await openAsGone(run);
    expect(messages(later.entries)).toEqual(['a']);
    expect(later.notes[0]).toContain('its 20 bytes do not count');
  });

  test('a write that is cut short is no failure', async () => {
    const run = newRun();
    const files: FileSystem = {
      ...realFileSystem,
      write: (handle, bytes, at) => realFileSystem.write(handle, bytes.subarray(at, at + 7), 0),
    };
    const { acknowledged } = await use(run, files);
    expect(messages((await openAsGone(run)).entries)).toEqual(acknowledged.map(({ text }) => text));
  });
});

test('a durable entry is flushed after the objects before it, others not at all', async () => {
  const run = newRun();
  const names = new Map<number, string>();
  const flushed: string[] = [];
  const journal = await openAsGone(run, {
    files: {
      ...realFileSystem,
      open: (path, flags) => {
        const handle = realFileSystem.open(path, flags);
        names.set(handle, basename(path));
        return handle;
      },
      flush: (handle) => flushed.push(names.get(handle) as string),
    },
  });
  expect(flushed).toEqual(['0001.jsonl', 'journal', basename(run)]);
  flushed.length = 0;
  const object = journal.put({ a: 1 });
  journal.append(said('a'));
  expect(flushed).toEqual([]);
  journal.append(said('b'), true);
  journal.append(said('c'), true);
  expect(flushed).toEqual([object, object.slice(0, 2), 'objects', '0001.jsonl', '0001.jsonl']);
  flushed.length = 0;
  journal.close();
  await openAsGone(run, { files: { ...realFileSystem, flush: (handle) => flushed.push(`${handle}`) } });
});
