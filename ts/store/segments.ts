import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { JournalEntry } from '../ports/journal.ts';
import { JournalError } from './journalError.ts';
import { type Attempt, isLineLike, type Line, parseHeader, parseLine } from './journalLine.ts';
import { linesOf } from './lines.ts';

/** What the segments of a journal say together. */
export interface Past {
  /** The run's UUID; '' where nothing is on record yet. */
  run: string;
  /** Attempts that count, each with when it began (ISO 8601, UTC); the last one has, or had, the run. */
  attempts: (Attempt & { at: string })[];
  entries: JournalEntry[];
  /** When each entry was written: Unix milliseconds. */
  times: number[];
  /** The last line that counts; undefined where there is none. */
  last?: { attempt: number; lines: number; hash: string; seq: number; at: string };
  /** What was being written when the last attempt was lost: it never counted. */
  torn?: { file: string; line: number; bytes: number };
  /** Lines that attempts wrote after others had taken the run over: they do not count. */
  late: number;
  /** Number of the newest segment, also one that holds nothing yet; 0 where there is none. */
  newest: number;
}

/** An entry with the attempt that wrote it, and when (ISO 8601, UTC). */
export interface Dated {
  entry: JournalEntry;
  attempt: number;
  at: string;
}

/** The first line of a segment. */
export type Header = Line & { attempt: Attempt };

/** A segment's file, relative to the run: one an attempt. */
export function segmentFile(number: number): string {
  return `journal/${String(number).padStart(4, '0')}.jsonl`;
}

/** The first line of a segment; undefined where it is not, or not wholly, there. */
export function readHeader(run: string, number: number): Header | undefined {
  for (const { bytes, ended } of linesOf(join(run, segmentFile(number)))) {
    const header = ended ? parseHeader(bytes) : undefined;
    return header?.attempt.number === number ? header : undefined;
  }
  return undefined;
}

/** The header of the newest segment that has one. */
export function newestHeader(run: string): Header | undefined {
  for (const number of [...segmentSizes(run).keys()].reverse()) {
    const header = readHeader(run, number);
    if (header !== undefined) return header;
  }
  return undefined;
}

/** Numbers of the segments that are there, and how many bytes they have. */
export function segmentSizes(run: string): Map<number, number> {
  const numbers = namesIn(join(run, 'journal'))
    .map((name) => Number(/^(\d{4,})\.jsonl$/.exec(name)?.[1]))
    .filter((number) => number > 0)
    .sort((a, b) => a - b);
  return new Map(numbers.map((number) => [number, statSync(join(run, segmentFile(number))).size]));
}

/**
 * Read the journal of a run. Each segment says which line of an earlier one it follows: what stands behind that line does
 * not count, nor does a segment that nothing follows from. A line that was being written when the last attempt was lost
 * is left out.
 *
 * @param run the run's folder
 * @param hear told of each entry that counts, in order
 * @throws JournalError `damaged`; an error of the file system
 */
export function readSegments(run: string, hear: (dated: Dated) => void = () => {}): Past {
  const numbers = [...segmentSizes(run).keys()];
  const past: Past = { run: '', attempts: [], entries: [], times: [], late: 0, newest: numbers.at(-1) ?? 0 };
  const chain = chainOf(run, numbers);
  for (const [index, header] of chain.entries()) {
    readSegment(run, header, chain[index + 1]?.attempt.after?.lines, past, hear);
  }
  return past;
}

/** Headers of the segments that count, the oldest first. */
function chainOf(run: string, numbers: readonly number[]): Header[] {
  const chain: Header[] = [];
  for (const number of numbers.toReversed()) {
    const next = chain[0]?.attempt.after?.attempt;
    if (chain.length > 0 && number !== next) continue;
    const header = readHeader(run, number);
    if (header !== undefined) chain.unshift(header);
    // Whose header was being written when it was lost has nothing behind it.
    else if (next !== undefined || holdsLines(run, number)) throw damagedLine(run, number, { line: 1, offset: 0 });
  }
  const missing = chain[0]?.attempt.after?.attempt;
  if (missing === undefined) return chain;
  const message = `${segmentFile(missing)} of the journal is gone, and ${segmentFile(chain[0]?.attempt.number as number)}`;
  throw new JournalError('damaged', `${message} goes on from it: put it back from a copy of the run`);
}

/** Add a segment's lines to what came before. @param limit lines that count, where a later segment says so */
function readSegment(
  run: string,
  { attempt, at }: Header,
  limit: number | undefined,
  past: Past,
  hear: (dated: Dated) => void,
): void {
  const { number } = attempt;
  past.run = attempt.run;
  past.attempts.push({ ...attempt, at });
  let previous = past.last ?? { hash: '', seq: 0 };
  if ((attempt.after?.hash ?? '') !== previous.hash) throw damagedLine(run, number, { line: 1, offset: 0 });
  let lost: { line: number; offset: number } | undefined;
  let line = 0;
  for (const { bytes, offset, ended } of linesOf(join(run, segmentFile(number)))) {
    line += 1;
    if (limit !== undefined && line > limit) {
      past.late += 1;
      continue;
    }
    if (lost !== undefined) {
      if (isLineLike(bytes)) throw damagedLine(run, number, lost);
      continue;
    }
    const content = ended ? parseLine(bytes, previous.hash) : undefined;
    if (content?.seq !== previous.seq + 1) {
      lost = { line, offset };
      if (limit !== undefined) throw damagedLine(run, number, lost);
      continue;
    }
    if ('entry' in content) {
      past.entries.push(content.entry);
      hear({ entry: content.entry, attempt: number, at: content.at });
      past.times.push(Date.parse(content.at));
    }
    previous = content;
    past.last = { attempt: number, lines: line, hash: content.hash, seq: content.seq, at: content.at };
  }
  if (limit !== undefined && line < limit) {
    throw damagedLine(run, number, { line: line + 1, offset: statSync(join(run, segmentFile(number))).size });
  }
  if (lost === undefined) return;
  const file = segmentFile(number);
  past.torn = { file, line: lost.line, bytes: statSync(join(run, file)).size - lost.offset };
}

/** Whether a segment without a header has anything that was a line. */
function holdsLines(run: string, number: number): boolean {
  let first = true;
  for (const { bytes } of linesOf(join(run, segmentFile(number)))) {
    if (!first && isLineLike(bytes)) return true;
    first = false;
  }
  return false;
}

function damagedLine(run: string, number: number, { line, offset }: { line: number; offset: number }): JournalError {
  const file = segmentFile(number);
  const path = join(run, file);
  const later = [...segmentSizes(run).keys()].filter((one) => one > number);
  const cut = [
    offset === 0 ? `rm ${path}` : `truncate -s ${offset} ${path}`,
    ...(later.length === 0 ? [] : [`rm ${later.map((one) => join(run, segmentFile(one))).join(' ')}`]),
  ].join(' && ');
  return new JournalError(
    'damaged',
    `${file}, line ${line} is damaged, and there is more on record behind it. Nothing was changed. Put the file back ` +
      `from a copy of the run; or give up what is on record from there on, which is done again then: ${cut}`,
  );
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
