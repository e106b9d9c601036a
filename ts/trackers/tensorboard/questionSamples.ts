import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Moment } from './event.ts';
import { histogram, text } from './event.ts';
import { histogramOf } from './histogram.ts';

/** What is read of a line of questions.jsonl. */
interface QuestionLine {
  question?: string | null;
  label?: string | null;
  agreement?: number | null;
  fate: string;
}

/** Questions shown of each fate. */
const SHOWN = 3;
/** Characters shown of a question, and of a label. */
const LONGEST = 300;

/**
 * How the Solver's answers agreed on an iteration's questions (the paper's p-hat, section 3.3), as a histogram, and the
 * first questions of each fate, as a table. Read line by line: at the paper's sizes the file has hundreds of megabytes.
 *
 * @param path of questions.jsonl
 * @returns events; none where the file is not there any more
 */
export async function questionEvents(path: string, moment: Moment): Promise<Buffer[]> {
  const agreements: number[] = [];
  const samples = new Map<string, QuestionLine[]>();
  try {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      const record = JSON.parse(line) as QuestionLine;
      if (typeof record.question !== 'string') continue;
      if (typeof record.agreement === 'number') agreements.push(record.agreement);
      const alike = samples.get(record.fate) ?? [];
      if (alike.length < SHOWN) samples.set(record.fate, [...alike, record]);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
  return [
    ...(agreements.length === 0 ? [] : [histogram(moment, 'questions/agreements', histogramOf(agreements))]),
    ...(samples.size === 0 ? [] : [text(moment, 'questions/samples', questionTable([...samples.values()].flat()))]),
  ];
}

function questionTable(records: readonly QuestionLine[]): string {
  const rows = records.map(({ fate, agreement, label, question }) => [
    fate.replaceAll('_', ' '),
    agreement?.toFixed(2) ?? '',
    label ?? '',
    question ?? '',
  ]);
  return markdownTable(['fate', 'agreement', 'label', 'question'], rows);
}

/** A table in Markdown, of cells with any text. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows.map((row) => row.map(cell))]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

function cell(content: string): string {
  const line = content.replace(/\s+/g, ' ');
  const shown = line.length > LONGEST ? `${line.slice(0, LONGEST - 3)}...` : line;
  return shown.replaceAll('\\', '\\\\').replace(/[|`*_<>[\]$]/g, '\\$&');
}
