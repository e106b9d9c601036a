import { join } from 'node:path';
import { writeWhole } from '../store/files.ts';
import { LineFile } from '../store/lineFile.ts';
import { choose } from './choice.ts';

/** A kept question of `rzero curriculum`. */
export interface KeptQuestion {
  id?: string | number | null;
  question: string;
  answer: string | null;
  /** Share of its answers that agree, in [0, 1]. */
  share: number;
}

/** A file of kept questions that appears when it is finished. */
interface QuestionFile {
  add(question: KeptQuestion): void;
  finish(): void;
  discard(): void;
}

/** By `--dataset-format`, which is also the name's ending: how the file is opened. */
const FORMATS: Readonly<Record<string, (path: string) => Promise<QuestionFile>>> = {
  jsonl: async (path) => new LineFile(path),
  parquet: parquetFile,
};

/**
 * A folder that Hugging Face `datasets` loads: one file of kept questions, and the card by which it is found.
 * Nothing of it is there before {@link Dataset.finish}.
 */
export class Dataset {
  private readonly folder: string;
  private readonly name: string;
  private readonly file: QuestionFile;

  private constructor(folder: string, name: string, file: QuestionFile) {
    this.folder = folder;
    this.name = name;
    this.file = file;
  }

  /** @throws UsageError for an unknown format; an error of the file system */
  static async open(folder: string, format = 'jsonl'): Promise<Dataset> {
    const open = choose('--dataset-format', format, FORMATS);
    const name = `data/train.${format}`;
    return new Dataset(folder, name, await open(join(folder, name)));
  }

  add(question: KeptQuestion): void {
    this.file.add(question);
  }

  /** All are there. @throws an error of the file system */
  finish(): void {
    this.file.finish();
    writeWhole(join(this.folder, 'README.md'), card(this.name));
  }

  /** What is not finished goes; afterwards nothing is left to do. */
  discard(): void {
    this.file.discard();
  }
}

/** Ids are texts here, because a column has one type. */
async function parquetFile(path: string): Promise<QuestionFile> {
  // Loaded when it is needed: that takes as long as many a command.
  const { ParquetFile } = await import('../store/parquetFile.ts');
  const file = new ParquetFile(path, { id: 'STRING', question: 'STRING', answer: 'STRING', share: 'DOUBLE' });
  return {
    add: ({ id, ...rest }) => file.add({ ...rest, id: typeof id === 'number' ? String(id) : id }),
    finish: () => file.finish(),
    discard: () => file.discard(),
  };
}

function card(file: string): string {
  return `---
configs:
  - config_name: default
    data_files:
      - split: train
        path: ${file}
---
Questions with their majority answers, kept by \`rzero curriculum\`. \`share\` is how many of a question's answers agree.
`;
}
