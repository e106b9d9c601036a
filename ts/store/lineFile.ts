import { PendingFile } from './pendingFile.ts';

/** UTF-16 units that are held back before they are written. */
const BUFFER = 1 << 16;

/**
 * JSON lines that are written as they come and appear under their name when all are there: until
 * {@link LineFile.finish} a reader sees the old file or none.
 */
export class LineFile {
  private readonly file: PendingFile;
  private text = '';

  /** @throws an error of the file system */
  constructor(path: string) {
    this.file = new PendingFile(path);
  }

  add(record: object): void {
    this.text += `${JSON.stringify(record)}\n`;
    if (this.text.length >= BUFFER) this.flush();
  }

  /** All are there. @returns as {@link PendingFile.finish}. @throws an error of the file system */
  finish(): string {
    if (this.file.isOpen) this.flush();
    return this.file.finish();
  }

  /** What is not finished goes; afterwards nothing is left to do. */
  discard(): void {
    this.file.discard();
  }

  private flush(): void {
    const text = this.text;
    this.text = '';
    this.file.append(Buffer.from(text));
  }
}
