import type { JournalEntry } from '../ports/journal.ts';
import type { Phase } from '../ports/reporter.ts';

/** Where a fork leaves the run it comes from: the first phase that it does itself. */
export interface ForkPoint {
  iteration: number;
  phase: Phase;
}

/** Phases of an iteration, in the order in which they are run. */
const ORDER: readonly Phase[] = ['challenger', 'questions', 'solver', 'evaluation'];

/** `iteration:2` or `iteration:2/solver`; undefined for anything else. */
export function parseForkPoint(text: string): ForkPoint | undefined {
  const [, iteration, phase = 'challenger'] = /^iteration:([1-9]\d{0,5})(?:\/([a-z]+))?$/.exec(text) ?? [];
  if (iteration === undefined || !ORDER.includes(phase as Phase)) return undefined;
  return { iteration: Number(iteration), phase: phase as Phase };
}

/** How {@link parseForkPoint} wants it. */
export const FORK_POINT_FORM = `iteration:K, or iteration:K/PHASE with ${ORDER.join(', ')}`;

/**
 * What a fork takes over: the entries of all phases before the point, which must be over, without what it took to make
 * them.
 *
 * @throws RangeError naming the first phase that is not over
 */
export function entriesBefore(entries: readonly JournalEntry[], point: ForkPoint): JournalEntry[] {
  const shared: JournalEntry[] = [];
  const began = new Set<string>();
  for (const entry of entries) {
    if (!('iteration' in entry)) continue;
    const phase = 'phase' in entry ? entry.phase : 'challenger';
    if (!isBefore({ iteration: entry.iteration, phase }, point)) continue;
    const key = `${entry.iteration}/${phase}`;
    if (entry.type === 'undone') drop(shared, entry);
    else if (['iteration', 'phase', 'step', 'warning', 'done'].includes(entry.type)) shared.push(entry);
    if (entry.type === 'done') began.delete(key);
    else if ('phase' in entry) began.add(key);
  }
  const [open] = began;
  if (open !== undefined) throw new RangeError(`iteration ${open.replace('/', ', ')} is not over`);
  const last = before(point);
  const isOver = shared.some(
    (entry) => entry.type === 'done' && entry.iteration === last.iteration && entry.phase === last.phase,
  );
  if (!isOver) throw new RangeError(`iteration ${last.iteration}, ${last.phase} is not over`);
  return shared;
}

/** The phase that comes right before a point. Without training, an iteration has no Challenger phase to wait for. */
function before({ iteration, phase }: ForkPoint): ForkPoint {
  const index = ORDER.indexOf(phase);
  if (index > 1) return { iteration, phase: ORDER[index - 1] as Phase };
  return { iteration: iteration - 1, phase: 'evaluation' };
}

function isBefore(one: ForkPoint, point: ForkPoint): boolean {
  if (one.iteration !== point.iteration) return one.iteration < point.iteration;
  return ORDER.indexOf(one.phase) < ORDER.indexOf(point.phase);
}

function drop(entries: JournalEntry[], { iteration, phase }: ForkPoint): void {
  const rest = entries.filter((entry) => !('phase' in entry && entry.iteration === iteration && entry.phase === phase));
  entries.splice(0, entries.length, ...rest);
}
