import type { CostReport, PhaseReport } from './document.ts';

/** What a device-hour costs, as the reader says. */
export interface Price {
  perHour: number | null;
  /** Sign or name of its currency. */
  currency: string;
}

/** What the phases of a run took together. */
export function costOf(phases: readonly PhaseReport[], { perHour, currency }: Price): CostReport {
  const known = phases.flatMap(({ activity }) => activity ?? []);
  const total = (name: 'tokens' | 'deviceSeconds' | 'busySeconds') =>
    known.length === 0 ? null : known.reduce((sum, activity) => sum + activity[name], 0);
  const deviceSeconds = total('deviceSeconds');
  const busySeconds = total('busySeconds');
  const deviceHours = deviceSeconds === null ? null : deviceSeconds / 3600;
  return {
    seconds: phases.reduce((sum, { seconds }) => sum + seconds, 0),
    tokens: total('tokens'),
    deviceHours,
    busyShare:
      deviceSeconds === null || busySeconds === null || deviceSeconds === 0 ? null : busySeconds / deviceSeconds,
    pricePerHour: perHour,
    price: perHour === null || deviceHours === null ? null : perHour * deviceHours,
    currency,
  };
}
