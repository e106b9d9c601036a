import { type Codec, ProtocolError } from './primitives.ts';

/** Bounds of a number, named as everywhere: above, at least, below, at most. An absent one does not bind. */
export interface Range {
  readonly gt?: number;
  readonly ge?: number;
  readonly lt?: number;
  readonly le?: number;
}

/**
 * A codec whose values are in a range, checked in both directions. What is compared is a number itself, the UTF-8
 * bytes of a string, and how many items a list, a map or a packed array has.
 */
export function tRanged<T>(codec: Codec<T>, range: Range): Codec<T> {
  const isWithin = test(range);
  const check = (value: unknown, path: string): void => {
    const [size, unit] = measure(value);
    if (!isWithin(size)) {
      throw new ProtocolError(path, `saw ${size}${unit}, allowed is ${describeRange(range)}${unit}`);
    }
  };
  return {
    encode(value, path) {
      // A list is counted before its items are packed or built.
      if (Array.isArray(value)) check(value, path);
      const wire = codec.encode(value, path);
      if (!Array.isArray(value)) check(value, path);
      return wire;
    },
    decode(wire, path) {
      if (Array.isArray(wire)) check(wire, path);
      const value = codec.decode(wire, path);
      if (!Array.isArray(wire)) check(value, path);
      return value;
    },
  };
}

/** A codec of a packed array whose every item is in a range; NaN and infinities are in none. */
export function tRangedItems<A extends ArrayLike<number>>(codec: Codec<A>, range: Range): Codec<A> {
  const isWithin = test(range);
  const isBounded = Object.keys(range).length > 0;
  // Arrays are long, so there is no call and no branch for an item, and the loops are this codec's own: they are
  // compiled for its kind of array.
  const areWithin = (items: A): boolean => {
    if (!isBounded) {
      // Of items that are no doubles, so that finite ones have a finite sum.
      let sum = 0;
      for (let index = 0; index < items.length; index += 1) sum += items[index] as number;
      return Number.isFinite(sum);
    }
    // If the smallest and the largest are within, all are; a NaN becomes both.
    let [smallest, largest] = [Infinity, -Infinity];
    for (let index = 0; index < items.length; index += 1) {
      const item = items[index] as number;
      smallest = Math.min(smallest, item);
      largest = Math.max(largest, item);
    }
    return items.length === 0 || (isWithin(smallest) && isWithin(largest));
  };
  const check = (items: A, path: string): void => {
    if (areWithin(items)) return;
    const index = Array.prototype.findIndex.call(items, (item: number) => !isWithin(item));
    throw new ProtocolError(`${path}[${index}]`, `saw ${items[index]}, allowed is ${describeRange(range)}`);
  };
  return {
    encode(value, path) {
      const wire = codec.encode(value, path);
      check(value, path);
      return wire;
    },
    decode(wire, path) {
      const value = codec.decode(wire, path);
      check(value, path);
      return value;
    },
  };
}

function measure(value: unknown): [size: number, unit: string] {
  if (typeof value === 'number') return [value, ''];
  if (typeof value === 'string') return [Buffer.byteLength(value), ' bytes'];
  if (Array.isArray(value)) return [value.length, ' items'];
  if (ArrayBuffer.isView(value)) return [(value as Uint8Array).length, ' items'];
  return [Object.keys(value as object).length, ' items'];
}

/** Whether a number is in a range; the bounds that are not given leave out NaN and the infinities all the same. */
function test({ gt = -Infinity, ge = -Infinity, lt = Infinity, le = Infinity }: Range): (value: number) => boolean {
  return (value) => value > gt && value >= ge && value < lt && value <= le;
}

/** A range in words: `1 or more`, `0 to 1`, `above 0 and at most 1`. */
function describeRange({ gt, ge, lt, le }: Range): string {
  if (ge !== undefined && le !== undefined) return ge === le ? `${ge}` : `${ge} to ${le}`;
  const words = [
    gt !== undefined && `above ${gt}`,
    ge !== undefined && `${ge} or more`,
    lt !== undefined && `below ${lt}`,
    le !== undefined && `at most ${le}`,
  ];
  return words.filter(Boolean).join(' and ') || 'a finite number';
}
