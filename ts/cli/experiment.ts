import { configHash } from '../config/hash.ts';
import { formatConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Settings } from '../domain/settings.ts';
import { createArithmeticExam } from '../eval/exam.ts';
import { ModelUnusable } from '../inspect/errors.ts';
import { forTheRun } from '../inspect/judge.ts';
import { RunLog } from '../log/runLog.ts';
import type { LoopContext } from '../loop/context.ts';
import { Stopped, StoppedByWarning } from '../loop/errors.ts';
import { History } from '../loop/history.ts';
import { coevolveThrough } from '../loop/recovery.ts';
import type { Clock } from '../ports/clock.ts';
import type { Exam } from '../ports/exam.ts';
import type { JournalEntry } from '../ports/journal.ts';
import type { Reporter } from '../ports/reporter.ts';
import type { Worker } from '../ports/worker.ts';
import type { RunSummary } from '../report/runSummary.ts';
import { tee } from '../report/tee.ts';
import { withActivity } from '../report/withActivity.ts';
import { redactorFor } from '../secrets/environment.ts';
import { RunJournal } from '../store/journal.ts';
import type { RunFolder } from '../store/runFolder.ts';
import { sweeper } from '../store/sweeper.ts';
import { startWorkers } from '../worker/startWorkers.ts';
import { EXIT } from './exitCodes.ts';
import { explainError } from './explainError.ts';
import { inspectModel } from './inspection.ts';
import type { Placed } from './placement.ts';
import { modelSource } from './places.ts';
import { postsOf } from './posts.ts';
import { probeOf } from './probe.ts';
import { describeReward, rewardOf } from './reward.ts';
import { isPreemption, type StopSignal, stoppedCode } from './stop.ts';
import { summarizeRun } from './summarizeRun.ts';
import { startTrackers } from './trackers.ts';
import { VERSION } from './version.ts';
import { workerOptions } from './workerOptions.ts';

/** Monotonic seconds. */
export const processClock: Clock = { now: () => performance.now() / 1000 };

export interface Experiment {
  config: Config;
  /** What starts where, by plan; absent where workers are counted by hand, or one computes without a GPU. */
  placed?: Placed;
  folder: RunFolder;
  reporter: Reporter;
  env: NodeJS.ProcessEnv;
  /** Folder that a relative model folder starts from. */
  workingFolder: string;
  /** Aborting it stops the run where it can go on from: after the step that is nearly done, or at once. */
  signal: AbortSignal;
  /** What a measurement puts around the loop's ports. */
  instrument?: (context: LoopContext) => LoopContext;
}

/**
 * Do a whole run in a new folder.
 *
 * @throws as {@link attemptRun}
 */
export async function runExperiment(experiment: Experiment): Promise<RunSummary> {
  const { folder, config, workingFolder, reporter } = experiment;
  const rewardModule = await describeReward(config, workingFolder);
  const onTrouble = (message: string): void => reporter.report({ type: 'recovery', message });
  const redact = redactorFor(experiment.env);
  const journal = await RunJournal.open(folder.path, { version: VERSION, redact, onTrouble });
  try {
    journal.append({ type: 'run', config, workingFolder, ...(rewardModule && { rewardModule }) }, true);
    folder.writeText('config.yml', formatConfig(config));
    return await attemptRun(experiment, journal);
  } finally {
    journal.close();
  }
}

/**
 * Start the workers, co-evolve from where the journal is, stop the workers, write the summary. The journal, run.json and
 * the attempt's log say how it ended, whatever happens but the loss of this process.
 *
 * @throws Stopped; whatever ended the run early, after the workers are stopped
 */
export async function attemptRun(experiment: Experiment, journal: RunJournal): Promise<RunSummary> {
  const { config, folder, reporter, env, signal } = experiment;
  const { attempt, notes } = journal;
  const log = new RunLog({
    path: folder.file(`logs/orchestrator-${String(attempt).padStart(4, '0')}.jsonl`),
    attempt,
    level: config.logging.level,
    redact: redactorFor(env),
    onTrouble: (message) => reporter.report({ type: 'workers', message }),
  });
  const { preset, arm, seed, model, iterations } = config;
  const run = { run: journal.run, version: VERSION, config: configHash(config), preset, arm, seed, model, iterations };
  log.note('attempt-started', `attempt ${attempt} begins`, { ...run, pid: process.pid, folder: folder.path });
  for (const note of notes) log.note('journal', note, {}, 'warn');
  try {
    const summary = await recordedAttempt({ ...experiment, reporter: tee(reporter, log) }, journal);
    log.note('attempt-ended', 'finished', { how: 'finished', exitCode: EXIT.ok });
    return summary;
  } catch (error) {
    const { how, exitCode, message } = endOf(error, signal);
    log.note('attempt-ended', message, { how, exitCode }, how === 'failed' ? 'error' : 'info');
    throw error;
  } finally {
    await log.close();
  }
}

/** How an attempt ended that did not finish, and the exit code that the process will have for it. */
function endOf(error: unknown, signal: AbortSignal) {
  const { exitCode, message } = explainError(error);
  if (!signal.aborted) return { how: error instanceof StoppedByWarning ? 'stopped' : 'failed', exitCode, message };
  const how = isPreemption(signal.reason) ? 'preempted' : 'stopped';
  return { how, exitCode: stoppedCode(signal.reason as StopSignal, error), message: `${how} by ${signal.reason}` };
}

async function recordedAttempt(experiment: Experiment, journal: RunJournal): Promise<RunSummary> {
  const { config, folder, reporter, env, signal } = experiment;
  const startedAt = folder.readStatus()?.startedAt ?? new Date().toISOString();
  folder.writeStatus({ status: 'running', startedAt });
  const onTrouble = (message: string): void => reporter.report({ type: 'recovery', message });
  folder.tidiedBy(sweeper(folder, journal.entries, config, onTrouble));
  const redact = redactorFor(env);
  const end = (how: Extract<JournalEntry, { type: 'end' }>['how'], error?: string): void => {
    const said = error === undefined ? {} : { error: redact(error) };
    journal.append({ type: 'end', how, ...said }, true);
    folder.writeStatus({ status: how, startedAt, endedAt: new Date().toISOString(), ...said });
  };
  const trackers = startTrackers(experiment, journal);
  try {
    const exam = createArithmeticExam(config.evaluation.problems);
    await coevolveWithWorkers(experiment, journal, exam);
    const summary = summarizeRun(folder, journal.entries, config, exam);
    folder.writeDocument('summary.json', summary);
    end('finished');
    return summary;
  } catch (error) {
    const stopped = signal.aborted;
    try {
      if (stopped) end(isPreemption(signal.reason) ? 'preempted' : 'stopped');
      else
        end(
          error instanceof StoppedByWarning ? 'stopped' : 'failed',
          error instanceof Error ? error.message : String(error),
        );
    } catch {
      // A disk that is full, or a run that somebody else goes on with: what ended this attempt says more.
    }
    throw stopped ? new Stopped() : error;
  } finally {
    await trackers.close();
  }
}

async function coevolveWithWorkers(experiment: Experiment, journal: RunJournal, exam: Exam): Promise<void> {
  const { config, placed, folder, reporter, env, workingFolder, signal: stopping } = experiment;
  const { backend, restarts } = config.worker;
  const posts = postsOf(config, placed);
  const probe = probeOf(config, workingFolder);
  const several = posts.length > 1 || config.worker.listen !== '';
  const requestSamples = config.worker.requestSamples ?? requestSamplesFor(backend, several);
  const tell = (message: string): void => {
    reporter.report({ type: 'workers', message });
    try {
      journal.append({ type: 'workers', message });
    } catch {
      // The next entry fails as this one did, where the run can be stopped for it.
    }
  };
  const workers = await startWorkers({
    ...workerOptions(config, posts, { env, workingFolder, signal: stopping, tell }),
    run: journal.run,
    attempt: journal.attempt,
    turns: config.worker.turns || (placed?.decision.layout.turns ?? false),
    sharedFolder: folder.path,
    logFile: folder.file('worker.log'),
    onLogTrouble: (message) => reporter.report({ type: 'workers', message }),
  });
  const grace = graceOf(stopping, config.worker.graceSeconds);
  try {
    const settings: Settings = {
      ...config,
      model: modelSource(config.model, workingFolder),
      // A rank of a group cannot find out by itself what fits: one that fails ends them all.
      ...(placed === undefined ? {} : { trainer: { ...config.trainer, packTokens: placed.decision.packTokens } }),
    };
    if (!journal.entries.some(({ type }) => type === 'done')) await requireUsableModel(experiment, workers, exam);
    const challengerReward = await rewardOf(config, workingFolder);
    const context: LoopContext = {
      settings,
      worker: workers,
      exam,
      store: folder,
      reporter: withActivity(reporter, () => workers.activity),
      clock: processClock,
      activity: () => workers.activity,
      history: new History(journal),
      stopping,
      signal: grace.over,
      mostLosses: restarts + 1,
      requestSamples,
      ...(challengerReward && { challengerReward }),
      ...(probe && { probe }),
    };
    await coevolveThrough(experiment.instrument?.(context) ?? context);
  } finally {
    grace.forget();
    await workers.close();
  }
}

/**
 * Refuse a base model that a run cannot begin with, before it is loaded; what may be wrong with it is told.
 *
 * @throws ModelUnusable
 */
async function requireUsableModel(
  { config, workingFolder, reporter, signal }: Experiment,
  worker: Worker,
  exam: Exam,
): Promise<void> {
  const source = modelSource(config.model, workingFolder);
  const findings = forTheRun((await inspectModel(worker, config, source, exam, signal)).findings);
  const unusable = findings.filter(({ status }) => status === 'failed');
  if (unusable.length > 0) throw new ModelUnusable(config.model, unusable);
  for (const { status, topic, message, hint } of findings) {
    if (status === 'warning') reporter.report({ type: 'model', message: `warning: ${topic}: ${message} (${hint})` });
  }
}

/** What is nearly done when the run is told to stop may go on for so long. */
function graceOf(stopping: AbortSignal, seconds: number): { over: AbortSignal; forget(): void } {
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    timer = setTimeout(() => over.abort(), seconds * 1000);
  };
  if (stopping.aborted) begin();
  stopping.addEventListener('abort', begin);
  const forget = (): void => {
    clearTimeout(timer);
    stopping.removeEventListener('abort', begin);
  };
  return { over: over.signal, forget };
}

/**
 * Samples of a request where nobody says. vLLM takes requests into the batch that is running, so that small ones cost
 * nothing, and what is sampled is graded and trained on the sooner; the other backends do one after another.
 */
function requestSamplesFor(backend: Config['worker']['backend'], several: boolean): number {
  if (backend === 'vllm') return 64;
  return several ? 1024 : 2 ** 20;
}
