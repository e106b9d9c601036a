import type { RunDocument } from '../document.ts';

/** A value in percent or points with its 95 % interval. */
export type Figure = NonNullable<NonNullable<RunDocument['iterations'][number]['evaluation']>['greedy']>;

/** What a chart's values are: percent from 0 to 100, a share from 0 to 1 (shown in percent), a count, seconds, or bare. */
export type Unit = 'percent' | 'share' | 'count' | 'seconds' | 'number';

/** Stands where nothing is known. */
export const UNKNOWN = '–';

/** A number with as many digits as say something: `0.0123`, `1.25`, `310`, `1.2e-7`. */
export function number(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-3) return value.toExponential(1).replace('-', '−').replace('e-', 'e−');
  return minus(size < 10 ? String(Number(value.toPrecision(3))) : size < 1000 ? trim(value.toFixed(1)) : count(value));
}

/** A whole number in groups of three: `12,345`. */
export function count(value: number): string {
  return minus(
    Math.round(value)
      .toString()
      .replace(/\B(?=(\d{3})+$)/g, ','),
  );
}

/** A value in its unit: `79.0 %`, with a space that does not break, `12 min 05 s`. */
export function quantity(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined || Number.isNaN(value)) return UNKNOWN;
  switch (unit) {
    case 'percent':
      return `${minus(value.toFixed(1))}\u00a0%`;
    case 'share':
      return `${minus((100 * value).toFixed(1))}\u00a0%`;
    case 'count':
      return count(value);
    case 'seconds':
      return duration(value);
    case 'number':
      return number(value);
  }
}

/** The same with its interval: `79.0 % [77.0, 81.1]`. */
export function interval(value: number | null, low: number | null, high: number | null, unit: Unit): string {
  const text = quantity(value, unit);
  if (value === null || low === null || high === null) return text;
  const bound = (at: number): string => quantity(at, unit).replace(/\s%$/, '');
  return `${text} [${bound(low)}, ${bound(high)}]`;
}

/** With its sign: `+43.6`, `−1.2`. */
export function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${minus(value.toFixed(1))}`;
}

/** `p < 0.0001`, `p = 0.023`; spaces do not break. */
export function pValue(p: number): string {
  return p < 1e-4 ? 'p\u00a0<\u00a00.0001' : `p\u00a0=\u00a0${p < 0.1 ? Number(p.toPrecision(2)) : p.toFixed(2)}`;
}

/** Seconds for people: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${trim(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** An ISO 8601 time to the minute, as it was told: in UTC. */
export function when(iso: string): string {
  const found = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)/.exec(iso);
  return found ? `${found[1]} ${found[2]} UTC` : iso;
}

/** `too_easy` -> `too easy`. */
export function words(name: string): string {
  return name.replaceAll('_', ' ').replaceAll('-', ' ');
}

function trim(text: string): string {
  return text.replace(/\.0$/, '');
}

/** The sign that is as wide as a plus, where there is one. */
function minus(text: string): string {
  return text.startsWith('-') ? `−${text.slice(1)}` : text;
}
