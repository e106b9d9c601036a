import type { QuestionDetail, QuestionsHead, QuestionTable } from '../document.ts';

/** What the store reads from; see source.ts. */
export interface Parts {
  table(part: number): Promise<QuestionTable>;
  details(part: number): Promise<QuestionDetail[]>;
}

/** Parts of the details that stay in memory. */
const DETAIL_PARTS = 4;

/** What the table says of one question. */
export interface QuestionRow {
  number: number;
  text: string;
  iteration: number;
  phase: string;
  step: number;
  /** Null in training. */
  fate: string | null;
  agreement: number | null;
  reward: number | null;
  label: string | null;
  labelRight: boolean | null;
  trained: number;
}

/** All questions, read part by part: the whole table stays, of the details the parts used last. */
export class QuestionStore {
  head: QuestionsHead;
  /** In order; a part that is not read yet is undefined. */
  readonly parts: (QuestionTable | undefined)[] = [];
  private readonly source: Parts;
  private readonly details = new Map<number, Promise<QuestionDetail[]>>();
  /** Counts the refreshes, so that what was asked for before one cannot overwrite what is read after. */
  private edition = 0;

  constructor(source: Parts, head: QuestionsHead) {
    this.source = source;
    this.head = head;
  }

  /** Questions whose row is there. */
  get read(): number {
    return this.parts.reduce((sum, part) => sum + (part?.text.length ?? 0), 0);
  }

  /**
   * Read every part of the table, in order; after a refresh those that are there are replaced one by one.
   *
   * @param pause lets others have their turn between parts
   * @param onPart is called after each part
   */
  async readAll(pause: () => Promise<unknown>, onPart: () => void): Promise<void> {
    const edition = this.edition;
    const parts = Math.ceil(this.head.count / this.head.tableSize);
    this.parts.length = Math.min(this.parts.length, parts);
    for (let part = 0; part < parts; part++) {
      await pause();
      const table = await this.source.table(part);
      if (edition !== this.edition) return;
      this.parts[part] = table;
      onPart();
    }
  }

  /** There is more, or other, to read: forget the details, and let `readAll` begin anew. */
  refresh(head: QuestionsHead): void {
    this.edition++;
    this.head = head;
    this.details.clear();
  }

  /** A question's row; undefined where its part is not read yet or it does not exist. */
  row(question: number): QuestionRow | undefined {
    const { tableSize } = this.head;
    const part = this.parts[Math.floor(question / tableSize)];
    const at = question % tableSize;
    if (part === undefined || at >= part.text.length) return undefined;
    return {
      number: question,
      text: part.text[at] ?? '',
      iteration: part.iteration[at] ?? 0,
      phase: this.head.phases[part.phase[at] ?? -1] ?? '',
      step: part.step[at] ?? 0,
      fate: this.head.fates[part.fate[at] ?? -1] ?? null,
      agreement: part.agreement[at] ?? null,
      reward: part.reward[at] ?? null,
      label: part.label[at] ?? null,
      labelRight: part.labelRight[at] ?? null,
      trained: part.trained[at] ?? 0,
    };
  }

  /** The same, read now where it is not there yet. */
  async readRow(question: number): Promise<QuestionRow | undefined> {
    if (question >= this.head.count) return undefined;
    const part = Math.floor(question / this.head.tableSize);
    if (this.parts[part] === undefined) this.parts[part] = await this.source.table(part);
    return this.row(question);
  }

  async detail(question: number): Promise<QuestionDetail | undefined> {
    if (question >= this.head.count) return undefined;
    const part = Math.floor(question / this.head.detailSize);
    const asked = this.details.get(part) ?? this.source.details(part);
    // Last used, last in the map.
    this.details.delete(part);
    this.details.set(part, asked);
    for (const old of [...this.details.keys()].slice(0, -DETAIL_PARTS)) this.details.delete(old);
    try {
      return (await asked)[question % this.head.detailSize];
    } catch (error) {
      this.details.delete(part);
      throw error;
    }
  }
}
