import type { WarningName } from '../domain/warnings/rules.ts';
import type { Config } from './schema.ts';

/** An option that has another value than before. */
export interface Change {
  /** As in the file: `solver.steps`. */
  option: string;
  /** Undefined where it was not there. */
  before: unknown;
  after: unknown;
}

/**
 * Options that may change while a run is under way, a whole group by its name: where and with what it is computed, and
 * what is kept on disk. What it computes is not among them, nor what rounds otherwise: backend, threads, processes.
 */
const HARMLESS = [
  'worker.count',
  'worker.listen',
  'worker.keys',
  'worker.expect',
  'worker.requestSamples',
  'worker.turns',
  'worker.handoverSeconds',
  'worker.silenceSeconds',
  'worker.returnSeconds',
  'worker.deadlines',
  'worker.restarts',
  'worker.graceSeconds',
  'placement',
  'launch',
  'storage',
  'logging',
  'tracking',
];

/** Options whose values differ, in the order of the file. */
export function changesBetween(before: Config, after: Config): Change[] {
  return differences(before, after, '');
}

/**
 * Whether a run may go on with a change. More iterations come after all that is there; fewer would leave some of it out.
 *
 * @param one the configuration before, @param other and after it
 */
export function isHarmless({ option, before, after }: Change, one: Config, other: Config): boolean {
  if (option === 'iterations') return (after as number) > (before as number);
  return decidesNothing(option, one) && decidesNothing(option, other);
}

/**
 * Whether an option says only where and with what something is computed, what is kept of it, or what is said of it: an
 * early warning that warns, or that stops a run that could go on, leaves all figures as they are. One that rolls back
 * decides them, with its thresholds.
 */
export function decidesNothing(option: string, { warnings }: Config): boolean {
  const [section, name] = option.split('.');
  if (section === 'warnings') return warnings[name as WarningName]?.action !== 'roll-back';
  return HARMLESS.some((group) => option === group || option.startsWith(`${group}.`));
}

/** `  solver.steps: 15 -> 20`, one line a change. */
export function describeChanges(changes: readonly Change[]): string {
  const shown = (value: unknown) => (value === undefined ? 'not there' : JSON.stringify(value));
  return changes.map(({ option, before, after }) => `  ${option}: ${shown(before)} -> ${shown(after)}`).join('\n');
}

function differences(before: unknown, after: unknown, option: string): Change[] {
  if (isGroup(before) && isGroup(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => differences(before[name], after[name], option === '' ? name : `${option}.${name}`));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ option, before, after }];
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
