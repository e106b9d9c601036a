import { join } from 'node:path';
import type { JournalEntry } from '../../ports/journal.ts';
import { livingEntries, metricsLine, metricsLines } from '../../store/metricsFile.ts';
import { optionsOf } from '../options.ts';
import { type PhaseSteps, phaseSteps, pointOf } from '../points.ts';
import { fileVersion, hparams, scalars, sessionStart, text } from './event.ts';
import { markdownTable, questionEvents } from './questionSamples.ts';

/** A journal as far as it goes: entries, and when each was written (Unix milliseconds). It may grow. */
export interface Trail {
  readonly entries: readonly JournalEntry[];
  readonly times: readonly number[];
}

/** Options that say where and how a run is computed, not what. */
const NOT_HPARAMS = /^(preset|worker|placement|storage|tracking)(\.|$)/;

/** An entry's events, and the step that they belong to. */
export interface EntryEvents {
  step: number;
  events: Buffer[];
}

/** Steps of a run's phases by its journal. */
export function stepsOf({ entries }: Trail): PhaseSteps {
  return phaseSteps(configOf(entries).config as Parameters<typeof phaseSteps>[0], metricsLines(entries));
}

/**
 * All events of a run, by what counts of its journal, in the order of their steps: those of a phase that was done again
 * stand where they belong.
 *
 * @param run the run's folder, for the questions
 */
export async function runEvents(run: string, trail: Trail): Promise<EntryEvents[]> {
  const steps = stepsOf(trail);
  const found: EntryEvents[] = [{ step: 0, events: headOf(trail) }];
  for (const index of livingEntries(trail.entries)) found.push(await entryEvents(run, trail, index, steps));
  return found.filter(({ events }) => events.length > 0).sort((one, other) => one.step - other.step);
}

/** The events of one entry; none where it has no figures. */
export async function entryEvents(run: string, trail: Trail, index: number, steps: PhaseSteps): Promise<EntryEvents> {
  const entry = trail.entries[index] as JournalEntry;
  const line = metricsLine(entry);
  const point = line && pointOf(line, steps);
  if (point === undefined) return { step: 0, events: [] };
  const { step, values } = point;
  const moment = { wallTime: (trail.times[index] as number) / 1000, step };
  const events = [scalars(moment, values)];
  if (entry.type === 'done' && entry.phase === 'questions') {
    events.push(...(await questionEvents(join(run, `iteration-${entry.iteration}`, 'questions.jsonl'), moment)));
  }
  return { step, events };
}

/** How a file begins: it takes the place of all before it, and says what the run was asked to do. */
function headOf({ entries, times }: Trail): Buffer[] {
  const wallTime = (times[0] as number) / 1000;
  const options = optionsOf(configOf(entries).config);
  const shown = options.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
  const tried = options.flatMap(([name, value]): [string, number | boolean | string][] =>
    NOT_HPARAMS.test(name) || value === null || typeof value === 'object'
      ? []
      : [[name, value as number | boolean | string]],
  );
  return [
    fileVersion(wallTime),
    sessionStart({ wallTime, step: 0 }),
    text({ wallTime, step: 0 }, 'config', markdownTable(['option', 'value'], shown as string[][])),
    hparams(wallTime, tried),
  ];
}

/** What the run was asked to do last. */
function configOf(entries: readonly JournalEntry[]): Extract<JournalEntry, { type: 'run' }> {
  return entries.findLast((entry) => entry.type === 'run') as Extract<JournalEntry, { type: 'run' }>;
}
