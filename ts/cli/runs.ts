import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createColors } from 'picocolors';
import { columns, oneLine, plural, size, wrap } from '../report/text.ts';
import { type RunState, readRunState } from '../store/runState.ts';
import { entriesIn } from '../store/tree.ts';
import type { Terminal } from './terminal.ts';

/** Folders of folders of runs are looked into so deep. */
const DEEPEST = 3;

/** A run by its folder below the one that was asked for: where it is, or why that cannot be read. */
export type ListedRun = { name: string } & (RunState | { unreadable: string });

/** `rzero runs`: the runs below a folder, from their journals alone. */
export function runsCommand(folder: string, flags: { json?: true }, terminal: Terminal): void {
  const path = resolve(terminal.workingFolder, folder);
  const runs = namesOfRuns(path).map((name): ListedRun => {
    try {
      return { name, ...readRunState(join(path, name)) };
    } catch (error) {
      return { name, unreadable: error instanceof Error ? error.message : String(error) };
    }
  });
  if (flags.json) terminal.out(`${JSON.stringify(runs, null, 2)}\n`);
  else if (runs.length === 0) terminal.err(`No runs below ${folder}.\n`);
  else terminal.out(`${listing(runs, terminal).join('\n')}\n`);
}

/** Folders that hold a journal, or cannot be looked into, relative to `path`; '.' for itself. */
function namesOfRuns(path: string, name = '', depth = 0): string[] {
  const own = [name === '' ? '.' : name];
  if (existsSync(join(path, name, 'journal'))) return own;
  if (depth > DEEPEST) return [];
  try {
    return entriesIn(path, name).flatMap((entry) => (entry.isFolder ? namesOfRuns(path, entry.name, depth + 1) : []));
  } catch {
    return own;
  }
}

function listing(runs: readonly ListedRun[], terminal: Terminal): string[] {
  const { bold, dim } = createColors(terminal.page.colour);
  const width = terminal.page.width();
  const head = ['run', 'state', 'where', 'preset', 'seed', 'attempts', 'changed (UTC)', 'size'];
  const [title = '', ...rows] = columns([head, ...runs.map(rowOf)], [4, 5, 7]);
  const lines = runs.flatMap((run, index) => {
    const notes = notesOf(run).flatMap((note) => wrap(oneLine(note), width - 2).map((line) => dim(`  ${line}`)));
    return [rows[index] as string, ...notes];
  });
  return [bold(title), ...lines];
}

function rowOf(run: ListedRun): string[] {
  if ('unreadable' in run) return [run.name, 'unreadable'];
  const { state, config, attempts, changed = '', bytes } = run;
  const preset = config === undefined ? '' : config.arm === 'full' ? config.preset : `${config.preset}, ${config.arm}`;
  const [day = '', time = ''] = changed.split('T');
  return [
    run.name,
    state,
    whereOf(run),
    preset,
    `${config?.seed ?? ''}`,
    `${attempts}`,
    `${day} ${time.slice(0, 5)}`,
    size(bytes),
  ];
}

function whereOf({ state, config, at }: RunState): string {
  const all = config?.iterations ?? 0;
  if (state === 'finished') return `all ${plural(all, 'iterations')}`;
  if (at === undefined) return 'before the first phase';
  return `${at.iteration} of ${all}, ${at.phase}${at.step === undefined ? '' : ` ${at.step}`}`;
}

/** What does not fit into a row. */
function notesOf(run: ListedRun): string[] {
  if ('unreadable' in run) return [run.unreadable];
  const { state, error, holder } = run;
  if (state === 'running') return [`${holder}`];
  if (state === 'elsewhere') return [`${holder}; whether it lives cannot be seen from here`];
  return error === undefined ? [] : [error];
}
