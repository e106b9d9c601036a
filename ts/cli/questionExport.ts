import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { configHash } from '../config/hash.ts';
import type { QuestionRecord } from '../eval/records.ts';
import type { FileMark } from '../ports/journal.ts';
import { datasetCard } from '../publish/datasetCard.ts';
import { PublishError } from '../publish/errors.ts';
import { type ExportMark, MARK_FILE } from '../publish/exportMark.ts';
import { formatDocument } from '../store/files.ts';
import { LineFile } from '../store/lineFile.ts';
import type { NewFolder } from '../store/newFolder.ts';
import { phaseRecords } from '../store/phaseRecords.ts';
import { sha256Of } from '../store/sha256.ts';
import { baseOf, type PublishedRun } from './modelExport.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';
import { VERSION } from './version.ts';

/** A question as a run has it on record, see `iteration-K/questions.jsonl`. */
type Recorded = QuestionRecord & {
  iteration: number;
  text?: string;
  responses?: string[];
  vote?: { votes: number; samples: number };
};

/**
 * Write the questions of a run's iterations as a dataset: what was asked, what the Solver answered, the vote and what
 * became of it. They are compared with the journal before.
 *
 * @throws UsageError where no iteration has any yet; PublishError `damaged`; an error of the file system
 */
export async function writeQuestions(run: PublishedRun, target: NewFolder, terminal: Terminal): Promise<void> {
  const { name, folder, config, id } = run;
  const phases = phaseRecords(run.entries).flatMap(({ iteration, phase, done }) =>
    phase === 'questions' && done !== undefined ? [{ iteration, files: done.files }] : [],
  );
  if (phases.length === 0)
    throw new UsageError(`run ${name} has no questions yet: none of its question phases is over`);
  const iterations = [];
  for (const { iteration, files } of phases) {
    for (const mark of files) requireIntact(run, mark);
    const kept = folder.readRecords<{ label: string }>(`iteration-${iteration}/problems.jsonl`).values();
    const file = `data/iteration-${iteration}.jsonl`;
    const fates: Record<string, number> = {};
    const rows = new LineFile(join(target.path, file));
    try {
      const input = createReadStream(folder.file(`iteration-${iteration}/questions.jsonl`), {
        signal: terminal.signal,
      });
      for await (const line of createInterface({ input })) {
        const record = JSON.parse(line) as Recorded;
        fates[record.fate] = (fates[record.fate] ?? 0) + 1;
        rows.add(rowOf(record, record.fate === 'kept' ? kept.next().value?.label : undefined));
      }
      rows.finish();
    } finally {
      rows.discard();
    }
    iterations.push({ iteration, file, fates });
  }
  const { preset, arm, seed } = config;
  const base = await baseOf(run, terminal);
  const facts = { preset, arm, seed, configHash: configHash(config), version: VERSION };
  target.write('README.md', datasetCard({ run: facts, base, iterations }));
  const mark: ExportMark = { format: 1, kind: 'dataset', run: id, licence: base.licence };
  target.write(MARK_FILE, formatDocument(mark));
}

/** Every row has every column, so that each has one type. */
function rowOf({ iteration, question, text, fate, label, agreement, vote, responses }: Recorded, trained?: string) {
  return {
    iteration,
    question: question ?? null,
    text: text ?? null,
    fate,
    label: label ?? null,
    trained_label: trained ?? null,
    agreement: agreement ?? null,
    votes: vote?.votes ?? null,
    samples: vote?.samples ?? null,
    responses: responses ?? [],
  };
}

function requireIntact({ name, folder }: PublishedRun, { name: file, sha256 }: FileMark): void {
  const seen = sha256Of(folder.file(file));
  if (seen === sha256) return;
  const problem = seen === undefined ? 'is gone' : `is damaged: its SHA-256 is ${seen}, not ${sha256}`;
  throw new PublishError('damaged', `${name}/${file} ${problem}. Such questions are not passed on`);
}
