import { resolve } from 'node:path';
import { betterThanLast } from '../report/bestSolver.ts';
import type { RunSummary } from '../report/runSummary.ts';
import { renderTable } from '../report/table.ts';
import { RunFolder, RunFolderError } from '../store/runFolder.ts';
import type { Terminal } from './terminal.ts';

/**
 * `rzero show`: the table of a finished run, or its summary as JSON.
 *
 * @throws RunFolderError when there is no run, or none that came to its end
 */
export function showCommand(folder: string, flags: { json?: true }, terminal: Terminal): void {
  const run = RunFolder.open(folder, resolve(terminal.workingFolder, folder));
  const { status, error } = run.readStatus() ?? { status: 'running' };
  if (status !== 'finished') {
    const how = {
      running: 'it is still running, or was killed',
      stopped: 'it was stopped',
      preempted: 'its machine was taken away',
      failed: `it failed: ${error}`,
    };
    const message = `run ${folder} is not finished: ${how[status]}; rzero resume ${folder} goes on with it`;
    throw new RunFolderError('not_finished', message);
  }
  const summary = run.readDocument<RunSummary>('summary.json');
  if (flags.json) terminal.out(`${JSON.stringify(summary, null, 2)}\n`);
  else printResult(summary, folder, terminal);
}

/** A run's table on stdout, with its files and what to do next. */
export function printResult(summary: RunSummary, folder: string, terminal: Terminal): void {
  const { arm, iterations } = summary.run;
  const best = betterThanLast(summary);
  const last = `${folder}/iteration-${iterations}`;
  const again = arm === 'full' ? 'untrained-challenger' : 'full';
  terminal.out(
    renderTable(summary, {
      colour: terminal.page.colour,
      width: terminal.page.width(),
      files: [
        { path: `${last}/models/solver`, what: 'the trained Solver, a Hugging Face folder (challenger beside it)' },
        ...(best === undefined
          ? []
          : [
              {
                path: `${folder}/iteration-${best}/models/solver`,
                what: 'the best Solver on the held-out problems, where it is kept',
              },
            ]),
        { path: `${last}/questions.jsonl`, what: 'every question with its samples, vote and fate' },
        { path: `${folder}/summary.json`, what: 'all these figures' },
      ],
      next: [
        {
          command: `npm run rzero -- run --arm ${again}`,
          what: again === 'full' ? 'the whole method, to compare' : 'what training the Challenger is worth',
        },
        { command: `npm run rzero -- report ${folder}`, what: 'a page with curves, and every question that was asked' },
        { command: `npm run rzero -- show ${folder}`, what: 'this table again' },
      ],
    }),
  );
}
