import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../cli/places.ts';
import { UsageError } from '../../cli/usage.ts';
import { WorkerStartError } from '../../worker/errors.ts';

const run = promisify(execFile);

/** TRL as it is measured, with the versions of PyTorch and transformers that the worker has. */
const PACKAGES = ['trl==1.16.0', 'torch==2.13.0', 'transformers==5.19.0', 'accelerate', 'datasets'];

/** Where they live, out of the project's own environment. */
const FOLDER = join(ROOT, '.setup', 'train-step', 'venv');

const MINUTES = 60_000;

/**
 * A Python with TRL: the user's own, or that of an environment which is made where there is none yet.
 *
 * @param base that makes it
 * @throws UsageError for one of the user's that has no TRL; WorkerStartError when pip fails or takes over half an hour
 */
export async function trlPython(base: string, given: string | undefined): Promise<string> {
  if (given !== undefined) {
    if (await hasTrl(given)) return given;
    throw new UsageError(`--trl is "${given}": it must be a Python that can import TRL's GRPOTrainer`);
  }
  const own = join(FOLDER, 'bin', 'python');
  if (existsSync(own) && (await hasTrl(own))) return own;
  process.stderr.write(`installing ${PACKAGES.join(', ')} in ${FOLDER}\n`);
  try {
    await run(base, ['-m', 'venv', '--clear', FOLDER], { timeout: 5 * MINUTES });
    await run(own, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { timeout: 30 * MINUTES });
  } catch (error) {
    throw new WorkerStartError('worker_start_failed', `TRL cannot be installed in ${FOLDER}`, String(error));
  }
  return own;
}

function hasTrl(python: string): Promise<boolean> {
  return run(python, ['-c', 'from trl import GRPOTrainer'], { timeout: 5 * MINUTES }).then(
    () => true,
    () => false,
  );
}
