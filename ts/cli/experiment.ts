import { formatConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Settings } from '../domain/settings.ts';
import { createArithmeticExam } from '../eval/exam.ts';
import { coevolve } from '../loop/coevolve.ts';
import type { Clock } from '../ports/clock.ts';
import type { Exam } from '../ports/exam.ts';
import type { Reporter } from '../ports/reporter.ts';
import type { RunSummary } from '../report/runSummary.ts';
import type { RunFolder } from '../store/runFolder.ts';
import { startWorker } from '../worker/startWorker.ts';
import { modelSource, pythonPath } from './places.ts';
import { summarizeRun } from './summarizeRun.ts';

/** Monotonic seconds. */
export const processClock: Clock = { now: () => performance.now() / 1000 };

export interface Experiment {
  config: Config;
  /** A new run folder. */
  folder: RunFolder;
  reporter: Reporter;
  env: NodeJS.ProcessEnv;
  /** Folder that a relative model folder starts from. */
  workingFolder: string;
  /** Aborting it stops the run cleanly. */
  signal: AbortSignal;
}

/**
 * Do a whole run: save the configuration, start a worker, co-evolve, stop the worker, write the
 * summary. run.json says how it ended, whatever happens but the loss of this process.
 *
 * @throws whatever ended the run early, after the worker is stopped
 */
export async function runExperiment(experiment: Experiment): Promise<RunSummary> {
  const { config, folder } = experiment;
  const startedAt = new Date().toISOString();
  const ended = () => ({ startedAt, endedAt: new Date().toISOString() });
  folder.writeStatus({ status: 'running', startedAt });
  folder.writeText('config.yml', formatConfig(config));
  try {
    const exam = createArithmeticExam(config.evaluation.problems);
    await coevolveWithWorker(experiment, exam);
    const summary = summarizeRun(folder, config, exam);
    folder.writeDocument('summary.json', summary);
    folder.writeStatus({ status: 'finished', ...ended() });
    return summary;
  } catch (error) {
    const stopped = experiment.signal.aborted;
    const message = error instanceof Error ? error.message : String(error);
    folder.writeStatus({ status: stopped ? 'stopped' : 'failed', ...ended(), ...(stopped ? {} : { error: message }) });
    throw error;
  }
}

async function coevolveWithWorker({ config, folder, reporter, env, workingFolder, signal }: Experiment, exam: Exam) {
  const worker = await startWorker({
    python: pythonPath(env, config.worker.backend),
    backend: config.worker.backend,
    threads: config.worker.threads,
    logFile: folder.file('worker.log'),
    signal,
  });
  try {
    const settings: Settings = { ...config, model: modelSource(config.model, workingFolder) };
    await coevolve({ settings, worker, exam, store: folder, reporter, clock: processClock, signal });
  } finally {
    await worker.close();
  }
}
