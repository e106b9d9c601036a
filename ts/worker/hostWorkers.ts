import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { within } from './deadline.ts';
import { WorkerCallError } from './errors.ts';
import type { HostPost } from './post.ts';
import { describeEnd, type ProcessEnd } from './processGroup.ts';
import { type SpawnOptions, spawnWorker, type WorkerProcess } from './spawn.ts';
import { type Supervised, Supervisor, type SupervisorOptions } from './supervisor.ts';

export interface HostWorkersOptions
  extends Pick<SpawnOptions, 'python' | 'backend' | 'threads' | 'endpoint' | 'token'> {
  posts: readonly HostPost[];
  /** Key files of a worker by its name; undefined where the token must do. */
  keysOf?(name: string): { own: string; server: string };
  /** Where the hosts of one worker meet; needed where a post has `nodes`. */
  rendezvous?: { host: string; port: number };
  /** How long a worker dials an orchestrator that does not answer. */
  waitSeconds: number;
  /** Times in a row that a worker is started again without having lived for {@link STEADY_MILLISECONDS}. */
  restarts: number;
  /** Folder for a log of each; none unless given. */
  logs?: string;
  /** Told of what becomes of the workers, and of each line that one prints. */
  say(text: string): void;
  onLine(name: string, line: string): void;
  /** Aborted to have all end: at once, or where `drains` says so when their orchestrator has told them to. */
  signal: AbortSignal;
  /** Whether the orchestrator is about to end its workers itself, and may finish its step first. */
  drains(): boolean;
  /** Milliseconds that this may take. */
  drainDeadline: number;
  /** See SupervisorOptions. */
  after?: SupervisorOptions<Supervised>['after'];
}

/**
 * How the workers of a host ended:
 * - `finished`: their orchestrator told them to stop
 * - `stopped`: they were ended here, since `signal` was aborted
 * - `refused`: one was not let in, or met nobody (exit code 69), or was started wrongly (2)
 * - `given_up`: each of them ended again and again
 */
export type HostEnd =
  | { how: 'finished' | 'stopped' }
  | { how: 'refused'; name: string; exitCode: number; output: string }
  | { how: 'given_up'; error: WorkerCallError };

/** Who has lived for so long is not what ended again and again. */
export const STEADY_MILLISECONDS = 600_000;

/** Milliseconds that the others get to end by themselves once one was told to stop. */
const FAREWELL = 15_000;

/** Milliseconds from SIGTERM to SIGKILL: the worker ends its work in 10 s, torchrun gives its processes 30. */
const TERMINATE = 40_000;

const BAD_ARGUMENTS = 2;
const UNAVAILABLE = 69;

/**
 * Start the workers of a host, which dial in at an orchestrator, and start those again that die. Resolves when none is
 * left.
 *
 * @throws WorkerStartError when one cannot be started at all; none is left then
 */
export async function serveHost(options: HostWorkersOptions): Promise<HostEnd> {
  const { posts, restarts, say, after, signal } = options;
  const left = new Set(posts.map(({ name }) => name));
  const supervisors = new Map<string, Supervisor<Supervised>>();
  let told = false;
  let ending = false;
  let givenUp: WorkerCallError | undefined;
  let timer: NodeJS.Timeout | undefined;
  let settle: (end: HostEnd) => void = () => {};
  const settled = new Promise<HostEnd>((resolve) => {
    settle = resolve;
  });
  const over = (): boolean => told || signal.aborted;
  const leave = (name: string): void => {
    left.delete(name);
    if (left.size > 0) return;
    if (told) settle({ how: 'finished' });
    else if (signal.aborted || givenUp === undefined) settle({ how: 'stopped' });
    else settle({ how: 'given_up', error: givenUp });
  };
  /** Start none again, and give those that are there so long to end by themselves. */
  const letEnd = (milliseconds: number): void => {
    if (ending) return;
    clearTimeout(timer);
    timer = setTimeout(() => settle({ how: told ? 'finished' : 'stopped' }), milliseconds);
    for (const [name, supervisor] of supervisors) {
      if (!supervisor.isExpected) continue;
      void supervisor.stop();
      leave(name);
    }
  };
  const onEnd = (name: string, end: ProcessEnd, output: string): void => {
    const code = exitCodeOf(end, output);
    if (code === 0 && !told) {
      told = true;
      letEnd(FAREWELL);
    }
    if (isRefusal(code) && !over()) settle({ how: 'refused', name, exitCode: code, output });
    else if (code === 0 || over()) leave(name);
    else say(`${name} ended: ${describeEnd(end)}`);
  };
  for (const one of posts) {
    supervisors.set(
      one.name,
      new Supervisor<Supervised>({
        name: one.name,
        restarts,
        say,
        ...(after === undefined ? {} : { after }),
        start: async (number) => {
          const process = await spawnWorker(spawnOptions(options, one, number));
          void process.ended.then((end) => onEnd(one.name, end, process.output()));
          return supervised(one.name, process, over);
        },
        onUp: () => {},
        onGivenUp: (error) => {
          givenUp = error;
          say(error.message);
          leave(one.name);
        },
      }),
    );
  }
  const onAbort = (): void => {
    if (options.drains()) letEnd(options.drainDeadline);
    else settle({ how: 'stopped' });
  };
  try {
    const starts = [...supervisors.values()].map((supervisor) => supervisor.begin());
    await Promise.allSettled(starts);
    await Promise.all(starts);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    return await settled;
  } finally {
    ending = true;
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    await Promise.all([...supervisors.values()].map((supervisor) => supervisor.stop()));
  }
}

function spawnOptions(options: HostWorkersOptions, one: HostPost, startNumber: number): SpawnOptions {
  const { python, backend, threads, endpoint, token, waitSeconds, keysOf, logs, rendezvous, onLine, say } = options;
  const { name, dials, post, devices, nodes } = one;
  return {
    python,
    backend,
    threads,
    endpoint,
    token,
    startNumber,
    ...post,
    ...(devices === undefined ? {} : { devices }),
    ...(nodes === undefined || rendezvous === undefined ? {} : { nodes: { ...nodes, ...rendezvous } }),
    dial: { workerId: name, waitSeconds, ...(dials && keysOf !== undefined ? { keys: keysOf(name) } : {}) },
    ...(logs === undefined ? {} : { logFile: join(logs, `${name}.log`), onLogTrouble: say }),
    onOutput: lines((line) => onLine(name, line)),
  };
}

/** Such a process as the supervisor looks at it, who otherwise has a session with it. */
function supervised(name: string, process: WorkerProcess, over: () => boolean): Supervised {
  const begun = performance.now();
  let end: ProcessEnd | undefined;
  const ended = process.ended.then((how) => {
    end = how;
    return how;
  });
  return {
    process: { ended },
    session: {
      gone: ended.then((how) => new WorkerCallError('worker_gone', `${name} ended: ${describeEnd(how)}`)),
      get hasWorked() {
        return performance.now() - begun >= STEADY_MILLISECONDS;
      },
      get wasToldToStop() {
        if (over()) return true;
        const code = end && exitCodeOf(end, process.output());
        return code === 0 || isRefusal(code);
      },
    },
    stop: async () => {
      process.kill('SIGTERM');
      await within(ended, TERMINATE);
      process.kill('SIGKILL');
      await ended;
    },
  };
}

function isRefusal(code: number | undefined): code is number {
  return code === BAD_ARGUMENTS || code === UNAVAILABLE;
}

/** With which code it ended; torchrun ends with 1 itself, and prints that of the process that ended first. */
export function exitCodeOf({ exitCode }: ProcessEnd, output: string): number | undefined {
  const rootCause = exitCode === 1 ? /Root Cause[\s\S]*?exitcode\s*:\s*(\d+)/.exec(output)?.[1] : undefined;
  return rootCause === undefined ? exitCode : Number(rootCause);
}

/** Cuts what comes in pieces into lines. */
function lines(onLine: (line: string) => void): (chunk: Uint8Array) => void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return (chunk) => {
    const parts = `${rest}${decoder.write(Buffer.from(chunk))}`.split(/\r?\n/);
    rest = parts.pop() ?? '';
    for (const line of parts) onLine(line);
  };
}
