import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { MARK_FILE, parseMark, replaces } from '../publish/exportMark.ts';
import { plural, size } from '../report/text.ts';
import { NewFolder } from '../store/newFolder.ts';
import { RunFolder } from '../store/runFolder.ts';
import { bytesIn, entriesIn } from '../store/tree.ts';
import { type ModelExport, type ModelFlags, planExport, readRun, writeModel } from './modelExport.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

/** Flags of `rzero export` as given. */
export interface ExportFlags extends ModelFlags {
  out: string;
  force?: true;
}

/**
 * `rzero export`: a model of a run as a folder of its own, with a card, that transformers and vLLM open. It is compared
 * with the journal before, and shares nothing with the run: who writes to it changes no run.
 *
 * @throws UsageError for a folder that is taken, or flags that do not fit; PublishError; an error of the file system
 */
export async function exportCommand(name: string, flags: ExportFlags, terminal: Terminal): Promise<void> {
  const run = readRun(RunFolder.open(name, resolve(terminal.workingFolder, name)), name);
  const target = resolve(terminal.workingFolder, flags.out);
  requireFree(target, flags, run.id);
  const what = await planExport(run, flags, terminal);
  requireReplaceable(target, flags, what);
  if (!run.finished) {
    const { iteration } = what;
    terminal.err(
      `Run ${name} is not finished: this is what iteration ${iteration} of ${run.config.iterations} left.\n`,
    );
  }
  const folder = new NewFolder(target);
  try {
    await writeModel(what, folder, basename(target), 'copy', terminal);
    folder.finish();
  } finally {
    folder.discard();
  }
  const files = entriesIn(target).length;
  terminal.out(
    `${flags.out}: the ${what.role} of iteration ${what.iteration}, ${described(what)} (${plural(files, 'files')}, ${size(bytesIn(target))})\n`,
  );
}

/** A model's form in a few words. */
export function described({ form, dtype }: ModelExport): string {
  return `${{ whole: 'all weights', adapter: 'adapters alone', merged: 'adapters merged' }[form]}, ${dtype}`;
}

function requireFree(target: string, { out, force }: ExportFlags, run: string): void {
  if (!existsSync(target)) return;
  if (statSync(target).isDirectory() && readdirSync(target).length === 0) return;
  const earlier = markIn(target);
  if (earlier === undefined) throw new UsageError(`--out ${out}: it exists, and is no export of rzero; choose another`);
  if (earlier.run !== run)
    throw new UsageError(`--out ${out}: it exists, and is an export of another run; choose another`);
  if (!force) throw new UsageError(`--out ${out}: it exists; --force replaces an earlier export of the same role`);
}

function requireReplaceable(target: string, { out }: ExportFlags, { run, role }: ModelExport): void {
  const earlier = markIn(target);
  const mark = { format: 1, kind: 'model', run: run.id, role, licence: {} } as const;
  if (earlier === undefined || replaces(mark, earlier)) return;
  throw new UsageError(
    `--out ${out}: it exists, and is an export of the ${earlier.role ?? 'questions'}; choose another`,
  );
}

/** What an exported folder says of itself; undefined where it is none. */
export function markIn(folder: string) {
  const file = join(folder, MARK_FILE);
  return existsSync(file) ? parseMark(readFileSync(file, 'utf8')) : undefined;
}
