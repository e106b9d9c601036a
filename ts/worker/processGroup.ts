import { execa } from 'execa';

/** How a process ended: an exit code or the name of a signal. */
export interface ProcessEnd {
  exitCode: number | undefined;
  signal: string | undefined;
}

/** An end in a few words: `exit code 3`, `SIGKILL`. */
export function describeEnd({ exitCode, signal }: ProcessEnd): string {
  return signal ?? `exit code ${exitCode}`;
}

/** A process in a process group of its own. */
export interface ProcessGroup {
  readonly pid: number;
  /** Resolves once, when the process has ended and all it printed has been read. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Signal the whole group; nothing happens when it has ended. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export interface GroupOptions {
  /** All of its environment. */
  env: Record<string, string>;
  /** Folder it runs in; this process's own unless given. */
  workingFolder?: string | undefined;
  /**
   * Where what it prints goes: to a function, while its stdin is a pipe that closes when this process ends; or nowhere, and
   * it notices nothing of that end.
   */
  output: ((chunk: Uint8Array, stream: 'stdout' | 'stderr') => void) | 'ignore';
}

/** What could not be run, in the words of the system. */
export class NotRunnable extends Error {
  override readonly name = 'NotRunnable';
}

/**
 * Start a program that leads a process group of its own, so that Ctrl-C in a terminal reaches this process alone. The group
 * is killed when the program ends, and when this process exits.
 *
 * @throws NotRunnable
 */
export async function startGroup(
  program: string,
  args: readonly string[],
  { env, workingFolder, output }: GroupOptions,
): Promise<ProcessGroup> {
  const stdio = output === 'ignore' ? 'ignore' : 'pipe';
  const subprocess = execa(program, args, {
    ...(workingFolder === undefined ? {} : { cwd: workingFolder }),
    env,
    extendEnv: false,
    stdin: stdio,
    stdout: stdio,
    stderr: stdio,
    buffer: false,
    reject: false,
    detached: true,
    cleanup: false,
  });
  const { pid } = subprocess;
  if (output !== 'ignore') {
    subprocess.stdout?.on('data', (chunk: Uint8Array) => output(chunk, 'stdout'));
    subprocess.stderr?.on('data', (chunk: Uint8Array) => output(chunk, 'stderr'));
  }

  let alive = pid !== undefined;
  const kill = (signal: 'SIGTERM' | 'SIGKILL'): void => {
    if (alive && pid !== undefined) signalGroup(pid, signal);
  };
  const killNow = (): void => kill('SIGKILL');
  process.once('exit', killNow);
  subprocess.once('exit', () => {
    // What the program itself had started (and what may hold its output open) ends with it.
    killNow();
    alive = false;
  });

  const ended = subprocess.then((result): ProcessEnd => {
    process.off('exit', killNow);
    return { exitCode: result.exitCode, signal: result.signal };
  });
  if (pid === undefined) {
    const { originalMessage } = await subprocess;
    await ended;
    throw new NotRunnable(originalMessage);
  }
  return { pid, ended, kill };
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    // ESRCH: the group is empty already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
