import type { LineChart } from './chart.ts';

/**
 * The bounds of a chart's scale: all values and intervals with some room, within what the unit allows, and at least from
 * and to what the chart asks for.
 */
export function valueRange({ series, unit, from, to }: LineChart): [number, number] {
  const values = series
    .flatMap((one) => [...one.values, ...(one.low ?? []), ...(one.high ?? [])])
    .filter((value) => value !== null);
  let low = Math.min(...values, from ?? Infinity);
  let high = Math.max(...values, to ?? -Infinity);
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const room = low === high ? Math.abs(low) * 0.1 || 0.5 : (high - low) * 0.08;
  if (from === undefined || low < from) low -= room;
  if (to === undefined || high > to) high += room;
  if (unit === 'percent') return [Math.max(0, low), Math.min(100, high)];
  if (unit === 'share') return [Math.max(0, low), Math.min(1, high)];
  return [low, high];
}

/** Which of the tenths 0, 0.1, ..., 1 a band lets through: the first and the last one, or null. */
export function tenthsWithin(band: { low: number; high: number } | null): [number, number] | null {
  if (band === null) return null;
  const within = Array.from({ length: 11 }, (_, tenth) => tenth).filter(
    (tenth) => tenth / 10 >= band.low - 1e-9 && tenth / 10 <= band.high + 1e-9,
  );
  return within.length === 0 ? null : [within[0] as number, within.at(-1) as number];
}
