import { resolve } from 'node:path';
import { type VotingRule, voteBy } from '../domain/ballot.ts';
import { bandFate } from '../domain/filter.ts';
import { GATES, type Gate, Gates } from '../domain/gates.ts';
import { formatDocument, writeWhole } from '../store/files.ts';
import { LineFile } from '../store/lineFile.ts';
import { answersField } from './answersField.ts';
import { type ConfigFlags, configFrom } from './configFlags.ts';
import { Dataset } from './dataset.ts';
import { filterJsonLines, idOf, type JsonRecord, textField, textOrNullField } from './jsonLines.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

/** Flags of `rzero curriculum` as given. */
export interface CurriculumFlags extends ConfigFlags {
  report?: string;
  drops?: string;
  dataset?: string;
  datasetFormat?: string;
  remember?: string;
}

/** What became of the candidates. */
export interface CurriculumReport {
  preset: string;
  /** Candidates that were read; bad lines are not among them. */
  candidates: number;
  kept: number;
  /** Candidates by the gate that dropped them, in the order of the gates. */
  dropped: Record<Gate, number>;
}

/**
 * `rzero curriculum`: candidates `{"id","question","answers":[...]}` to the kept `{"id","question","answer","share"}`, in
 * order and as they come. `own` in a candidate is the Challenger's answer. Memory does not grow with the input but by
 * 16 bytes or a little more a question where duplicates are dropped.
 *
 * @returns 0, or 65 when a line was bad
 * @throws ConfigError, UsageError, an error of the file system; an AbortError after `terminal.signal`
 */
export async function curriculumCommand(flags: CurriculumFlags, terminal: Terminal): Promise<number> {
  const config = configFrom({ preset: 'paper', ...flags }, terminal.workingFolder);
  const at = (name: string) => resolve(terminal.workingFolder, name);
  const gates = new Gates(config.questions, rememberOf(flags));
  const dropped = Object.fromEntries(GATES.map((gate) => [gate, 0])) as Record<Gate, number>;
  const report: CurriculumReport = { preset: config.preset, candidates: 0, kept: 0, dropped };
  const dataset = await datasetOf(flags, at);
  let drops: LineFile | undefined;
  try {
    if (flags.drops !== undefined) drops = new LineFile(at(flags.drops));
    const exitCode = await filterJsonLines(terminal, (record) => {
      const candidate = candidateOf(record);
      const fate = fateOf(candidate, gates, config.questions);
      report.candidates++;
      if (fate.gate !== 'kept') {
        report.dropped[fate.gate]++;
        drops?.add({ ...candidate.id, gate: fate.gate });
        return [];
      }
      report.kept++;
      const kept = { ...candidate.id, question: candidate.question, answer: fate.label, share: fate.share };
      if (dataset === undefined) return kept;
      dataset.add(kept);
      return [];
    });
    dataset?.finish();
    drops?.finish();
    if (flags.report !== undefined) writeWhole(at(flags.report), formatDocument(report));
    terminal.err(inWords(report));
    return exitCode;
  } finally {
    drops?.discard();
    dataset?.discard();
  }
}

interface CandidateLine {
  id: object;
  question: string;
  answers: (string | null)[];
  own: string | null;
}

function candidateOf(record: JsonRecord): CandidateLine {
  const own = record.own === undefined ? null : textOrNullField(record, 'own');
  return { id: idOf(record), question: textField(record, 'question'), answers: answersField(record), own };
}

function fateOf(
  { question, answers, own }: CandidateLine,
  gates: Gates,
  rule: { voting: VotingRule; center: number; delta: number },
): { gate: Gate | 'kept'; label: string | null; share: number } {
  const early = question.trim() === '' ? 'malformed' : gates.beforeAnswers(question);
  if (early !== null) return { gate: early, label: null, share: 0 };
  const vote = voteBy(rule.voting, answers);
  return { gate: gates.afterAnswers(bandFate(vote, rule), vote.label, own), label: vote.label, share: vote.agreement };
}

async function datasetOf(
  { dataset, datasetFormat }: CurriculumFlags,
  at: (name: string) => string,
): Promise<Dataset | undefined> {
  if (dataset !== undefined) return Dataset.open(at(dataset), datasetFormat);
  if (datasetFormat === undefined) return undefined;
  throw new UsageError(`--dataset-format ${datasetFormat}: allowed with --dataset only`);
}

function rememberOf({ remember }: CurriculumFlags): number | undefined {
  if (remember === undefined) return undefined;
  if (!/^[1-9]\d{0,9}$/.test(remember)) {
    throw new UsageError(`--remember ${remember}: allowed is a whole number from 1 to 9999999999`);
  }
  return Number(remember);
}

function inWords({ candidates, kept, dropped }: CurriculumReport): string {
  const gates = GATES.filter((gate) => dropped[gate] > 0).map((gate) => `${gate} ${dropped[gate]}`);
  const share = candidates === 0 ? '' : ` (${((100 * kept) / candidates).toFixed(1)} %)`;
  return `kept ${kept} of ${candidates}${share}; dropped: ${gates.length === 0 ? 'none' : gates.join(', ')}\n`;
}
