import type { JournalEntry } from '../ports/journal.ts';
import { objectFile } from './objects.ts';
import { type PhaseRecord, phaseRecords } from './phaseRecords.ts';

/** What of a run's configuration decides what it keeps. */
export interface KeepingRule {
  storage: {
    /** Checkpoints of a phase that is under way. */
    keepCheckpoints: number;
    /** Whose models stay when nothing needs them any more. */
    keepModels: 'every' | 'best' | 'last';
    /** Whether recorded answers stay when their phase is over. */
    keepAnswers: boolean;
  };
  /** Who judges: the last Solver, or the last `ensemble` ones. */
  roles: { judge: string; ensemble: number };
  /** A roll-back starts from the best iteration so far. */
  warnings: Readonly<Record<string, { action: string }>>;
}

/**
 * Files and folders of a run that going on, or its settings, need: objects, checkpoints and models; relative to the run.
 * Records and what describes the run are always kept, and not among them.
 *
 * A phase that is over needs what it found; one that is under way needs all answers and its latest checkpoints, since the
 * last one may turn out to be damaged. A model is needed while a phase may start from it or be judged by it, and of the
 * phase that goes on next the whole iteration counts, so that it may be done again.
 */
export function needed(entries: readonly JournalEntry[], { storage, roles, warnings }: KeepingRule): Set<string> {
  const phases = phaseRecords(entries);
  const names = new Set<string>();
  for (const { done, answers, credits, checkpoints } of phases) {
    if (done !== undefined) names.add(objectFile(done.value));
    if (done === undefined || storage.keepAnswers) {
      for (const object of [...answers.values(), ...credits]) names.add(objectFile(object));
    }
    if (done !== undefined) continue;
    for (const { models } of [...checkpoints.values()].slice(-storage.keepCheckpoints)) {
      for (const { name } of models) names.add(name);
    }
  }
  const window = roles.judge === 'ensemble' ? roles.ensemble : 1;
  const next = storage.keepModels === 'every' ? 0 : nextIteration(phases);
  const best = bestIteration(phases);
  const rollsBack = Object.values(warnings).some(({ action }) => action === 'roll-back');
  const origins = originsOf(entries);
  const wanted = new Set([
    ...lineage(origins(next), origins, window),
    ...(best !== undefined && storage.keepModels === 'best' ? [best] : []),
    ...(best !== undefined && rollsBack ? lineage(best, origins, window) : []),
  ]);
  for (const { iteration, done } of phases) {
    if (done?.model !== undefined && (iteration >= next || wanted.has(iteration))) names.add(done.model.name);
  }
  return names;
}

/** Which iteration another one starts from: the last, unless it was rolled back. */
function originsOf(entries: readonly JournalEntry[]): (iteration: number) => number {
  const origins = new Map(
    entries.flatMap((entry) => (entry.type === 'iteration' ? [[entry.iteration, entry.solverFrom] as const] : [])),
  );
  return (iteration) => origins.get(iteration) ?? iteration - 1;
}

/** An iteration and those that its Solver comes from, `most` at most. */
function lineage(iteration: number, origins: (iteration: number) => number, most: number): number[] {
  const line: number[] = [];
  for (let one = iteration; one > 0 && line.length < most; one = origins(one)) line.push(one);
  return line;
}

/** What the entries name and nothing needs, see {@link needed}, and why not. */
export function unneeded(entries: readonly JournalEntry[], rule: KeepingRule): Map<string, string> {
  const wanted = needed(entries, rule);
  const names = new Map<string, string>();
  for (const entry of entries) {
    for (const { name, why } of named(entry)) if (!wanted.has(name)) names.set(name, why);
  }
  return names;
}

/** What an entry names that is not kept for ever, and why it is not needed where it is not. */
export function named(entry: JournalEntry): { name: string; why: string }[] {
  if (entry.type === 'answer') return [{ name: objectFile(entry.object), why: 'an answer to a phase that is over' }];
  if (entry.type === 'update') {
    return [{ name: objectFile(entry.credit), why: 'what samples of a phase that is over were paid' }];
  }
  if (entry.type === 'checkpoint') {
    const why = 'a checkpoint that later ones, or the end of its phase, replace';
    return entry.models.map(({ name }) => ({ name, why }));
  }
  if (entry.type !== 'done') return [];
  const value = { name: objectFile(entry.value), why: 'what a phase found that was done again' };
  if (entry.model === undefined) return [value];
  return [
    value,
    { name: entry.model.name, why: 'a model that no later phase starts from, and storage.keepModels frees' },
  ];
}

/** The first iteration that has anything left to be done. */
function nextIteration(phases: readonly PhaseRecord[]): number {
  for (let iteration = 1; ; iteration++) {
    const of = phases.filter((one) => one.iteration === iteration);
    const isOver = of.every(({ done }) => done !== undefined) && of.some(({ phase }) => phase === 'evaluation');
    if (!isOver) return iteration;
  }
}

/** Whose Solver sat the exam best by the mean over samples; of equals the first. */
export function bestIteration(phases: readonly PhaseRecord[]): number | undefined {
  let best: { iteration: number; score: number } | undefined;
  for (const { iteration, phase, done } of phases) {
    const score = done?.metrics.mean ?? Number.NEGATIVE_INFINITY;
    if (phase !== 'evaluation' || iteration === 0 || done === undefined) continue;
    if (best === undefined || score > best.score) best = { iteration, score };
  }
  return best?.iteration;
}
