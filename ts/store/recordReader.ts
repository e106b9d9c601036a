import { closeSync, openSync, readSync } from 'node:fs';
import { atPath } from './atPath.ts';
import { linesOf } from './lines.ts';

/** Where a line lies in its file: its first byte, and how many it has without its newline. */
export interface Place {
  offset: number;
  bytes: number;
}

/** A record with where it lies. */
export interface Located<T> extends Place {
  record: T;
}

/** A line of a run's records that is not JSON. */
export class RecordsDamaged extends Error {
  override readonly name = 'RecordsDamaged';
}

/**
 * JSON lines, one by one. Memory holds one of them: the records of an iteration may be gigabytes.
 *
 * @param name what errors call the file
 * @throws RecordsDamaged; an error of the file system when it is not there
 */
export function* recordsIn<T>(path: string, name = path): Generator<Located<T>> {
  let number = 0;
  for (const { bytes, offset } of linesOf(path)) {
    number += 1;
    if (bytes.length > 0) yield { record: parse<T>(bytes, `${name}, line ${number}`), offset, bytes: bytes.length };
  }
}

/**
 * Records that {@link recordsIn} has found before.
 *
 * @param places in any order
 * @throws RecordsDamaged where something else lies there now; an error of the file system
 */
export function recordsAt<T>(path: string, places: readonly Place[], name = path): T[] {
  if (places.length === 0) return [];
  const handle = openSync(path, 'r');
  try {
    return places.map(({ offset, bytes }) => {
      const line = Buffer.alloc(bytes);
      const read = atPath(path, () => readSync(handle, line, 0, bytes, offset));
      return parse<T>(line.subarray(0, read), `${name}, byte ${offset}`);
    });
  } finally {
    closeSync(handle);
  }
}

function parse<T>(bytes: Buffer, where: string): T {
  try {
    return JSON.parse(bytes.toString()) as T;
  } catch (error) {
    throw new RecordsDamaged(`${where} is damaged: ${(error as Error).message}`);
  }
}
