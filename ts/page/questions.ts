import { LikestTexts } from '../domain/likest.ts';
import type { Settings } from '../domain/settings.ts';
import { recordsAt, recordsIn } from '../store/recordReader.ts';
import { candidateDetail, proposalDetail } from './detail.ts';
import type { QuestionDetail, QuestionsHead, QuestionTable } from './document.ts';
import { ASKING, FATES, type QuestionFile, type QuestionRow } from './questionFile.ts';
import type { CandidateRecord, ProposalRecord, RolloutsRecord } from './records.ts';

/** Questions of one part of the table, and of one part of the details. */
const TABLE_SIZE = 5000;
const DETAIL_SIZE = 100;
/** Kin that are shown of a question. */
const KIN = 5;

/** A time that the Solver was trained on a question. */
export type Lesson = QuestionDetail['training'][number];

/** What the Solver was trained on in one step. */
export interface LessonFile {
  iteration: number;
  lessons: (Lesson & { question: string })[];
}

/** Read what the Solver was trained on in one step, without its answers. */
export function readLessonFile({
  path,
  iteration,
  step,
}: {
  path: string;
  iteration: number;
  step: number;
}): LessonFile {
  const lessons: LessonFile['lessons'] = [];
  for (const { record } of recordsIn<RolloutsRecord>(path)) {
    const { question, rewards } = record;
    const reward = rewards.reduce((sum, one) => sum + one, 0) / Math.max(1, rewards.length);
    lessons.push({ question, iteration, step, reward, rollouts: rewards.length });
  }
  return { iteration, lessons };
}

/**
 * All questions of a run, in the order in which they were asked: numbers from 0. What a table shows is in memory; samples
 * stay on disk until a question is opened.
 */
export class Questions {
  readonly count: number;
  private readonly files: readonly QuestionFile[];
  private readonly settings: Settings;
  /** `[file]`: the number of its first question. */
  private readonly starts: number[] = [];
  /** `iteration question` -> when the Solver was trained on it. */
  private readonly lessons = new Map<string, Lesson[]>();
  private likest: LikestTexts | undefined;

  /** @param files in the order in which they were asked */
  constructor(files: readonly QuestionFile[], lessonFiles: readonly LessonFile[], settings: Settings) {
    this.files = files;
    this.settings = settings;
    let count = 0;
    for (const { rows } of files) {
      this.starts.push(count);
      count += rows.length;
    }
    this.count = count;
    for (const { iteration, lessons } of lessonFiles) {
      for (const { question, ...lesson } of lessons) {
        const key = `${iteration} ${question}`;
        const known = this.lessons.get(key);
        if (known === undefined) this.lessons.set(key, [lesson]);
        else known.push(lesson);
      }
    }
  }

  head(samples: QuestionsHead['samples']): QuestionsHead {
    const { count } = this;
    const { center, delta } = this.settings.questions;
    return {
      count,
      tableSize: TABLE_SIZE,
      detailSize: DETAIL_SIZE,
      samples,
      band:
        this.settings.arm === 'no-filter'
          ? null
          : { low: Math.max(0, center - delta), high: Math.min(1, center + delta) },
      fates: [...FATES],
      phases: [...ASKING],
    };
  }

  get tableParts(): number {
    return Math.ceil(this.count / TABLE_SIZE);
  }

  get detailParts(): number {
    return Math.ceil(this.count / DETAIL_SIZE);
  }

  /** @param part from 0 to {@link tableParts} - 1 */
  table(part: number): QuestionTable {
    const table: QuestionTable = {
      text: [],
      iteration: [],
      phase: [],
      step: [],
      fate: [],
      agreement: [],
      reward: [],
      label: [],
      labelRight: [],
      trained: [],
    };
    this.each(part * TABLE_SIZE, TABLE_SIZE, (file, row) => {
      table.text.push(row.text);
      table.iteration.push(file.iteration);
      table.phase.push(ASKING.indexOf(file.phase));
      table.step.push(file.step);
      table.fate.push(row.fate);
      table.agreement.push(row.agreement);
      table.reward.push(row.reward);
      table.label.push(row.label);
      table.labelRight.push(row.labelRight);
      table.trained.push(this.lessonsOn(file, row).length);
    });
    return table;
  }

  /**
   * @param part from 0 to {@link detailParts} - 1
   * @param withSamples whether the texts of answers are wanted
   * @throws RecordsDamaged where a file is not any more what it was; an error of the file system
   */
  details(part: number, withSamples: boolean): QuestionDetail[] {
    const byFile = new Map<QuestionFile, { row: QuestionRow; number: number }[]>();
    this.each(part * DETAIL_SIZE, DETAIL_SIZE, (file, row, number) => {
      const wanted = byFile.get(file) ?? [];
      byFile.set(file, wanted);
      wanted.push({ row, number });
    });
    return [...byFile].flatMap(([file, wanted]) => {
      const places = wanted.map(({ row }) => row);
      const records = recordsAt<ProposalRecord | CandidateRecord>(file.path, places, file.name);
      return records.map((record, at) => {
        const { row, number } = wanted[at] as (typeof wanted)[number];
        const recorded =
          'reward' in record
            ? proposalDetail(record, this.settings, withSamples)
            : candidateDetail(record as CandidateRecord, this.settings, withSamples);
        return { ...recorded, training: this.lessonsOn(file, row), kin: this.kinOf(file, row, number) };
      });
    });
  }

  /** Of one that is asked twice in an iteration, all that were kept have the same lessons: it is found by its text. */
  private lessonsOn({ iteration }: QuestionFile, { text, fate }: QuestionRow): Lesson[] {
    return FATES[fate] === 'kept' ? (this.lessons.get(`${iteration} ${text}`) ?? []) : [];
  }

  private kinOf({ iteration }: QuestionFile, { isQuestion }: QuestionRow, number: number): QuestionDetail['kin'] {
    const later = this.files.findIndex((file) => file.iteration > iteration);
    if (!isQuestion || later < 0) return [];
    this.likest ??= new LikestTexts(
      this.files.flatMap(({ rows }) => rows.map((row) => (row.isQuestion ? row.text : ''))),
    );
    const found = this.likest.of(number, this.starts[later] as number, KIN);
    return found.map(({ text, similarity }) => ({ question: text, similarity: Number(similarity.toFixed(3)) }));
  }

  /** Go through questions by number, as far as there are any. */
  private each(
    first: number,
    count: number,
    visit: (file: QuestionFile, row: QuestionRow, number: number) => void,
  ): void {
    const end = Math.min(this.count, first + count);
    let at = this.starts.findLastIndex((start) => start <= first);
    for (let number = first; number < end; number++) {
      while (number >= (this.starts[at + 1] ?? this.count)) at += 1;
      const file = this.files[at] as QuestionFile;
      visit(file, file.rows[number - (this.starts[at] as number)] as QuestionRow, number);
    }
  }
}
