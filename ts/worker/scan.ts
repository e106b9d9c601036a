import { isUtf8 } from 'node:buffer';
import { LIMITS } from '../protocol/generated.ts';
import { ProtocolError } from '../protocol/primitives.ts';

/** What a frame may be at most; each is far above what the protocol needs. */
export interface ScanLimits {
  /** Length of the whole message, bytes. */
  readonly bytes: number;
  /** Maps and lists inside each other. */
  readonly depth: number;
  /** Values of all kinds together, map keys included: bounds what a few bytes can make the decoder allocate. */
  readonly values: number;
}

export const SCAN_LIMITS: ScanLimits = {
  bytes: LIMITS.messageBytes,
  depth: LIMITS.messageDepth,
  values: LIMITS.messageValues,
};

/** Bytes after the first byte of a value: fixed ones for scalars, the width of the length for the rest. */
const FIXED: Readonly<Record<number, number>> = {
  192: 0, // nil
  194: 0, // false
  195: 0, // true
  202: 4, // float32
  203: 8, // float64
  204: 1, // uint8..uint64
  205: 2,
  206: 4,
  207: 8,
  208: 1, // int8..int64
  209: 2,
  210: 4,
  211: 8,
};

interface Open {
  /** Values still to come; a map's keys count too. */
  remaining: number;
  /** Keys seen, of a map. */
  readonly keys: Set<string> | undefined;
}

/**
 * Walk over one msgpack message without building it, and refuse what the decoder would answer with much memory, a
 * deep stack, an object of its own making or a silent change: counts beyond the bytes that are there, nesting beyond
 * the limit, extension types, the unused byte 0xc1, keys that are no strings, come twice or are `__proto__`, text that
 * is not UTF-8, and anything after the first value. Takes time and memory linear in the length.
 *
 * @throws ProtocolError with `path` in front and the offset of the byte in the message
 */
export function scan(message: Uint8Array, path: string, limits: ScanLimits = SCAN_LIMITS): void {
  const end = message.length;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const stack: Open[] = [];
  let offset = 0;
  let values = 0;

  const refuse = (problem: string): never => {
    throw new ProtocolError(path, `malformed msgpack at byte ${offset} of ${end}: ${problem}`);
  };
  /** Make sure that `count` more bytes are there after the `skip` bytes of the header. */
  const need = (count: number, skip = 0): void => {
    if (count > end - offset - skip) refuse(`${count} bytes announced, ${Math.max(0, end - offset - skip)} left`);
  };
  const length = (width: number): number => {
    need(width, 1);
    if (width === 1) return view.getUint8(offset + 1);
    return width === 2 ? view.getUint16(offset + 1) : view.getUint32(offset + 1);
  };

  if (end > limits.bytes) refuse(`longer than the allowed ${limits.bytes} bytes`);
  do {
    need(1);
    values += 1;
    if (values > limits.values) refuse(`more than ${limits.values} values`);
    const byte = view.getUint8(offset);
    const top = stack[stack.length - 1];
    const isKey = top?.keys !== undefined && top.remaining % 2 === 0;

    let header = 1;
    let body = 0;
    let items = -1;
    let text = false;
    let map = false;
    if (byte <= 0x7f || byte >= 0xe0) {
      // a small integer, whole in its first byte
    } else if (byte <= 0x8f) {
      map = true;
      items = byte & 0x0f;
    } else if (byte <= 0x9f) {
      items = byte & 0x0f;
    } else if (byte <= 0xbf) {
      text = true;
      body = byte & 0x1f;
    } else if (byte >= 0xd9 && byte <= 0xdb) {
      text = true;
      const width = 1 << (byte - 0xd9);
      body = length(width);
      header += width;
    } else if (byte >= 0xc4 && byte <= 0xc6) {
      const width = 1 << (byte - 0xc4);
      body = length(width);
      header += width;
    } else if (byte >= 0xdc) {
      const width = byte % 2 === 0 ? 2 : 4;
      map = byte >= 0xde;
      items = length(width);
      header += width;
    } else if (byte in FIXED) {
      body = FIXED[byte] ?? 0;
    } else {
      refuse(byte === 0xc1 ? 'the byte 0xc1' : `an extension type (0x${byte.toString(16)})`);
    }

    if (isKey && !text) refuse('a map key that is not a string');
    need(body, header);
    if (text) {
      const bytes = message.subarray(offset + header, offset + header + body);
      if (!isUtf8(bytes)) refuse('text that is not UTF-8');
      if (isKey) {
        const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
        if (key === '__proto__') refuse('the key "__proto__"');
        if (top.keys.has(key)) refuse(`the key ${JSON.stringify(key)} a second time`);
        top.keys.add(key);
      }
    }
    if (top !== undefined) top.remaining -= 1;
    if (items >= 0) {
      if (stack.length >= limits.depth) refuse(`nested deeper than ${limits.depth}`);
      const count = map ? items * 2 : items;
      // Each value takes a byte at least.
      if (count > end - offset - header) refuse(`${count} values announced, ${end - offset - header} bytes left`);
      stack.push({ remaining: count, keys: map ? new Set() : undefined });
    }
    offset += header + body;
    while (stack.length > 0 && stack[stack.length - 1]?.remaining === 0) stack.pop();
  } while (stack.length > 0);
  if (offset !== end) refuse(`${end - offset} bytes after the value`);
}
