import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What one thing took, over its repeats. Milliseconds, to the microsecond. */
export interface Times {
  median: number;
  /** First and third. */
  quartiles: [number, number];
  least: number;
  repeats: number;
}

/** The value below which a share of them lies. @throws RangeError when there are none */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('a quantile of no values');
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number];
  return below + (above - below) * (place - Math.floor(place));
}

export function summarise(times: readonly number[]): Times {
  const at = (share: number): number => Math.round(quantile(times, share) * 1000) / 1000;
  return { median: at(0.5), quartiles: [at(0.25), at(0.75)], least: at(0), repeats: times.length };
}

/**
 * Time calls in turns, so that what else the machine does hits all alike. A turn is a few calls of one kind, so that
 * each finds its own code and data in the caches, and begins with nobody else's garbage on the heap.
 *
 * @param calls by name
 * @param repeats of each
 * @param clock milliseconds
 */
export async function timeInTurns<Name extends string>(
  calls: Readonly<Record<Name, () => Promise<unknown>>>,
  repeats: number,
  clock: () => number = () => performance.now(),
): Promise<Record<Name, Times>> {
  const entries = Object.entries(calls) as [Name, () => Promise<unknown>][];
  const times = new Map<Name, number[]>(entries.map(([name]) => [name, []]));
  for (let left = repeats; left > 0; left -= TURN) {
    for (const [name, call] of entries) {
      collectGarbage();
      for (let index = 0; index < WARM_UP; index += 1) await call();
      for (let index = 0; index < Math.min(TURN, left); index += 1) {
        const begun = clock();
        await call();
        times.get(name)?.push(clock() - begun);
      }
    }
  }
  return Object.fromEntries([...times].map(([name, all]) => [name, summarise(all)])) as Record<Name, Times>;
}

/** Calls at the beginning of a turn that do not count, and calls that do. */
const WARM_UP = 2;
const TURN = 10;

// The flag makes new contexts have the function; without `node --expose-gc`, which `npm run bench` does not pass.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
