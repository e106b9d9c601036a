import type { LoopContext } from './context.ts';
import { PhaseUndone } from './errors.ts';

/** The name of the folder of a role's weights as an iteration left them. */
export function modelName(iteration: number, role: 'challenger' | 'solver'): string {
  return `iteration-${iteration}/models/${role}`;
}

/**
 * Make sure of the weights that a phase starts from, where an earlier one made them.
 *
 * @param sources folders; the base model is none of ours, and not looked at
 * @throws PhaseUndone where they are damaged or gone: what made them is on record as undone then
 */
export function requireIntact({ history, store }: LoopContext, sources: readonly string[]): void {
  for (const { iteration, phase, model } of history.done) {
    if (model === undefined || !sources.includes(store.folder(model.name))) continue;
    const damage = store.damageOf(model);
    if (damage === undefined) continue;
    history.record({ type: 'undone', iteration, phase, reason: damage }, true);
    throw new PhaseUndone(`iteration ${iteration}, ${phase}: ${damage}, so it is done again`);
  }
}
