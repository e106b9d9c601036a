import { type Redact, redactor } from '../secrets/redact.ts';

/** Bytes of a line without an end that are held back at most. */
const MOST = 1 << 16;

const LINE_END = [10, 13];
const SPACES = [...LINE_END, 9, 32];

/**
 * What a process prints, without secrets: whole lines at a time, since a chunk may end within a secret. Bytes that are no
 * secret's stay as they are, whatever their encoding.
 */
export class RedactedLines {
  private readonly redact: Redact;
  private readonly emit: (bytes: Uint8Array) => void;
  private rest: Buffer = Buffer.alloc(0);

  /** @param emit told what is printed, by and by */
  constructor(secrets: readonly string[], emit: (bytes: Uint8Array) => void) {
    // One character a byte on both sides.
    this.redact = redactor(secrets.map((secret) => Buffer.from(secret).toString('latin1')));
    this.emit = emit;
  }

  push(chunk: Uint8Array): void {
    const all = Buffer.concat([this.rest, chunk]);
    let end = lastOf(all, LINE_END);
    // No secret has a space in it. Where there is none in so much either, all goes: it is no text.
    if (end === 0 && all.length > MOST) end = lastOf(all, SPACES) || all.length;
    this.rest = all.subarray(end);
    if (end > 0) this.emit(this.clean(all.subarray(0, end)));
  }

  /** The line that has not ended yet. */
  pending(): Uint8Array {
    return this.clean(this.rest);
  }

  /** Nothing more will come. */
  end(): void {
    const last = this.pending();
    this.rest = Buffer.alloc(0);
    if (last.length > 0) this.emit(last);
  }

  private clean(bytes: Buffer): Buffer {
    return Buffer.from(this.redact(bytes.toString('latin1')), 'latin1');
  }
}

/** How many bytes there are up to the last one of these, that one included; 0 where there is none. */
function lastOf(bytes: Buffer, these: readonly number[]): number {
  return Math.max(...these.map((byte) => bytes.lastIndexOf(byte))) + 1;
}
