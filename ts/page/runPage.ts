import { configHash } from '../config/hash.ts';
import { formatConfig, loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { createArithmeticExam } from '../eval/exam.ts';
import type { EvaluationRecord } from '../eval/records.ts';
import type { FileMark, JournalEntry } from '../ports/journal.ts';
import type { IterationSummary, MetricsRecord } from '../report/runSummary.ts';
import { buildSummary, modelName } from '../report/summary.ts';
import { pulseOf } from '../status/pulse.ts';
import { readJournal } from '../store/journal.ts';
import { livingEntries, metricsLines } from '../store/metricsFile.ts';
import { type PhaseRecord, phaseRecords } from '../store/phaseRecords.ts';
import { recordsIn } from '../store/recordReader.ts';
import { type RunFolder, RunFolderError } from '../store/runFolder.ts';
import { runStateOf } from '../store/runState.ts';
import type { Past } from '../store/segments.ts';
import { costOf, type Price } from './cost.ts';
import type { IterationReport, PhaseReport, RunDocument, RunHead, StepReport, WarningReport } from './document.ts';
import { evaluationsPulse, readEvaluations } from './evaluations.ts';
import { FileMemo } from './fileMemo.ts';
import { candidatesReport, challengerReport, evaluationReport, gainReport, solverReport } from './iterations.ts';
import { type QuestionFile, readQuestionFile } from './questionFile.ts';
import { Questions, readLessonFile } from './questions.ts';

export interface PageOptions {
  /** What the run is called. */
  name: string;
  /** Version of the program that makes the page. */
  program: string;
  price: Price;
}

/** A run as a page shows it. */
export interface RunPage {
  /** All but `questions`, which depends on whether the samples are shown. */
  document: Omit<RunDocument, 'questions'>;
  questions: Questions;
  /** What is on record and is not there any more, in words. */
  missing: string[];
}

type Entry<T extends JournalEntry['type']> = Extract<JournalEntry, { type: T }>;

/**
 * Reads a run by its journal and the files that the journal names. It is not touched, and may be going on: what is not
 * on record yet is null. Whoever reads it again reads again only those files that are others by then.
 */
export class RunReader {
  private readonly folder: RunFolder;
  private readonly options: PageOptions;
  private readonly memo = new FileMemo();

  constructor(folder: RunFolder, options: PageOptions) {
    this.folder = folder;
    this.options = options;
  }

  /** A text that changes whenever the run may have moved. It costs little: nothing is read but names and times. */
  pulse(): string {
    return `${pulseOf(this.folder.path)}\n${evaluationsPulse(this.folder)}`;
  }

  /**
   * @throws RunFolderError where nothing is on record; JournalError and RecordsDamaged for damage; ConfigError where this
   *   program does not know such a configuration; an error of the file system
   */
  read(): RunPage {
    const { name, program, price } = this.options;
    const past = readJournal(this.folder.path);
    const config = configOf(past.entries, name);
    const missing: string[] = [];
    const phases = phaseRecords(past.entries);
    const files = this.questionFiles(phases, missing);
    const lessons = stepFiles(phases, 'solver').flatMap(({ mark, ...at }) =>
      this.made('lessons', mark, missing, (path) => readLessonFile({ ...at, path })),
    );
    const living = livingEntries(past.entries);
    const done = living.flatMap((index) => doneReport(past.entries[index] as JournalEntry));
    const page = {
      document: {
        version: 1 as const,
        run: headOf(this.folder, past, config, { name, program }),
        iterations: this.iterations(past, phases, files, config, missing),
        steps: living.flatMap((index) => stepReport(past.entries[index] as JournalEntry)),
        phases: done,
        cost: costOf(done, price),
        warnings: living.flatMap((index) => warningReport(past, index)),
        evaluations: readEvaluations(this.folder),
      },
      questions: new Questions(files, lessons, config),
      missing,
    };
    this.memo.sweep();
    return page;
  }

  private questionFiles(phases: readonly PhaseRecord[], missing: string[]): QuestionFile[] {
    const proposals = stepFiles(phases, 'challenger').map((file) => ({ ...file, phase: 'challenger' as const }));
    const candidates = phases.flatMap(({ iteration, phase, done }) => {
      const mark = done?.files.find(({ name }) => name.endsWith('/questions.jsonl'));
      return phase === 'questions' && mark !== undefined ? [{ iteration, phase, step: 0, mark }] : [];
    });
    return [...proposals, ...candidates]
      .sort((one, other) => one.iteration - other.iteration)
      .flatMap(({ mark, ...source }) =>
        this.made('questions', mark, missing, (path) => readQuestionFile({ ...source, ...mark, path })),
      );
  }

  private iterations(
    { entries }: Past,
    phases: readonly PhaseRecord[],
    files: readonly QuestionFile[],
    config: Config,
    missing: string[],
  ): IterationReport[] {
    const { seed } = config;
    const summaries = summariesOf(entries, config);
    const exams = new Map(
      phases.flatMap(({ iteration, phase, done }) => {
        const mark = phase === 'evaluation' ? done?.files[0] : undefined;
        return mark === undefined ? [] : [[iteration, mark] as const];
      }),
    );
    const base = exams.get(0);
    const read = (mark: FileMark) =>
      [...recordsIn<EvaluationRecord>(this.folder.file(mark.name), mark.name)].map(({ record }) => record);
    const begun = entries.flatMap((entry) => ('iteration' in entry ? [entry.iteration] : []));
    return [...new Set(begun)]
      .sort((one, other) => one - other)
      .map((iteration) => {
        const mark = exams.get(iteration);
        const there = mark !== undefined && this.isThere(mark, missing);
        const comparable = there && iteration > 0 && base !== undefined && this.isThere(base, missing);
        const candidates = files.find((file) => file.phase === 'questions' && file.iteration === iteration);
        const { challenger, solver } = summaries.get(iteration)?.phases ?? {};
        return {
          iteration,
          evaluation: there ? this.memo.get(`scores ${mark.sha256}`, () => evaluationReport(read(mark), seed)) : null,
          gain: comparable
            ? this.memo.get(`gain ${base.sha256} ${mark.sha256}`, () => gainReport(read(base), read(mark), seed))
            : null,
          challenger: challenger === undefined ? null : challengerReport(challenger),
          questions:
            candidates === undefined
              ? null
              : this.memo.get(`candidates ${candidates.sha256}`, () => candidatesReport(candidates)),
          solver: solver === undefined ? null : solverReport(solver),
        };
      });
  }

  /** What is made of a file, in a list; none where it is gone. */
  private made<T>(kind: string, mark: FileMark, missing: string[], make: (path: string) => T): T[] {
    if (!this.isThere(mark, missing)) return [];
    return [this.memo.get(`${kind} ${mark.name} ${mark.sha256}`, () => make(this.folder.file(mark.name)))];
  }

  private isThere({ name }: FileMark, missing: string[]): boolean {
    const there = this.folder.has(name);
    if (!there && !missing.includes(name)) missing.push(name);
    return there;
  }
}

/** As the program reads what the journal has last. */
function configOf(entries: readonly JournalEntry[], name: string): Config {
  const entry = entries.findLast((one): one is Entry<'run'> => one.type === 'run');
  if (entry === undefined) throw new RunFolderError('not_a_run', `run ${name} has nothing on record yet`);
  return loadConfig({ file: { name: `the journal of ${name}`, text: JSON.stringify(entry.config) } });
}

function headOf(
  folder: RunFolder,
  past: Past,
  config: Config,
  { name, program }: Pick<PageOptions, 'name' | 'program'>,
): RunHead {
  const { state, error = null, begun = null, changed = null } = runStateOf(folder.path, past);
  const { preset, arm, seed, iterations, evaluation } = config;
  const { problems, samples } = evaluation;
  return {
    name,
    id: past.run === '' ? null : past.run,
    state,
    error,
    preset,
    arm,
    seed,
    model: modelName(config.model),
    iterations,
    exam: { name: createArithmeticExam(problems).name, problems, samples },
    configHash: configHash(config),
    config: formatConfig(config),
    program,
    begun,
    changed,
  };
}

/** Files of a phase's steps, in order. */
function stepFiles(phases: readonly PhaseRecord[], wanted: 'challenger' | 'solver') {
  return phases.flatMap(({ iteration, phase, steps }) =>
    phase !== wanted
      ? []
      : [...steps.values()]
          .sort((one, other) => one.step - other.step)
          .flatMap(({ step, files }) => files.map((mark) => ({ iteration, step, mark }))),
  );
}

/** Means of the phases, as a run's summary has them. */
function summariesOf(entries: readonly JournalEntry[], config: Config): Map<number, IterationSummary> {
  const { preset, arm, seed, model, iterations } = config;
  const { iterations: summaries } = buildSummary({
    run: { preset, arm, seed, model, iterations, exam: '' },
    evaluations: [],
    audits: new Map(),
    metrics: metricsLines(entries) as unknown as MetricsRecord[],
  });
  return new Map(summaries.map((summary) => [summary.iteration, summary]));
}

function doneReport(entry: JournalEntry): PhaseReport[] {
  if (entry.type !== 'done') return [];
  const { iteration, phase, seconds, activity = null } = entry;
  return [{ iteration, phase, seconds, activity }];
}

function stepReport(entry: JournalEntry): StepReport[] {
  if (entry.type !== 'step') return [];
  const { iteration, phase, step, metrics } = entry;
  return [{ iteration, phase, step, metrics }];
}

function warningReport({ entries, times }: Past, index: number): WarningReport[] {
  const entry = entries[index] as JournalEntry;
  if (entry.type !== 'warning') return [];
  const { iteration, phase, message, name = null, action = null } = entry;
  const time = times[index];
  const at = time === undefined ? null : new Date(time).toISOString();
  return [{ iteration, phase, at, message, name, action }];
}
