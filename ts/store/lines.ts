import { closeSync, openSync, readSync } from 'node:fs';
import { atPath } from './atPath.ts';

const CHUNK = 1 << 16;

/** A line of a file, without its newline; `offset` is where it begins, in bytes. */
export interface RawLine {
  bytes: Buffer;
  offset: number;
  /** Whether a newline follows: the last one may lack it. */
  ended: boolean;
}

/** Lines of a file, in order. Memory holds one line and a chunk. @throws an error of the file system */
export function* linesOf(path: string): Generator<RawLine> {
  const handle = openSync(path, 'r');
  try {
    let rest: Buffer[] = [];
    let offset = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const size = atPath(path, () => readSync(handle, chunk));
      if (size === 0) break;
      let from = 0;
      for (;;) {
        const end = chunk.subarray(0, size).indexOf(10, from);
        if (end === -1) break;
        const bytes = Buffer.concat([...rest, chunk.subarray(from, end)]);
        yield { bytes, offset, ended: true };
        offset += bytes.length + 1;
        rest = [];
        from = end + 1;
      }
      if (from < size) rest.push(chunk.subarray(from, size));
    }
    if (rest.length > 0) yield { bytes: Buffer.concat(rest), offset, ended: false };
  } finally {
    closeSync(handle);
  }
}
