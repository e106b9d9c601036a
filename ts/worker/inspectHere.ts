import { execa } from 'execa';
import { type Machine, tMachine } from '../protocol/generated.ts';
import { WorkerStartError } from './errors.ts';

export interface InspectHereOptions {
  /** The Python interpreter. */
  python: string;
  /** Folder that holds the worker's package. */
  packageFolder: string;
  /** Folder that it looks from: whose file system is told. */
  workingFolder: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds, after which it is killed. */
  deadline: number;
}

/** Lines of what Python said that are worth the screen: the last of a traceback names the error. */
const LINES = 3;

/**
 * What `inspect_machine` would say here, without a worker: it takes a Python and none of the packages.
 *
 * @throws WorkerStartError where that Python does not run, or not this
 */
export async function inspectHere(options: InspectHereOptions): Promise<Machine> {
  const { python, packageFolder, workingFolder, env, deadline } = options;
  const { PYTHONPATH: _, RZERO_TOKEN: __, ...inherited } = env;
  const { stdout, stderr, failed, timedOut, originalMessage, exitCode } = await execa(
    python,
    ['-m', 'rzero_worker.machine'],
    {
      cwd: workingFolder,
      env: { ...definedOf(inherited), PYTHONPATH: packageFolder },
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
      timeout: deadline,
      killSignal: 'SIGKILL',
    },
  );
  const fails = (why: string) => new WorkerStartError('worker_start_failed', `the Python at ${python} ${why}`);
  if (timedOut) throw fails(`says nothing within ${deadline / 1000} s`);
  if (exitCode === undefined) throw fails(`cannot be run: ${originalMessage}`);
  if (failed) throw fails(`ends with exit code ${exitCode}: ${stderr.split('\n').slice(-LINES).join(' ').trim()}`);
  try {
    return tMachine.decode(JSON.parse(stdout), 'Machine');
  } catch (error) {
    throw fails(`says what is no description of a machine: ${(error as Error).message}`);
  }
}

function definedOf(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
