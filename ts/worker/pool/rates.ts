import type { SampleBatch } from '../../protocol/generated.ts';

/** That somebody has become slow, or is not any more. */
export interface Verdict<T> {
  who: T;
  isSlow: boolean;
  /** Steps a second: its own, and the median of the others'. */
  rate: number;
  others: number;
  /** Whether it has never been slow before. */
  isFirst: boolean;
}

interface Request {
  rate: number;
  seconds: number;
}

interface Record {
  /** The last of its requests that were answered. */
  recent: Request[];
  wasSlow: boolean;
}

/**
 * Steps of decoding that samples took at least, drawn `rows` side by side: those of the longest, or of all shared among
 * the rows. Unlike tokens they hardly depend on which lengths chance has put together in a request.
 */
export function stepsOf({ lengths }: Pick<SampleBatch, 'lengths'>, rows: number): number {
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  return Math.max(longest, lengths.reduce((sum, length) => sum + length, 0) / rows);
}

/** Requests that must have been answered before somebody is judged or compared with, and how many of the last count. */
const FEWEST = 3;
const MOST = 5;

/** Whose rate is so many times below the others' is slow; whose is less than so many times below is not any more. */
const SLOW = 4;
const NOT_SLOW = 2;

/** Seconds that its last requests must have taken together: below, it holds nobody up, and chance is large. */
const NOTICEABLE = 1;

/**
 * Who samples slowly. A rate is steps of decoding over the seconds from when a request was sent until it was answered;
 * the median of somebody's last requests is compared with the median of the others'. Knows no clock.
 *
 * All are judged whenever as many requests were answered as there are to judge, so that a request costs O(log) of them.
 */
export class Rates<T> {
  readonly slow: ReadonlySet<T>;
  private readonly found = new Set<T>();
  private readonly records = new Map<T, Record>();
  private sinceJudged = 0;

  constructor() {
    this.slow = this.found;
  }

  /**
   * A request was answered.
   * @param steps see {@link stepsOf}
   * @param seconds from when it was sent
   * @returns who has become slow by it, and who is not any more
   */
  add(who: T, steps: number, seconds: number): Verdict<T>[] {
    if (steps === 0 || seconds === 0) return [];
    const record = this.records.get(who) ?? { recent: [], wasSlow: false };
    this.records.set(who, record);
    record.recent = [...record.recent, { rate: steps / seconds, seconds }].slice(-MOST);
    this.sinceJudged += 1;
    if (this.sinceJudged < this.records.size) return [];
    this.sinceJudged = 0;
    return this.judge();
  }

  /** Somebody is gone. */
  forget(who: T): void {
    this.records.delete(who);
    this.found.delete(who);
  }

  private judge(): Verdict<T>[] {
    const known = [...this.records].filter(([, { recent }]) => recent.length >= FEWEST);
    if (known.length < 2) return [];
    const judged = known.map(([who, record]) => ({ who, record, rate: rateOf(record.recent) }));
    judged.sort((one, other) => one.rate - other.rate);
    const rates = judged.map(({ rate }) => rate);
    return judged.flatMap(({ who, record, rate }, index) => {
      const others = medianWithout(rates, index);
      const isSlow = this.found.has(who)
        ? rate * NOT_SLOW < others
        : rate * SLOW < others && secondsOf(record.recent) >= NOTICEABLE;
      if (isSlow === this.found.has(who)) return [];
      if (isSlow) this.found.add(who);
      else this.found.delete(who);
      const isFirst = isSlow && !record.wasSlow;
      record.wasSlow = true;
      return [{ who, isSlow, rate, others, isFirst }];
    });
  }
}

function secondsOf(requests: readonly Request[]): number {
  return requests.reduce((sum, { seconds }) => sum + seconds, 0);
}

function rateOf(requests: readonly Request[]): number {
  const rates = requests.map(({ rate }) => rate).sort((one, other) => one - other);
  return rates[Math.floor((rates.length - 1) / 2)] as number;
}

/** The median of sorted numbers, of which one is left out; of two in the middle the lower. */
function medianWithout(sorted: readonly number[], index: number): number {
  const middle = Math.floor((sorted.length - 2) / 2);
  return sorted[middle < index ? middle : middle + 1] as number;
}
