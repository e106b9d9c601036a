// ZeroMQ RFC 32: four bytes are five characters of this alphabet, most significant first.
const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/**
 * Bytes as Z85 text, 5 characters for every 4 bytes.
 *
 * @throws RangeError when the length is no multiple of 4
 */
export function encodeZ85(bytes: Uint8Array): string {
  if (bytes.byteLength % 4 !== 0)
    throw new RangeError(`Z85: saw ${bytes.byteLength} bytes, allowed are multiples of 4`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = '';
  for (let offset = 0; offset < bytes.byteLength; offset += 4) {
    const word = view.getUint32(offset);
    for (const weight of [85 ** 4, 85 ** 3, 85 ** 2, 85, 1]) text += ALPHABET[Math.floor(word / weight) % 85];
  }
  return text;
}

/** The bytes of Z85 text; undefined when it is none: another character, a wrong length, or a group above 2^32 - 1. */
export function decodeZ85(text: string): Uint8Array | undefined {
  if (text.length % 5 !== 0) return undefined;
  const view = new DataView(new ArrayBuffer((text.length / 5) * 4));
  for (let group = 0; group < text.length / 5; group += 1) {
    let word = 0;
    for (const character of text.slice(group * 5, group * 5 + 5)) {
      const digit = ALPHABET.indexOf(character);
      if (digit < 0) return undefined;
      word = word * 85 + digit;
    }
    if (word > 0xffff_ffff) return undefined;
    view.setUint32(group * 4, word);
  }
  return new Uint8Array(view.buffer);
}
