import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../cli/places.ts';

const run = promisify(execFile);

/** TRL as it is measured, with the versions of PyTorch and transformers that the worker has. */
const PACKAGES = ['trl==1.16.0', 'torch==2.13.0', 'transformers==5.19.0', 'accelerate', 'datasets'];

/** Where they live, out of the project's own environment. */
const FOLDER = join(ROOT, '.setup', 'train-step', 'venv');

const MINUTES = 60_000;

/**
 * Make an environment with TRL where there is none yet.
 *
 * @param python that makes it
 * @returns its Python
 * @throws Error when pip fails or takes over half an hour
 */
export async function trlPython(python: string): Promise<string> {
  const own = join(FOLDER, 'bin', 'python');
  const works = () => run(own, ['-c', 'from trl import GRPOTrainer'], { timeout: 5 * MINUTES });
  if (existsSync(own) && (await works().catch(() => null)) !== null) return own;
  process.stderr.write(`installing ${PACKAGES.join(', ')} in ${FOLDER}\n`);
  await run(python, ['-m', 'venv', '--clear', FOLDER], { timeout: 5 * MINUTES });
  await run(own, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { timeout: 30 * MINUTES });
  await works();
  return own;
}
