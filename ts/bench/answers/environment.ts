import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../cli/places.ts';
import type { Pair } from './pair.ts';
import { programPath } from './peer.ts';

const run = promisify(execFile);

/** The peers as they are measured; mathruler imports the last two without asking for them. */
const PACKAGES = ['math-verify==0.9.0', 'mathruler==0.1.0', 'pylatexenc==2.10', 'tqdm==4.70.1'];

/** Where the peers live, out of the project's own environment. */
const FOLDER = join(ROOT, '.setup', 'answers');

const MINUTES = 60_000;

/**
 * Make an environment with the peers where there is none yet.
 *
 * @param python that makes it
 * @returns its Python
 * @throws Error when pip fails or takes over ten minutes
 */
export async function peerPython(python: string): Promise<string> {
  const own = join(FOLDER, 'venv', 'bin', 'python');
  const works = () => run(own, ['-c', 'import math_verify, mathruler.grader'], { timeout: 2 * MINUTES });
  if (existsSync(own) && (await works().catch(() => null)) !== null) return own;
  process.stderr.write(`installing ${PACKAGES.join(', ')} in ${FOLDER}\n`);
  await run(python, ['-m', 'venv', '--clear', join(FOLDER, 'venv')], { timeout: 5 * MINUTES });
  await run(own, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { timeout: 10 * MINUTES });
  await works();
  return own;
}

/**
 * Math-Verify's own equality tests, from a folder or from its source package, which pip downloads.
 *
 * @param python an environment's
 */
export async function upstreamTests(python: string, folder: string | undefined): Promise<Pair[]> {
  const { stdout } = await run(python, [programPath('upstream.py'), folder ?? (await sourcePackage(python))], {
    maxBuffer: 64 * 1024 * 1024,
    timeout: MINUTES,
  });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

async function sourcePackage(python: string): Promise<string> {
  const sources = join(FOLDER, 'sources');
  const tests = join(sources, 'math_verify-0.9.0', 'tests');
  if (existsSync(tests)) return tests;
  const download = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--no-binary', ':all:', '--dest', sources];
  await run(python, [...download, PACKAGES[0] as string], { timeout: 10 * MINUTES });
  const archive = readdirSync(sources).find((name) => name.endsWith('.tar.gz'));
  if (archive === undefined) throw new Error(`pip left no source package in ${sources}`);
  await run(python, ['-m', 'tarfile', '--extract', join(sources, archive), sources], { timeout: MINUTES });
  return tests;
}
