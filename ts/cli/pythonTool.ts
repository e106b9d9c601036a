import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { createInterface } from 'node:readline';
import { PublishError } from '../publish/errors.ts';
import { WORKER_PACKAGE } from './places.ts';
import type { Terminal } from './terminal.ts';

/** Characters of what a tool printed to stderr that an error shows. */
const TAIL = 2_000;

/** What a tool says in a line of JSON on stdout. Other lines come from libraries, and say nothing to us. */
export interface ToolLine {
  error?: { code: string; message: string };
  [field: string]: unknown;
}

/** A tool has said why it failed. */
export class ToolFailure extends Error {
  override readonly name = 'ToolFailure';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Run a module of py_worker to its end.
 *
 * @param onLine told each line that it says
 * @throws ToolFailure with what it says went wrong; PublishError `unavailable` where Python cannot be run, or ends without a
 *   word; what the terminal was told to stop with
 */
export async function runPythonTool(
  python: string,
  module: string,
  args: readonly string[],
  { env, signal }: Pick<Terminal, 'env' | 'signal'>,
  onLine: (line: ToolLine) => void = () => {},
): Promise<void> {
  signal.throwIfAborted();
  const child = spawn(python, ['-m', module, ...args], {
    env: toolEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = (): void => {
    child.kill('SIGTERM');
  };
  signal.addEventListener('abort', stop);
  let tail = '';
  let failure: ToolLine['error'];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-TAIL);
  });
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = parseToolLine(text);
    if (line?.error !== undefined) failure = line.error;
    else if (line !== undefined) onLine(line);
  });
  try {
    const ended = await new Promise<string | undefined>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, killed) => resolve(code === 0 ? undefined : (killed ?? `exit code ${code}`)));
    });
    signal.throwIfAborted();
    if (failure !== undefined) throw new ToolFailure(failure.code, failure.message);
    if (ended !== undefined) {
      throw new PublishError('unavailable', `python -m ${module} ended with ${ended}\n${tail.trimEnd()}`.trimEnd());
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    const message = `Python cannot be run as ${python} (${(error as Error).message}): run \`npm run setup\`, or set RZERO_PYTHON`;
    throw new PublishError('unavailable', message);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A tool's environment: the caller's, and a path to its module. */
export function toolEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, PYTHONPATH: [WORKER_PACKAGE, ...(env.PYTHONPATH ? [env.PYTHONPATH] : [])].join(delimiter) };
}

/** A line that a tool printed; undefined where it is none of its own. */
export function parseToolLine(text: string): ToolLine | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as ToolLine;
  } catch {
    return undefined;
  }
}
