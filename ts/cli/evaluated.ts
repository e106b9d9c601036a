import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { mean } from '../domain/statistics.ts';
import { type Answered, byJudge, byRule, marksOf } from '../eval/answeredItem.ts';
import type { ItemValues } from '../eval/pairedScores.ts';
import type { EvaluationRecord } from '../eval/records.ts';
import { accuracy } from '../eval/scores.ts';
import type { ScoresDocument } from '../eval/scoresDocument.ts';
import { readEvaluation, type StoredEvaluation } from '../store/evaluationFolder.ts';
import { readJournal } from '../store/journal.ts';
import { lastMeasured } from '../store/modelChoice.ts';
import { RunFolder, RunFolderError } from '../store/runFolder.ts';
import { UsageError } from './usage.ts';

/** A model with what it was asked, one mark an item. */
export interface Evaluated {
  /** For people. */
  name: string;
  items: ItemValues[];
}

/** An evaluation by `rzero eval`, with what it is called beside others. */
export interface NamedScores {
  name: string;
  scores: ScoresDocument;
}

/**
 * A model to compare: the one of an evaluation folder, or of a run's iteration with its held-out problems and with what
 * `rzero eval` left of it in the run.
 *
 * @param iteration of a run; undefined for the last one that is over
 * @param judged whether the judge's verdicts count
 * @throws UsageError, RunFolderError, EvaluationFolderError, JournalError; an error of the file system
 */
export function readEvaluated(
  name: string,
  path: string,
  { iteration, judged }: { iteration: number | undefined; judged: boolean },
): Evaluated {
  if (isEvaluation(path)) {
    if (iteration !== undefined) throw new UsageError(`--iteration is for runs, and ${name} is an evaluation`);
    return { name, items: itemValues(readEvaluation(path, name), name, judged) };
  }
  const run = openRun(name, path);
  const which = iteration ?? lastMeasured(readJournal(run.path).entries);
  const records = which === undefined ? undefined : `iteration-${which}/evaluation.jsonl`;
  if (records === undefined || !run.has(records)) {
    const what = which === undefined ? 'no iteration yet that is over' : `no iteration ${which} that is over`;
    throw new RunFolderError('not_finished', `run ${name} has ${what}`);
  }
  const folder = join(evaluationsOf(run), `iteration-${which}`);
  const more = isEvaluation(folder) ? itemValues(readEvaluation(folder, folder), folder, judged) : [];
  const exam = judged ? [] : examValues(run.readRecords<EvaluationRecord>(records));
  return { name: `${name}, ${which === 0 ? 'base' : `iteration ${which}`}`, items: [...exam, ...more] };
}

/**
 * The evaluations by `rzero eval` of a run, the base first, or the one of an evaluation folder.
 *
 * @throws UsageError where a run has none; as {@link readEvaluated}
 */
export function readScores(name: string, path: string): NamedScores[] {
  if (isEvaluation(path)) return [{ name, scores: readEvaluation(path, name).scores }];
  const folder = evaluationsOf(openRun(name, path));
  const named = (existsSync(folder) ? readdirSync(folder) : [])
    .filter((entry) => existsSync(join(folder, entry, 'scores.json')))
    .map((entry) => ({ entry, scores: readEvaluation(join(folder, entry), `${name}/evals/${entry}`).scores }))
    .sort((a, b) => (a.scores.model.iteration ?? 0) - (b.scores.model.iteration ?? 0));
  if (named.length === 0) {
    throw new UsageError(`run ${name} has no evaluation yet: rzero eval ${name} --suite math makes one`);
  }
  return named.map(({ entry, scores }) => ({
    name: scores.model.iteration === 0 ? 'base' : entry.replace(/^iteration-/, 'iteration '),
    scores,
  }));
}

function isEvaluation(path: string): boolean {
  return existsSync(join(path, 'evaluation.json'));
}

function openRun(name: string, path: string): RunFolder {
  try {
    return RunFolder.open(name, path);
  } catch (error) {
    if (!(error instanceof RunFolderError)) throw error;
    throw new RunFolderError('not_a_run', `${name} is neither a run (run.json) nor an evaluation (evaluation.json)`);
  }
}

function evaluationsOf(run: RunFolder): string {
  return run.file('evals');
}

function itemValues({ scores, items }: StoredEvaluation, name: string, judged: boolean): ItemValues[] {
  if (judged && scores.protocol.judge === null) throw new UsageError(`--judged: ${name} was not judged`);
  const correct: (answered: Answered) => boolean = judged ? byJudge : byRule;
  return scores.benchmarks.flatMap(({ benchmark, title, group, digest, greedy, samples, metric: own }) => {
    const marks = (items.get(benchmark) ?? []).map((one) => ({ id: one.item.id, ...marksOf(one, correct) }));
    const of = (metric: ItemValues['metric'], value: (mark: (typeof marks)[number]) => number): ItemValues => ({
      benchmark,
      title,
      group,
      metric,
      counts: metric === own,
      digest,
      values: new Map(marks.map((mark) => [mark.id, value(mark)])),
    });
    return [
      ...(greedy === null ? [] : [of('greedy', (mark) => Number(mark.greedy))]),
      ...(samples === 0 ? [] : [of('mean', ({ sampled }) => mean(sampled.map(Number)))]),
    ];
  });
}

/** A run's own exam; runs of one preset have the same problems. */
function examValues(records: readonly EvaluationRecord[]): ItemValues[] {
  const modes = { greedy: 'greedy', sampled: 'mean' } as const;
  return (Object.keys(modes) as (keyof typeof modes)[]).flatMap((mode) => {
    const sat = records.filter((record) => record.mode === mode);
    if (sat.length === 0) return [];
    const values = new Map(sat.map((record) => [record.question, accuracy(record)]));
    return [
      {
        benchmark: 'held-out',
        title: 'held-out problems',
        group: 'held-out',
        metric: modes[mode],
        counts: mode === 'sampled',
        digest: null,
        values,
      },
    ];
  });
}
