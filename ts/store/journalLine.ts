import { createHash } from 'node:crypto';
import type { JournalEntry } from '../ports/journal.ts';
import type { ProcessIdentity } from './processIdentity.ts';

/** An orchestrator process that has, or had, the run: the header of its segment of the journal. */
export interface Attempt extends ProcessIdentity {
  /** From 1; the number of the segment. */
  number: number;
  /** A UUID that was made once, for the run; all its attempts have it. */
  run: string;
  /** The program's. */
  version: string;
  /** The last good line of an earlier attempt, after which this one goes on; null for the first. */
  after: { attempt: number; lines: number; hash: string } | null;
}

/** What a line says: an attempt in the first line of a segment, an entry in all others. */
export type LineContent = { attempt: Attempt } | { entry: JournalEntry };

export type Line = LineContent & {
  /** Number of the line in the run, over all its attempts, from 1. */
  seq: number;
  /** When it was written: ISO 8601, UTC. For people; nothing is decided by it. */
  at: string;
  /** SHA-256 (hex) over the hash of the line before it and this line without its hash. */
  hash: string;
};

const HASH = /^,"hash":"([0-9a-f]{64})"\}$/;
const HASH_BYTES = ',"hash":""}'.length + 64;

/**
 * One line of the journal, with its newline.
 *
 * @param json what it says, as JSON
 * @param previous hash of the line before it, '' for the first of a run
 */
export function formatLine(
  { seq, at }: Pick<Line, 'seq' | 'at'>,
  kind: 'attempt' | 'entry',
  json: string,
  previous: string,
): { text: string; hash: string } {
  const open = `{"seq":${seq},"at":"${at}","${kind}":${json}`;
  const hash = createHash('sha256').update(previous).update(open).update('}').digest('hex');
  return { text: `${open},"hash":"${hash}"}\n`, hash };
}

/**
 * Read a line that follows one with the hash `previous`.
 *
 * @param bytes without the newline
 * @returns undefined for what was not written so
 */
export function parseLine(bytes: Buffer, previous: string): Line | undefined {
  const claimed = claimedHash(bytes);
  if (claimed === undefined) return undefined;
  const open = bytes.subarray(0, -HASH_BYTES);
  const hash = createHash('sha256').update(previous).update(open).update('}').digest('hex');
  return hash === claimed ? (JSON.parse(bytes.toString()) as Line) : undefined;
}

/** Read the first line of a segment, which says itself what it follows. */
export function parseHeader(bytes: Buffer): (Line & { attempt: Attempt }) | undefined {
  const line = parseUnchecked(bytes);
  if (line === undefined || !('attempt' in line)) return undefined;
  return parseLine(bytes, line.attempt.after?.hash ?? '') as Line & { attempt: Attempt };
}

/** Whether something reads as a line of a journal, though it may not be the one that was written there. */
export function isLineLike(bytes: Buffer): boolean {
  return parseUnchecked(bytes) !== undefined;
}

function parseUnchecked(bytes: Buffer): Line | undefined {
  if (claimedHash(bytes) === undefined) return undefined;
  try {
    return JSON.parse(bytes.toString()) as Line;
  } catch {
    return undefined;
  }
}

function claimedHash(bytes: Buffer): string | undefined {
  return HASH.exec(bytes.toString('latin1', Math.max(0, bytes.length - HASH_BYTES)))?.[1];
}
