/** The end of a byte stream. */
export interface Tail {
  push(chunk: Uint8Array): void;
  /** The kept bytes as text; a character cut at the front shows as U+FFFD. */
  text(): string;
}

/** Keep the last `limit` bytes of what is pushed. */
export function createTail(limit: number): Tail {
  let chunks: Uint8Array[] = [];
  let size = 0;
  return {
    push(chunk) {
      chunks.push(chunk);
      size += chunk.byteLength;
      // Twice the limit before copying, so that many small chunks cost little.
      if (size > 2 * limit) {
        const kept = Buffer.concat(chunks).subarray(-limit);
        chunks = [kept];
        size = kept.byteLength;
      }
    },
    text: () => Buffer.concat(chunks).subarray(-limit).toString('utf8'),
  };
}
