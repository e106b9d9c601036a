import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { atPath } from './atPath.ts';
import { realFileSystem, writeAll } from './fileSystem.ts';
import { formatRecords } from './files.ts';
import { RecordsDamaged } from './recordReader.ts';

/**
 * JSON lines that are only ever added to. A process that is killed leaves a part of a line at the end: it does not count,
 * and is cut off by the next one that writes.
 */
export class RecordFile<T extends object> {
  readonly records: T[];
  private readonly path: string;
  private readonly durable: boolean;
  private readonly handle: number;

  /**
   * @param durable whether what was added survives the loss of power
   * @throws RecordsDamaged; an error of the file system
   */
  constructor(path: string, durable: boolean) {
    this.path = path;
    this.durable = durable;
    const { records, bytes } = wholeRecords<T>(path);
    this.records = records;
    if (existsSync(path)) truncateSync(path, bytes);
    this.handle = openSync(path, 'a');
  }

  /** @throws an error of the file system */
  add(records: readonly T[]): void {
    if (records.length === 0) return;
    atPath(this.path, () => {
      writeAll(realFileSystem, this.handle, Buffer.from(formatRecords(records)));
      if (this.durable) fsyncSync(this.handle);
    });
    this.records.push(...records);
  }

  close(): void {
    closeSync(this.handle);
  }
}

/**
 * The records of a file, without a last line that has no end; none where there is no file.
 *
 * @returns with how many bytes they take
 * @throws RecordsDamaged; an error of the file system
 */
export function wholeRecords<T>(path: string): { records: T[]; bytes: number } {
  if (!existsSync(path)) return { records: [], bytes: 0 };
  const content = readFileSync(path);
  const records: T[] = [];
  let at = 0;
  for (let end = content.indexOf(10); end !== -1; end = content.indexOf(10, at)) {
    try {
      records.push(JSON.parse(content.toString('utf8', at, end)) as T);
    } catch {
      const line = records.length + 1;
      throw new RecordsDamaged(
        `line ${line} of ${path} is no JSON: the file is damaged; remove it, and it is made again`,
      );
    }
    at = end + 1;
  }
  return { records, bytes: at };
}
