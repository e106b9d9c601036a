import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/** Bytes that are read at once. */
const CHUNK = 1 << 20;
let buffer: Buffer | undefined;

/**
 * The SHA-256 (hex) of a file of any size; undefined where there is none, or its disk cannot give its bytes back.
 *
 * @param onBytes told how many bytes were read since it was told last
 * @throws any other error of the file system
 */
export function sha256Of(path: string, onBytes?: (bytes: number) => void): string | undefined {
  buffer ??= Buffer.allocUnsafe(CHUNK);
  try {
    const handle = openSync(path, 'r');
    try {
      const hash = createHash('sha256');
      for (;;) {
        const size = readSync(handle, buffer);
        if (size === 0) return hash.digest('hex');
        hash.update(buffer.subarray(0, size));
        onBytes?.(size);
      }
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTDIR', 'EISDIR', 'EIO'].includes(code)) return undefined;
    throw error;
  }
}
