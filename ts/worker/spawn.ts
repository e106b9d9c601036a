import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { secretsIn } from '../secrets/environment.ts';
import { WorkerStartError } from './errors.ts';
import { NotRunnable, type ProcessGroup, startGroup } from './processGroup.ts';
import { ProcessLog } from './processLog.ts';
import { RedactedLines } from './redactedLines.ts';
import { createTail } from './tail.ts';

/** How to start a worker process. */
export interface SpawnOptions {
  /** The Python interpreter. */
  python: string;
  backend: string;
  /** What it shall offer, of what the backend can; all of it unless given. */
  role?: 'sample' | 'train';
  /** Processes that are one worker together, a GPU each, started by torchrun; 1 unless given. */
  processes?: number;
  /** The GPUs that it may use, numbered from 0 among those that this process may; all of them unless given. */
  gpus?: readonly number[];
  /**
   * What a vLLM engine of it takes: a share of the GPU's memory, and rows; unless the user's environment says
   * otherwise.
   */
  engine?: { memoryShare: number; rows: number };
  /** Threads of the tensor library; at least 1. */
  threads: number;
  /** Where it is one of several machines that are one worker together, with as many processes on each. */
  nodes?: TorchrunNodes;
  /** Names of the devices that it uses, by which others know that they share one; its own names unless given. */
  devices?: readonly string[];
  /** Where it shall connect to. */
  endpoint: string;
  /** As whom it shall connect, for how long it dials; by its token alone unless given. */
  dial?: Dial;
  /** Shared secret, handed over in the environment. */
  token: string;
  /** Everything the process prints but secrets is also appended to this file. */
  logFile?: string;
  /** Told of what the process prints, without secrets: a line, or several, when it is there. */
  onOutput?(chunk: Uint8Array): void;
  /** Told when that file cannot be written; the process goes on without it. */
  onLogTrouble?(message: string): void;
  /** The how manieth start of this worker it is, for the log file to say; absent: it says nothing of it. */
  startNumber?: number;
  /** What Python runs instead of `-m rzero_worker`, before the flags. */
  program?: readonly string[];
  /** A program with its arguments that is a worker itself, run instead of Python: it gets `--connect` alone. */
  command?: readonly string[];
  /** Folder it runs in; this process's own unless given. */
  workingFolder?: string;
}

/** A machine among those that are one worker together, as torchrun needs to know it. */
export interface TorchrunNodes {
  count: number;
  /** Which of them this is, from 0. */
  rank: number;
  /** Where node 0 lets the others meet. */
  host: string;
  port: number;
}

/** As whom a worker connects to an orchestrator that did not start it. */
export interface Dial {
  workerId: string;
  /** Files of its own pair and of the orchestrator's public key; without them its token must do. */
  keys?: { own: string; server: string };
  /** How long it dials an orchestrator that does not answer. */
  waitSeconds: number;
}

/** A worker process. */
export interface WorkerProcess extends ProcessGroup {
  /** The last 64 KiB of what it printed, without secrets. */
  output(): string;
}

/** Python packages beside ts/ (or dist/) in the repository. */
const PYTHON_PATH = fileURLToPath(new URL('../../py_worker', import.meta.url));

/**
 * Start a worker, in a process group of its own: Ctrl-C reaches the orchestrator alone, which then stops the worker in
 * order. The group is killed when this process exits; where that cannot run (SIGKILL), the worker sees its stdin close
 * and ends by itself. So do the processes of torchrun, which puts each into a group of its own: they hear of SIGTERM from
 * torchrun.
 *
 * @throws WorkerStartError when the interpreter cannot be run
 */
export async function spawnWorker(options: SpawnOptions): Promise<WorkerProcess> {
  const tail = createTail(64 * 1024);
  const { logFile, onLogTrouble = () => {}, startNumber, workingFolder } = options;
  const log = logFile === undefined ? undefined : new ProcessLog(logFile, onLogTrouble);
  if (startNumber !== undefined) log?.append(Buffer.from(`--- start ${startNumber} ---\n`));
  const [program = '', ...args] = commandLine(options);
  // It has this process's secrets and one of its own, and may print them.
  const secrets = [options.token, ...secretsIn(process.env)];
  const clean = (bytes: Uint8Array): void => {
    tail.push(bytes);
    log?.append(bytes);
    options.onOutput?.(bytes);
  };
  const printed = { stdout: new RedactedLines(secrets, clean), stderr: new RedactedLines(secrets, clean) };
  const both = Object.values(printed);
  try {
    const group = await startGroup(program, args, {
      env: workerEnvironment(options, process.env),
      workingFolder,
      output: (chunk, stream) => printed[stream].push(chunk),
    });
    const ended = group.ended.finally(() => {
      for (const lines of both) lines.end();
      log?.close();
    });
    const pending = () => both.map((lines) => Buffer.from(lines.pending()).toString()).join('');
    return { ...group, ended, output: () => tail.text() + pending() };
  } catch (error) {
    log?.close();
    if (!(error instanceof NotRunnable)) throw error;
    const what = options.command === undefined ? `the Python at ${options.python}` : program;
    throw new WorkerStartError('worker_start_failed', `cannot run ${what}: ${error.message}`);
  }
}

/** What is run for a worker, a program with its arguments. */
export function commandLine(options: SpawnOptions): readonly string[] {
  const { python, program, command, backend, role, endpoint, dial } = options;
  if (command !== undefined) return [...command, '--connect', endpoint];
  const started = program ?? ['-m', 'rzero_worker'];
  const roles = role === undefined ? [] : ['--roles', role];
  const flags = ['--connect', endpoint, '--backend', backend, ...roles, '--exit-with-stdin'];
  return [python, ...torchrun(options), ...started, ...flags, ...(dial === undefined ? [] : dialFlags(dial))];
}

/** What starts the processes of a worker that has several. */
function torchrun({ processes = 1, nodes }: SpawnOptions): string[] {
  if (processes === 1 && nodes === undefined) return [];
  // Not c10d, which numbers the nodes as they come: the worker's rank 0 has to be where its key is.
  const meeting =
    nodes === undefined
      ? ['--standalone']
      : [
          ...['--nnodes', String(nodes.count), '--node-rank', String(nodes.rank)],
          ...['--master-addr', nodes.host, '--master-port', String(nodes.port)],
        ];
  return ['-m', 'torch.distributed.run', ...meeting, '--nproc-per-node', String(processes)];
}

function dialFlags({ workerId, keys, waitSeconds }: Dial): string[] {
  const secured = keys === undefined ? [] : ['--keys', keys.own, '--server-key', keys.server];
  return ['--worker-id', workerId, '--connect-timeout', String(waitSeconds), ...secured];
}

/** The worker's environment: the caller's, our settings for threads and memory, and the secret. */
export function workerEnvironment(
  options: Pick<SpawnOptions, 'threads' | 'token' | 'command' | 'gpus' | 'engine' | 'devices'>,
  inherited: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const threads = String(options.threads);
  const given = Object.entries(inherited).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    // glibc gives big blocks back to the kernel at once and takes them again at the next step, page
    // fault by page fault. Keeping up to 1 GiB in the heap avoids that. Set by the user, they stand.
    MALLOC_MMAP_THRESHOLD_: '1073741824',
    MALLOC_TRIM_THRESHOLD_: '1073741824',
    MALLOC_TOP_PAD_: '67108864',
    MALLOC_ARENA_MAX: '2',
    // OpenMP threads that spin after a parallel region take the core from whoever needs it next.
    KMP_BLOCKTIME: '0',
    TOKENIZERS_PARALLELISM: 'false',
    HF_HUB_DISABLE_TELEMETRY: '1',
    PYTHONUNBUFFERED: '1',
    ...(options.engine !== undefined && {
      RZERO_VLLM_GPU_MEMORY: options.engine.memoryShare.toFixed(3),
      RZERO_VLLM_ROWS: String(options.engine.rows),
    }),
    ...Object.fromEntries(given),
    OMP_NUM_THREADS: threads,
    MKL_NUM_THREADS: threads,
    // A worker of somebody else's finds its own modules.
    ...(options.command === undefined && {
      PYTHONPATH: [PYTHON_PATH, inherited.PYTHONPATH].filter(Boolean).join(delimiter),
    }),
    ...(options.gpus !== undefined && {
      CUDA_VISIBLE_DEVICES: visibleGpus(options.gpus, inherited.CUDA_VISIBLE_DEVICES),
    }),
    ...(options.devices !== undefined && { RZERO_DEVICES: options.devices.join(',') }),
    RZERO_TOKEN: options.token,
  };
}

/** GPUs as the driver knows them; of a list of visible ones, those that are on it. */
function visibleGpus(gpus: readonly number[], visible: string | undefined): string {
  const all = visible?.split(',');
  return gpus.flatMap((gpu) => (all === undefined ? String(gpu) : (all[gpu] ?? []))).join(',');
}
