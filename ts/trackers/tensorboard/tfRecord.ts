import { maskedCrc32c } from './crc32c.ts';

/**
 * A record of a TFRecord file: u64 length, u32 masked CRC-32C of the length, the bytes, u32 masked CRC-32C of the
 * bytes; all little-endian.
 */
export function tfRecord(bytes: Uint8Array): Buffer {
  const record = Buffer.alloc(8 + 4 + bytes.length + 4);
  record.writeBigUInt64LE(BigInt(bytes.length), 0);
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8);
  record.set(bytes, 12);
  record.writeUInt32LE(maskedCrc32c(bytes), 12 + bytes.length);
  return record;
}
