import { ACTIVITIES, type Activity } from './activity.ts';
import type { Played } from './played.ts';

const SIGNS: Readonly<Record<Activity, string>> = {
  sample: 's',
  score: 'c',
  train: 'T',
  load: 'l',
  handover: 'h',
  sleep: 'z',
};

/** What the signs of a timeline mean. */
export const LEGEND = `${ACTIVITIES.map((activity) => `${SIGNS[activity]} ${activity}`).join(', ')}, . nothing`;

/**
 * What each GPU does, a line each: a column is an equal part of the span, and shows what took most of it. A capital S
 * is sampling with at least half of the rows filled.
 *
 * @param columns at least 1
 */
export function timeline({ logs }: Played, span: { from: number; to: number }, columns: number): string[] {
  const width = (span.to - span.from) / columns;
  const devices = [...new Set(logs.flatMap(({ devices }) => devices))];
  const longest = Math.max(...devices.map(({ length }) => length));
  return devices.map((device) => {
    const mine = logs.filter((log) => log.devices.includes(device)).flatMap(({ intervals }) => intervals);
    const cells = Array.from({ length: columns }, (_, column) => {
      const from = span.from + column * width;
      const spent = new Map<string, number>();
      let idle = width;
      for (const { activity, filled, ...interval } of mine) {
        const seconds = Math.min(from + width, interval.to) - Math.max(from, interval.from);
        if (seconds <= 0) continue;
        const sign = activity === 'sample' && filled >= 0.5 ? 'S' : SIGNS[activity];
        spent.set(sign, (spent.get(sign) ?? 0) + seconds);
        idle -= seconds;
      }
      const [most] = [...spent, ['.', idle] as const].sort(([, a], [, b]) => b - a);
      return most?.[0] ?? '.';
    });
    return `${device.padEnd(longest)} ${cells.join('')}`;
  });
}
