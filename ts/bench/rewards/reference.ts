import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { ROOT } from '../../cli/places.ts';

/** What one run of reference.py says; seconds of processor time. */
export interface ReferenceRun {
  distanceSeconds: number;
  clusterSeconds: number;
  /** A cluster's number for each question; their order is scikit-learn's. */
  labels: number[];
  versions: Record<string, string>;
}

/** What the reference is made of. */
const PACKAGES = ['nltk==3.10.4', 'scikit-learn==1.9.1'];

/** Where the environment for it lies. */
const ENVIRONMENT = join(ROOT, 'runs', 'rewards', 'reference');

/** Run the reference on a batch. @throws Error with what it said when it fails */
export async function runReference(
  python: string,
  questions: readonly string[],
  threshold: number,
): Promise<ReferenceRun> {
  // tsc copies no Python into the build.
  const program = spawn(python, [join(ROOT, 'ts', 'bench', 'rewards', 'reference.py')], {
    env: { ...process.env, OMP_NUM_THREADS: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(program, 'close');
  program.stdin.on('error', () => undefined); // its exit code says more
  program.stdin.end(JSON.stringify({ questions, threshold }));
  const output = await text(program.stdout);
  const [exitCode] = await ended;
  if (exitCode !== 0) throw new Error(`${python} reference.py ended with exit code ${exitCode}`);
  return JSON.parse(output) as ReferenceRun;
}

/**
 * A Python with NLTK and scikit-learn in an environment of the bench's own, made where it is not there yet.
 * @param base the Python to make it with
 */
export async function ownReferencePython(base: string): Promise<string> {
  const python = join(ENVIRONMENT, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const run = promisify(execFile);
  if (!existsSync(python)) await run(base, ['-m', 'venv', ENVIRONMENT]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES]);
  return python;
}
