import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { PublishError } from '../publish/errors.ts';
import type { ExportMark } from '../publish/exportMark.ts';
import { objection } from '../publish/gate.ts';
import { badBranch, badRepository } from '../publish/repository.ts';
import { LiveBlock } from '../report/liveBlock.ts';
import { columns, plural, shorten, size } from '../report/text.ts';
import { NewFolder } from '../store/newFolder.ts';
import { RunFolder } from '../store/runFolder.ts';
import { entriesIn } from '../store/tree.ts';
import { markIn } from './export.ts';
import { type ModelFlags, planExport, readRun, writeModel } from './modelExport.ts';
import { pythonPath } from './places.ts';
import { runPythonTool, ToolFailure, type ToolLine } from './pythonTool.ts';
import { writeQuestions } from './questionExport.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';
import { VERSION } from './version.ts';

/** Flags of `rzero push` as given. */
export interface PushFlags extends ModelFlags {
  repo: string;
  private?: true;
  revision?: string;
  dataset?: true;
  dryRun?: true;
  acceptLicence?: true;
}

/** What the uploader's failures mean; one that is not here is a fault of the disk. */
const FAILURES: Readonly<Record<string, (message: string) => Error>> = {
  no_permission: (message) => new PublishError('no_permission', message),
  unavailable: (message) => new PublishError('unavailable', message),
  rejected: (message) => new PublishError('rejected', message),
  usage: (message) => new UsageError(message),
};

/**
 * `rzero push`: an exported folder, or a model or the questions of a run, to a repository on the hub.
 *
 * @throws UsageError for names and flags, and for what the base's licence does not let pass just so; PublishError
 */
export async function pushCommand(source: string, flags: PushFlags, terminal: Terminal): Promise<void> {
  const problem = badRepository(flags.repo) ?? (flags.revision && badBranch(flags.revision));
  if (problem) throw new UsageError(problem);
  const path = resolve(terminal.workingFolder, source);
  const mark = existsSync(path) && statSync(path).isDirectory() ? markIn(path) : undefined;
  if (mark !== undefined) {
    requireFit(source, mark, flags);
    return pushFolder(path, mark, flags, terminal);
  }
  if (!existsSync(join(path, 'run.json')) && !existsSync(join(path, 'journal'))) {
    throw new UsageError(`${source} is neither a run nor an export of one: rzero export makes one`);
  }
  const folder = stagingBeside(path, flags);
  try {
    await stage(source, path, folder, flags, terminal);
    await pushFolder(folder.path, markIn(folder.path) as ExportMark, flags, terminal);
  } finally {
    folder.discard();
  }
}

function requireFit(source: string, { kind }: ExportMark, { role, iteration, merge, dtype, dataset }: PushFlags): void {
  const given = Object.entries({ role, iteration, merge, dtype }).find(([, value]) => value !== undefined)?.[0];
  if (given !== undefined) throw new UsageError(`--${given} is for a run, and ${source} is an export of one`);
  if (dataset && kind === 'model') throw new UsageError(`--dataset is for a run, and ${source} is an exported model`);
}

/** What a run's model or questions are put together in: on its file system, where it costs no room, and gone afterwards. */
function stagingBeside(run: string, { role, dataset }: PushFlags): NewFolder {
  return new NewFolder(join(dirname(run), `${basename(run)}.push-${dataset ? 'questions' : (role ?? 'solver')}`));
}

async function stage(
  name: string,
  path: string,
  folder: NewFolder,
  flags: PushFlags,
  terminal: Terminal,
): Promise<void> {
  const run = readRun(RunFolder.open(name, path), name);
  if (flags.dataset) return writeQuestions(run, folder, terminal);
  const what = await planExport(run, flags, terminal);
  if (!run.finished) {
    terminal.err(
      `Run ${name} is not finished: this is what iteration ${what.iteration} of ${run.config.iterations} left.\n`,
    );
  }
  await writeModel(what, folder, flags.repo, 'link', terminal);
}

async function pushFolder(path: string, mark: ExportMark, flags: PushFlags, terminal: Terminal): Promise<void> {
  const { repo, revision = 'main' } = flags;
  const { kind, licence } = mark;
  if (mark.form === 'adapter' && mark.base === undefined) {
    const why = 'these are adapters over a folder of this machine, which nobody else could open';
    throw new UsageError(`${why}: push them merged (--merge of rzero export, or of rzero push RUN)`);
  }
  const names = filesIn(path);
  const sizes = new Map(names.map((name) => [name, statSync(join(path, name)).size]));
  const total = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  const against = objection(licence, { repository: repo, kind, isPrivate: flags.private === true });
  if (flags.dryRun) {
    const where = `${kind} ${repo}, branch ${revision}, ${flags.private ? 'private' : 'public'}`;
    const rows = columns(
      [...sizes].map(([name, bytes]) => [name, size(bytes)]),
      [1],
    );
    terminal.out(`${[`To ${where}:`, ...rows, `${plural(names.length, 'files')}, ${size(total)}`].join('\n')}\n`);
    if (against !== undefined && !flags.acceptLicence) terminal.err(`It would be refused. ${against}\n`);
    return;
  }
  if (against !== undefined && !flags.acceptLicence) throw new UsageError(against);
  const url = await upload(path, names, mark, flags, terminal);
  terminal.out(`${url}\n`);
}

/** Files of a folder, by name; those that are hidden are nobody's business. */
function filesIn(path: string, name = ''): string[] {
  return entriesIn(path, name).flatMap((entry) => {
    if (basename(entry.name).startsWith('.')) return [];
    return entry.isFolder ? filesIn(path, entry.name) : [entry.name];
  });
}

/** @returns where it is now */
async function upload(
  path: string,
  names: readonly string[],
  { kind, role, iteration }: ExportMark,
  flags: PushFlags,
  terminal: Terminal,
): Promise<string> {
  const what = kind === 'dataset' ? 'Questions' : `${role}, iteration ${iteration}`;
  const args = [
    path,
    ...['--repo', flags.repo, '--type', kind, '--message', `${what} (rzero ${VERSION})`],
    ...(flags.private ? ['--private'] : []),
    ...(flags.revision === undefined ? [] : ['--revision', flags.revision]),
    ...names.flatMap((name) => ['--file', name]),
  ];
  let url = '';
  const progress = progressOn(names.length, terminal);
  try {
    await runPythonTool(pythonPath(terminal.env, 'torch'), 'rzero_hub', args, terminal, (line) => {
      if (line.result !== undefined) url = (line.result as { url: string }).url;
      else progress.tell(line);
    });
  } catch (error) {
    if (terminal.signal.aborted) terminal.err('rzero: stopped; the same command sends what has not arrived\n');
    if (!(error instanceof ToolFailure)) throw error;
    throw FAILURES[error.code]?.(error.message) ?? Object.assign(new Error(error.message), { syscall: 'upload' });
  } finally {
    progress.end();
  }
  return url;
}

/** Says what is on its way: at the foot of a terminal, else a line a file. */
function progressOn(files: number, { screen, err }: Terminal): { tell(line: ToolLine): void; end(): void } {
  const block = new LiveBlock(err, screen.width);
  let begun = 0;
  return {
    tell({ file, bytes, done, total, retry }) {
      if (retry !== undefined) {
        begun = 0;
        const note = `${retry}; trying again`;
        if (screen.live) block.above([note]);
        else err(`${note}\n`);
      }
      if (file === undefined) return;
      begun += 1;
      const before = `${size(Number(done))} of ${size(Number(total))} done`;
      const text = `${begun} of ${files}: ${file}, ${size(Number(bytes))} (${before})`;
      if (screen.live) block.draw([shorten(text, screen.width())]);
      else err(`${text}\n`);
    },
    end: () => {
      if (screen.live) block.draw([]);
    },
  };
}
