import { resolve } from 'node:path';
import { pairScores } from '../eval/pairedScores.ts';
import { backboneOf } from '../paper/backbone.ts';
import { protocolDifferences } from '../paper/protocol.ts';
import { paperRows } from '../paper/tables.ts';
import { renderPairedTable } from '../report/pairedTable.ts';
import { renderPaperTable } from '../report/paperTable.ts';
import { readEvaluated, readScores } from './evaluated.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

/** Flags of `rzero compare` as given. */
export interface CompareFlags {
  iteration?: string;
  judged?: true;
  json?: true;
}

/** Of the resampling: the same comparison gives the same intervals. */
const SEED = 0;

/**
 * `rzero compare`: the evaluations of a run beside the paper's rows, or two models on the items that both were asked.
 *
 * @throws UsageError, RunFolderError, EvaluationFolderError, JournalError; an error of the file system
 */
export function compareCommand(one: string, other: string | undefined, flags: CompareFlags, terminal: Terminal): void {
  if (other === undefined) besidePaper(one, flags, terminal);
  else beside(one, other, flags, terminal);
}

function besidePaper(name: string, { iteration, judged, json }: CompareFlags, terminal: Terminal): void {
  const option = iteration !== undefined ? '--iteration' : judged ? '--judged' : undefined;
  if (option !== undefined) throw new UsageError(`${option} is for two models: rzero compare A B ${option} ...`);
  const ours = readScores(name, resolve(terminal.workingFolder, name));
  const model = ours.at(-1)?.scores.model;
  const backbone = backboneOf(model?.backbone ?? model?.name ?? '');
  if (json) {
    const [{ scores } = { scores: undefined }] = ours;
    const document = {
      backbone,
      ours,
      paper: backbone === null ? [] : paperRows(backbone),
      differences: scores === undefined ? [] : protocolDifferences(scores),
    };
    terminal.out(`${JSON.stringify(document, null, 2)}\n`);
    return;
  }
  const { colour, width } = terminal.page;
  terminal.out(renderPaperTable(ours, backbone, { colour, width: width() }));
}

function beside(one: string, other: string, flags: CompareFlags, terminal: Terminal): void {
  const { iteration, judged = false, json } = flags;
  if (iteration !== undefined && !/^\d{1,6}$/.test(iteration)) {
    throw new UsageError(`--iteration is ${iteration}, allowed are whole numbers from 0 (the base)`);
  }
  const options = { iteration: iteration === undefined ? undefined : Number(iteration), judged };
  const [before, after] = [one, other].map((name) =>
    readEvaluated(name, resolve(terminal.workingFolder, name), options),
  ) as [ReturnType<typeof readEvaluated>, ReturnType<typeof readEvaluated>];
  const scores = pairScores(before.items, after.items, SEED);
  if (json) {
    terminal.out(`${JSON.stringify({ before: before.name, after: after.name, ...scores }, null, 2)}\n`);
    return;
  }
  const { colour, width } = terminal.page;
  terminal.out(renderPairedTable(scores, { before: before.name, after: after.name }, { colour, width: width() }));
}
