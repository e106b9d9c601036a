import { resolve } from 'node:path';
import { formatConfig } from '../config/load.ts';
import { loadRewardModule } from '../config/rewardModule.ts';
import type { Config } from '../config/schema.ts';
import type { Settings } from '../domain/settings.ts';
import { createArithmeticExam } from '../eval/exam.ts';
import { coevolve } from '../loop/coevolve.ts';
import type { LoopContext } from '../loop/context.ts';
import type { Clock } from '../ports/clock.ts';
import type { Exam } from '../ports/exam.ts';
import type { Reporter } from '../ports/reporter.ts';
import type { RunSummary } from '../report/runSummary.ts';
import type { RunFolder } from '../store/runFolder.ts';
import { inMilliseconds } from '../worker/phases.ts';
import { type ListenOptions, startWorkers } from '../worker/startWorkers.ts';
import type { Placed } from './placement.ts';
import { modelSource, pythonPath } from './places.ts';
import { postsOf } from './posts.ts';
import { summarizeRun } from './summarizeRun.ts';

/** Monotonic seconds. */
export const processClock: Clock = { now: () => performance.now() / 1000 };

export interface Experiment {
  config: Config;
  /** What starts where, by plan; absent where workers are counted by hand, or one computes without a GPU. */
  placed?: Placed;
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
 * Do a whole run: save the configuration, start the workers, co-evolve, stop them, write the
 * summary. run.json says how it ended, whatever happens but the loss of this process.
 *
 * @throws whatever ended the run early, after the workers are stopped
 */
export async function runExperiment(experiment: Experiment): Promise<RunSummary> {
  const { config, folder } = experiment;
  const startedAt = new Date().toISOString();
  const rewards = await loadRewards(experiment);
  const about = { startedAt, ...rewards?.about };
  const ended = () => ({ ...about, endedAt: new Date().toISOString() });
  folder.writeStatus({ status: 'running', ...about });
  folder.writeText('config.yml', formatConfig(config));
  try {
    const exam = createArithmeticExam(config.evaluation.problems);
    await coevolveWithWorkers(experiment, exam, rewards?.port ?? {});
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

/** The user's own reward, if there is one: for the loop, and for run.json. */
async function loadRewards({ config, workingFolder }: Experiment) {
  const path = config.rewards.challenger.module;
  if (path === '') return undefined;
  const { reward, sha256 } = await loadRewardModule(resolve(workingFolder, path), path);
  return { port: { challengerReward: reward }, about: { rewardModule: { path, sha256 } } };
}

async function coevolveWithWorkers(
  experiment: Experiment,
  exam: Exam,
  rewards: Pick<LoopContext, 'challengerReward'>,
): Promise<void> {
  const { config, placed, folder, reporter, env, workingFolder, signal } = experiment;
  const { backend, threads, handoverSeconds, deadlines, restarts } = config.worker;
  const posts = postsOf(config, placed);
  const listen = listenOptions(experiment);
  const several = posts.length > 1 || listen !== undefined;
  const requestSamples = config.worker.requestSamples ?? requestSamplesFor(backend, several);
  const tell = (message: string): void => {
    folder.appendMetrics({ kind: 'workers', message });
    reporter.report({ type: 'workers', message });
  };
  const workers = await startWorkers({
    python: pythonPath(env, backend),
    backend,
    threads,
    posts,
    restarts,
    patience: { deadlines: inMilliseconds(deadlines) },
    turns: config.worker.turns || (placed?.decision.layout.turns ?? false),
    handoverDeadline: handoverSeconds * 1000,
    sharedFolder: folder.path,
    logFile: folder.file('worker.log'),
    signal,
    ...(listen === undefined
      ? {}
      : { listen: { ...listen, onListening: (endpoint) => tell(dialHint(config, endpoint)) } }),
    onChange: tell,
  });
  try {
    const settings: Settings = {
      ...config,
      model: modelSource(config.model, workingFolder),
      // A rank of a group cannot find out by itself what fits: one that fails ends them all.
      ...(placed === undefined ? {} : { trainer: { ...config.trainer, packTokens: placed.decision.packTokens } }),
    };
    await coevolve({
      settings,
      worker: workers,
      exam,
      store: folder,
      reporter,
      clock: processClock,
      signal,
      requestSamples,
      ...rewards,
    });
  } finally {
    await workers.close();
  }
}

/**
 * Samples of a request where nobody says. vLLM takes requests into the batch that is running, so that small ones cost
 * nothing, and what is sampled is graded and trained on the sooner; the other backends do one after another.
 */
function requestSamplesFor(backend: Config['worker']['backend'], several: boolean): number {
  if (backend === 'vllm') return 64;
  return several ? 1024 : 2 ** 20;
}

function listenOptions({ config, env, workingFolder }: Experiment): ListenOptions | undefined {
  const { listen, keys, expect } = config.worker;
  if (listen === '') return undefined;
  const token = env.RZERO_TOKEN;
  return {
    address: listen,
    expect,
    ...(keys === '' ? {} : { keys: resolve(workingFolder, keys) }),
    ...(token === undefined || token === '' ? {} : { token }),
  };
}

function dialHint({ worker }: Config, endpoint: string): string {
  const knows = worker.keys === '' ? 'the RZERO_TOKEN of this run' : 'a key of its own (rzero keys)';
  return `${worker.expect} to dial in at ${endpoint}, each with ${knows}`;
}
