import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Item } from '../benchmarks/benchmark.ts';
import { type AnsweredItem, answeredItems, type BenchmarkRecords } from '../eval/answeredItem.ts';
import { type EvaluationDocument, protocolChanges, withBenchmarks } from '../eval/evaluationDocument.ts';
import type { MarkRecord, ResponseRecord, VerdictRecord } from '../eval/response.ts';
import type { ScoresDocument } from '../eval/scoresDocument.ts';
import type { SittingRecords } from '../eval/sitting.ts';
import { formatDocument, formatRecords, writeWhole } from './files.ts';
import { FolderLock, isLock } from './folderLock.ts';
import { RecordFile, wholeRecords } from './recordFile.ts';

/** An evaluation folder that cannot be gone on with, or read. */
export class EvaluationFolderError extends Error {
  override readonly name = 'EvaluationFolderError';
  readonly code: 'other_protocol' | 'no_evaluation' | 'not_finished';

  constructor(code: EvaluationFolderError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** What is on record of a benchmark, open to be added to. */
export interface OpenRecords extends SittingRecords {
  addVerdicts(verdicts: readonly VerdictRecord[]): void;
}

/**
 * The folder of an evaluation, held by one process:
 *
 *     evaluation.json          which model, and what else decides its responses
 *     BENCHMARK/items.jsonl    the items, in order
 *     BENCHMARK/responses.jsonl every response, as they came
 *     BENCHMARK/marks.jsonl    what the rule grader made of each
 *     BENCHMARK/verdicts.jsonl what a judge said of them, if one was asked
 *     scores.json              all figures (ScoresDocument)
 *     worker.log               what the workers said
 *     lock-N.json              who has the folder
 */
export class EvaluationFolder {
  readonly path: string;
  /** What is evaluated here, the benchmarks of earlier commands among it. */
  readonly document: EvaluationDocument;
  private readonly lock: FolderLock;
  private readonly open: RecordFile<object>[] = [];

  /**
   * Take a folder, to begin an evaluation in it or to go on with the one that is there.
   *
   * @param name the folder as the person typed it
   * @param asked what is to be evaluated now
   * @throws EvaluationFolderError `other_protocol`, `no_evaluation` where there is something else; FolderHeld; an error of
   *   the file system
   */
  constructor(path: string, name: string, asked: EvaluationDocument) {
    this.path = path;
    if (!mayBegin(path)) {
      throw new EvaluationFolderError(
        'no_evaluation',
        `${name} is not empty and holds no evaluation; choose another folder with --out`,
      );
    }
    this.lock = new FolderLock(path, name);
    try {
      // A folder without responses promises nothing.
      const there = hasResponses(path) ? readDocument(path) : undefined;
      const changes = there === undefined ? [] : protocolChanges(there, asked);
      if (changes.length > 0) {
        throw new EvaluationFolderError(
          'other_protocol',
          `${name} holds an evaluation that was begun otherwise:\n${changes.map((change) => `  ${change}`).join('\n')}\n` +
            'Take the changes back, or choose another folder with --out',
        );
      }
      this.document = there === undefined ? asked : withBenchmarks(there, asked);
      writeWhole(join(path, 'evaluation.json'), formatDocument(this.document));
    } catch (error) {
      this.lock.release();
      throw error;
    }
  }

  /** The path of a file in the folder. */
  file(name: string): string {
    return join(this.path, name);
  }

  /** Open the records of a benchmark. @throws RecordsDamaged; an error of the file system */
  benchmark(name: string, items: readonly Item[]): OpenRecords {
    const folder = this.file(name);
    mkdirSync(folder, { recursive: true });
    writeWhole(join(folder, 'items.jsonl'), formatRecords(items));
    const openFile = <T extends object>(file: string, durable: boolean): RecordFile<T> => {
      const opened = new RecordFile<T>(join(folder, file), durable);
      this.open.push(opened as unknown as RecordFile<object>);
      return opened;
    };
    const responses = openFile<ResponseRecord>('responses.jsonl', true);
    // Marks are made again from the responses, where they are lost.
    const marks = openFile<MarkRecord>('marks.jsonl', false);
    const verdicts = openFile<VerdictRecord>('verdicts.jsonl', true);
    return {
      items,
      responses: responses.records,
      marks: marks.records,
      verdicts: verdicts.records,
      addResponses: (added) => responses.add(added),
      addMarks: (added) => marks.add(added),
      addVerdicts: (added) => verdicts.add(added),
    };
  }

  writeScores(scores: ScoresDocument): void {
    writeWhole(this.file('scores.json'), formatDocument(scores));
  }

  /** Give the folder back. */
  close(): void {
    for (const file of this.open) file.close();
    this.lock.release();
  }
}

/** An evaluation that is there to be read: its figures, and each answer that they are made of. */
export interface StoredEvaluation {
  scores: ScoresDocument;
  /**
   * The items of each benchmark in `scores`, by its name, in the benchmark's order: what two evaluations of one benchmark
   * (of the same `digest`) are paired by. `marksOf(item, byRule)` and `marksOf(item, byJudge)` of ts/eval/answeredItem.ts give
   * the greedy, sampled and majority marks of an item; verdicts are there where `scores.protocol.judge` is not null.
   */
  items: ReadonlyMap<string, readonly AnsweredItem[]>;
}

/**
 * Read an evaluation back.
 *
 * @param path its folder
 * @param name what errors call it
 * @throws EvaluationFolderError `no_evaluation`, `not_finished`; RecordsDamaged; an error of the file system
 */
export function readEvaluation(path: string, name = path): StoredEvaluation {
  const document = readDocument(path);
  if (document === undefined) {
    throw new EvaluationFolderError('no_evaluation', `${name} is no evaluation: it has no evaluation.json`);
  }
  const unfinished = (what: string) =>
    new EvaluationFolderError(
      'not_finished',
      `${name} is not finished: ${what}; the rzero eval that began it goes on with it`,
    );
  const text = readText(join(path, 'scores.json'));
  if (text === undefined) throw unfinished('it has no scores.json');
  const scores = JSON.parse(text) as ScoresDocument;
  const items = scores.benchmarks.map(({ benchmark, items, samples, greedy }) => {
    const sat = { items, samples, greedy: greedy !== null };
    const answered = answeredItems(readBenchmark(path, benchmark), sat, scores.protocol.judge);
    if (answered === undefined) throw unfinished(`${benchmark} lacks responses or marks`);
    return [benchmark, answered] as const;
  });
  return { scores, items: new Map(items) };
}

/** What is on record of a benchmark. @throws RecordsDamaged; an error of the file system */
export function readBenchmark(path: string, benchmark: string): BenchmarkRecords {
  const read = <T>(file: string): T[] => wholeRecords<T>(join(path, benchmark, file)).records;
  return {
    items: read<Item>('items.jsonl'),
    responses: read<ResponseRecord>('responses.jsonl'),
    marks: read<MarkRecord>('marks.jsonl'),
    verdicts: read<VerdictRecord>('verdicts.jsonl'),
  };
}

/** An evaluation may go on, or begin where nothing is but the lock of one that was lost at once. */
function mayBegin(path: string): boolean {
  if (!existsSync(path) || existsSync(join(path, 'evaluation.json'))) return true;
  return readdirSync(path).every((name) => isLock(name));
}

function hasResponses(path: string): boolean {
  return readdirSync(path, { withFileTypes: true }).some((entry) => {
    const file = join(path, entry.name, 'responses.jsonl');
    return entry.isDirectory() && existsSync(file) && statSync(file).size > 0;
  });
}

function readDocument(path: string): EvaluationDocument | undefined {
  const text = readText(join(path, 'evaluation.json'));
  return text === undefined ? undefined : (JSON.parse(text) as EvaluationDocument);
}

function readText(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
