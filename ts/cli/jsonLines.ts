import { setImmediate } from 'node:timers/promises';
import { EXIT } from './exitCodes.ts';
import type { Terminal } from './terminal.ts';

/** Bytes of the longest line that is read; a longer one counts as bad and is skipped, so memory stays bounded. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** Answers are written at the end of a chunk, and after this time at the latest. */
const PATIENCE_MS = 50;

/** One JSON object of a line. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** A line that cannot be answered. The message names the field, the value seen and what is allowed. */
export class LineError extends Error {
  override readonly name = 'LineError';
  readonly code = 'bad_line';
}

/** A line as read: its number from 1, and its object or what is wrong with it. */
export type Line = { number: number } & ({ record: JsonRecord } | { error: LineError });

/**
 * A filter for the shell: JSON lines on stdin, each answered by JSON lines on stdout, in order and as they come.
 * Reads no faster than its reader takes the answers, and holds one chunk of input and one line at a time. A bad
 * line is named on stderr and the others are answered all the same; blank lines are nothing.
 *
 * @param answer the answer to one line, or several; throws LineError when the line has none
 * @returns 0, or 65 when a line was bad; what was done counts when the reader goes away before the end
 * @throws an error of the file system; an AbortError after `terminal.signal`
 */
export async function filterJsonLines(
  terminal: Terminal,
  answer: (record: JsonRecord) => object | readonly object[],
): Promise<number> {
  let bad = 0;
  for await (const lines of readJsonLines(terminal.input())) {
    let text = '';
    let since = performance.now();
    for (const line of lines) {
      try {
        if ('error' in line) throw line.error;
        for (const each of [answer(line.record)].flat()) text += `${JSON.stringify(each)}\n`;
      } catch (error) {
        if (!(error instanceof LineError)) throw error;
        bad += 1;
        terminal.err(`rzero: line ${line.number}: ${error.message}\n`);
      }
      if (performance.now() - since < PATIENCE_MS) continue;
      if (!(await terminal.send(text))) return exitCodeOf(bad);
      text = '';
      // Lets a signal through.
      await setImmediate();
      terminal.signal.throwIfAborted();
      since = performance.now();
    }
    if (text !== '' && !(await terminal.send(text))) break;
  }
  return exitCodeOf(bad);
}

function exitCodeOf(bad: number): number {
  return bad === 0 ? EXIT.ok : EXIT.badData;
}

/**
 * Split bytes into lines and read each as a JSON object: UTF-8, a byte order mark at the start allowed, lines ended by
 * `\n` or `\r\n`, the last one also by the end of the input.
 *
 * @param chunks bytes, cut anywhere
 * @returns the lines that ended in each chunk
 */
export async function* readJsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line[]> {
  let number = 0;
  let pieces: Uint8Array[] = [];
  let length = 0;
  const add = (piece: Uint8Array): void => {
    length += piece.length;
    if (length <= MAX_LINE_BYTES) pieces.push(piece);
    else pieces = [];
  };
  const finish = (): Line[] => {
    const line = length > MAX_LINE_BYTES ? tooLong() : readLine(Buffer.concat(pieces));
    pieces = [];
    length = 0;
    number += 1;
    return line === undefined ? [] : [{ number, ...line }];
  };
  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      add(chunk.subarray(start, end));
      lines.push(...finish());
      start = end + 1;
    }
    if (start < chunk.length) add(chunk.subarray(start));
    yield lines;
  }
  if (length > 0) yield finish();
}

/**
 * What is made of the lines of a chunk. Those that nothing can be made of are named on stderr.
 *
 * @param read throws LineError
 */
export function readRecords<T>(
  lines: readonly Line[],
  read: (record: JsonRecord) => T,
  terminal: Pick<Terminal, 'err'>,
): { values: T[]; bad: number } {
  const values: T[] = [];
  let bad = 0;
  for (const line of lines) {
    try {
      if ('error' in line) throw line.error;
      values.push(read(line.record));
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      bad += 1;
      terminal.err(`rzero: line ${line.number}: ${error.message}\n`);
    }
  }
  return { values, bad };
}

/** A field that is a text. @throws LineError */
export function textField(record: JsonRecord, name: string): string {
  const value = record[name];
  if (typeof value !== 'string') throw fieldError(name, value, 'a string');
  return value;
}

/** A field that is a text or null. @throws LineError */
export function textOrNullField(record: JsonRecord, name: string): string | null {
  const value = record[name];
  if (value !== null && typeof value !== 'string') throw fieldError(name, value, 'a string or null');
  return value;
}

/**
 * The id of a line as an object to begin the answer with, so that a line without one gets none.
 *
 * @throws LineError also for whole numbers that JavaScript cannot hold, which would come back as others
 */
export function idOf(record: JsonRecord): { id?: string | number | null } {
  const { id } = record;
  if (id === undefined) return {};
  const whole = typeof id !== 'number' || !Number.isInteger(id) || Number.isSafeInteger(id);
  if (whole && (id === null || typeof id === 'string' || typeof id === 'number')) return { id };
  throw fieldError('id', id, 'a string or a number (whole ones within 2^53)');
}

/** What is wrong with a field. @param allowed what it must be: 'a string' */
export function fieldError(name: string, value: unknown, allowed: string): LineError {
  if (value === undefined) return new LineError(`"${name}" is missing: it must be ${allowed}`);
  return new LineError(`"${name}" is ${shown(JSON.stringify(value))}: it must be ${allowed}`);
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** @returns undefined for a blank line */
function readLine(bytes: Uint8Array): { record: JsonRecord } | { error: LineError } | undefined {
  let value: unknown;
  try {
    const text = UTF8.decode(bytes);
    if (text.trim() === '') return undefined;
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof SyntaxError ? `not JSON: ${error.message}` : 'not UTF-8';
    return { error: new LineError(shown(why)) };
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { record: value as JsonRecord };
  return { error: new LineError(`the line is ${shown(JSON.stringify(value))}: it must be a JSON object`) };
}

function tooLong(): { error: LineError } {
  return { error: new LineError(`the line has more than ${MAX_LINE_BYTES} bytes`) };
}

/** A value as a message can hold it. */
function shown(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 80 ? `${line.slice(0, 80)}...` : line;
}
