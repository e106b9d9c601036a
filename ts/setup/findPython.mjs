import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { EXIT, SetupProblem } from './problem.mjs';
import { whenThere } from './stamp.mjs';

/** The oldest Python that runs the worker, `[major, minor]`; `requires-python` of pyproject.toml says the same. */
export const OLDEST_PYTHON = [3, 11];
/** A newer one than this is taken only when there is no other: wheels of torch come months after a Python. */
const NEWEST_PYTHON = [3, 14];

/**
 * `python3` first, because that is what an activated environment, pyenv or conda set for this folder; the
 * numbered ones are for systems whose python3 is too old. `python` is Python 2 on some systems.
 */
const NAMES = ['python3', 'python', 'python3.13', 'python3.12', 'python3.11'];

// For any Python from 2 on.
const PROBE = `import sys
try:
    import venv, ensurepip
    has_venv = 1
except ImportError:
    has_venv = 0
sys.stdout.write('%d %d %d %d %s' % (tuple(sys.version_info[:3]) + (has_venv, sys.executable)))`;

/**
 * @typedef {object} Interpreter
 * @property {string} path absolute
 * @property {number[]} version such as `[3, 11, 7]`
 * @property {boolean} hasVenv whether it can make virtual environments with pip in them
 */

/**
 * Ask an interpreter what it is.
 *
 * @param {string} path
 * @returns {Interpreter | undefined} undefined when it does not run: a pyenv shim of an absent version, say
 */
export function probe(path) {
  const { status, stdout } = spawnSync(path, ['-c', PROBE], { encoding: 'utf8', timeout: 30_000 });
  const parts = /^(\d+) (\d+) (\d+) ([01]) (.*)/.exec(stdout ?? '');
  if (status !== 0 || parts === null) return undefined;
  return { path: parts[5] || path, version: parts.slice(1, 4).map(Number), hasVenv: parts[4] === '1' };
}

/** @param {number[]} version */
export function isNewEnough(version) {
  return compare(version, OLDEST_PYTHON) >= 0;
}

/**
 * The Python to make the virtual environment with.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {Interpreter}
 * @throws SetupProblem when there is none, or none that will do
 */
export function findPython(env) {
  const seen = [];
  // All of a name, not only the first: a version manager's shim may stand before a Python that works.
  for (const path of NAMES.flatMap((name) => findPrograms(name, env))) {
    const found = probe(path);
    if (!found) continue;
    if (found.hasVenv && isNewEnough(found.version) && compare(found.version, NEWEST_PYTHON) <= 0) return found;
    seen.push(found);
  }
  const usable = seen.filter(({ version }) => isNewEnough(version));
  const newer = usable.find(({ hasVenv }) => hasVenv);
  if (newer) return newer;
  const wanted = OLDEST_PYTHON.join('.');
  const [noVenv] = usable;
  if (noVenv) {
    const minor = noVenv.version.slice(0, 2).join('.');
    throw new SetupProblem(
      EXIT.unavailable,
      `${noVenv.path} cannot make virtual environments: install its venv module (Debian and Ubuntu: \`apt install python${minor}-venv\`) and run this again.`,
    );
  }
  const [old] = seen.sort((a, b) => compare(b.version, a.version));
  throw new SetupProblem(
    EXIT.unavailable,
    old
      ? `Python ${old.version.join('.')} (${old.path}) is too old: install Python ${wanted} or newer, or name one in RZERO_PYTHON, and run this again.`
      : `Python was not found: install Python ${wanted} or newer, or name one in RZERO_PYTHON, and run this again.`,
  );
}

/**
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined} the first executable of that name on PATH
 */
export function findProgram(name, env) {
  return findPrograms(name, env)[0];
}

function findPrograms(name, env) {
  const folders = (env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(resolve(folder), name)).filter(isExecutable);
}

/** @param {string} path */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    return false;
  }
  return whenThere(() => statSync(path).isFile()) ?? false;
}

/** By major and minor version. */
function compare(a, b) {
  return a[0] - b[0] || a[1] - b[1];
}
