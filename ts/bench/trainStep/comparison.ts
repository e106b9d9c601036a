import { quantile } from '../wire/timing.ts';
import type { Measured } from './measure.ts';
import type { SideName } from './side.ts';

/** The most that gradient norms and movements may differ from ours, relative. */
export const TOLERANCE = { gradNorm: 1e-4, movement: 1e-3 };

/** One side in numbers. */
export interface SideResult {
  /** Of each step that counts. */
  seconds: number[];
  medianSeconds: number;
  /** Median over the rounds of its seconds by ours; ours has 1. */
  ratio: number;
  /** What the steps took beyond what the process held when all was loaded, and all that it ever held then. */
  stepMebibytes: number | null;
  peakMebibytes: number | null;
  gradNorms: number[];
  movement: number;
  /** Largest relative difference from ours over all steps. */
  gradNormDifference: number;
  movementDifference: number;
}

export interface Comparison {
  sides: Partial<Record<SideName, SideResult>>;
  /** Whether all sides computed what ours did. */
  agrees: boolean;
}

/** Set all sides beside ours. @param warmUp steps of each that do not count in the times */
export function compare(
  measured: Readonly<Partial<Record<SideName, Measured>> & { ours: Measured }>,
  warmUp: number,
): Comparison {
  const { ours } = measured;
  const seconds = ({ steps }: Measured): number[] => steps.slice(warmUp).map((step) => step.seconds);
  const sides: Comparison['sides'] = {};
  for (const [name, side] of Object.entries(measured) as [SideName, Measured][]) {
    const rounds = seconds(side).map((value, round) => value / (seconds(ours)[round] as number));
    const { base_bytes: base, peak_bytes: peak, param_delta_l2: movement } = side.outcome;
    const gradNorms = side.steps.map((step) => step.grad_norm);
    const apart = gradNorms.map((norm, step) => difference(norm, ours.steps[step]?.grad_norm ?? Number.NaN));
    sides[name] = {
      seconds: seconds(side),
      medianSeconds: quantile(seconds(side), 0.5),
      ratio: quantile(rounds, 0.5),
      stepMebibytes: base === null || peak === null ? null : mebibytes(peak - base),
      peakMebibytes: peak === null ? null : mebibytes(peak),
      gradNorms,
      movement,
      gradNormDifference: Math.max(...apart),
      movementDifference: difference(movement, ours.outcome.param_delta_l2),
    };
  }
  const agrees = Object.values(sides).every(
    (side) => side.gradNormDifference < TOLERANCE.gradNorm && side.movementDifference < TOLERANCE.movement,
  );
  return { sides, agrees };
}

function difference(a: number, b: number): number {
  return a === b ? 0 : Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b));
}

const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
