import type { Config } from '../config/schema.ts';
import type { EvaluationFolder } from '../store/evaluationFolder.ts';
import { findGpus } from '../worker/foundGpus.ts';
import type { Pool } from '../worker/pool/pool.ts';
import { type Post, postsByCount } from '../worker/post.ts';
import { startWorkers } from '../worker/startWorkers.ts';
import type { Terminal } from './terminal.ts';
import { workerOptions } from './workerOptions.ts';

/** What a vLLM engine that has a GPU for itself takes of it: nothing is trained beside it. */
const ENGINE = { memoryShare: 0.85, rows: 256 };

/** The workers of one command, for all models that it evaluates: they start when there is something to be drawn. */
export class EvalWorkers {
  /** Told of each worker that comes or goes. */
  onChange: (message: string) => void;
  private readonly config: Config;
  private readonly workingFolder: string;
  private readonly terminal: Terminal;
  private pool: Pool | undefined;

  /** @param workingFolder that relative paths of the configuration start from */
  constructor(config: Config, workingFolder: string, terminal: Terminal) {
    this.config = config;
    this.workingFolder = workingFolder;
    this.terminal = terminal;
    this.onChange = (message) => terminal.err(`${message}\n`);
  }

  /**
   * @param folder in which their log is to be, where they are not there yet
   * @throws as {@link startWorkers}
   */
  async hired(folder: EvaluationFolder): Promise<Pool> {
    if (this.pool !== undefined) return this.pool;
    const { config, workingFolder } = this;
    const { env, signal } = this.terminal;
    const tell = (message: string): void => this.onChange(`workers: ${message}`);
    const gpus = config.worker.backend === 'mock' ? 0 : (await findGpus(env)).length;
    this.pool = await startWorkers({
      ...workerOptions(config, evaluationPosts(config, gpus), { env, workingFolder, signal, tell }),
      sharedFolder: folder.path,
      logFile: folder.file('worker.log'),
      onLogTrouble: tell,
    });
    return this.pool;
  }

  async close(): Promise<void> {
    await this.pool?.close();
  }
}

/**
 * The workers that an evaluation starts on this machine: as many as `worker.count` says, 0 where
 * all dial in; else one for each GPU, or with vLLM for each `placement.tensorParallel` GPUs; else one.
 *
 * @param gpus of this machine
 */
export function evaluationPosts({ worker, placement }: Config, gpus: number): Post[] {
  const { backend, count, listen } = worker;
  if (count !== null) return postsByCount(count);
  const size = backend === 'vllm' ? Math.max(1, placement.tensorParallel) : 1;
  // Those who dial in may be meant for GPUs of this very machine.
  const groups = listen === '' ? Math.floor(gpus / size) : 0;
  if (groups === 0) return postsByCount(1);
  return Array.from({ length: groups }, (_, group) => ({
    role: 'sample',
    processes: size,
    gpus: Array.from({ length: size }, (_, index) => group * size + index),
    ...(backend === 'vllm' ? { engine: ENGINE } : {}),
  }));
}

/**
 * Responses of a request. They are on record when all of them are there: many keep a worker busy that does one request
 * after another, few lose less when the process does. vLLM takes requests into the batch that is running.
 */
export function evaluationRequestSamples({ backend, requestSamples }: Config['worker']): number {
  return requestSamples ?? (backend === 'vllm' ? 64 : 256);
}
