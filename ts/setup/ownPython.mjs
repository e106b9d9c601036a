import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, isExecutable, isNewEnough, OLDEST_PYTHON, probe } from './findPython.mjs';
import { PATHS, ROOT } from './paths.mjs';
import { EXIT, SetupProblem } from './problem.mjs';
import { hashOf, readStamp, removeStamp, textOf, whenThere, writeStamp } from './stamp.mjs';
import { runTool } from './tool.mjs';

const STAMP = join(PATHS.state, 'own-python.json');
const CHECKER = fileURLToPath(new URL('ownPython.py', import.meta.url));

/**
 * The environment that a user names in RZERO_PYTHON: checked, never changed.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {readonly string[]} extras which groups of pyproject.toml are needed: 'torch', 'test'
 */
export function ownPythonStage(env, extras) {
  return {
    name: 'python',
    title: 'Python environment',
    hint: 'checking the one in RZERO_PYTHON',

    isCurrent() {
      const path = ownPython(env);
      const stamp = path && readStamp(STAMP);
      return (
        stamp !== undefined &&
        stamp.hash === wantedHash(path, stamp.site) &&
        extras.every((name) => stamp.extras.includes(name))
      );
    },

    /** @throws SetupProblem when RZERO_PYTHON names no Python, or one that is too old */
    prepare() {
      const path = ownPython(env);
      const found = isExecutable(path) ? probe(path) : undefined;
      if (found === undefined) {
        throw new SetupProblem(
          EXIT.config,
          `RZERO_PYTHON=${env.RZERO_PYTHON} is not a Python that runs: name one, or unset it to have .venv made.`,
        );
      }
      if (isNewEnough(found.version)) return;
      throw new SetupProblem(
        EXIT.unavailable,
        `RZERO_PYTHON=${env.RZERO_PYTHON} is Python ${found.version.join('.')}: name one of ${OLDEST_PYTHON.join('.')} or newer, or unset it to have .venv made.`,
      );
    },

    async run({ signal, note, onLine }) {
      const path = ownPython(env);
      removeStamp(STAMP);
      const output = await runTool(path, [CHECKER, PATHS.pyproject, ...extras], {
        name: path,
        cwd: ROOT,
        env,
        signal,
        log: join(PATHS.state, 'python.log'),
        diagnose: () => undefined,
        onStart: note,
        onLine,
      });
      // Among what packages print as they are imported.
      const answer = output.split('\n').find((line) => line.startsWith('{"lacks"'));
      const { lacks, install, site } = JSON.parse(answer);
      if (lacks.length > 0) {
        throw new SetupProblem(
          EXIT.unavailable,
          `RZERO_PYTHON=${env.RZERO_PYTHON} lacks ${lacks.join(', ')}: run \`${path} -m pip install ${install.join(' ')}\`, or unset it to have .venv made.`,
        );
      }
      writeStamp(STAMP, { hash: wantedHash(path, site), extras, site });
    },
  };
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {string} the absolute path that RZERO_PYTHON means: a path, or a name on PATH
 */
export function ownPython(env) {
  const given = env.RZERO_PYTHON;
  if (isAbsolute(given)) return given;
  // A path is meant from where the user stands, as in any program.
  return (given.includes('/') ? undefined : findProgram(given, env)) ?? resolve(given);
}

/** The times of the program and of site-packages change when somebody upgrades, installs or removes. */
function wantedHash(path, site) {
  const time = (file) => String(whenThere(() => statSync(file).mtimeMs));
  const real = whenThere(() => realpathSync(path)) ?? '';
  return hashOf([path, real, time(path), time(String(site)), textOf(PATHS.pyproject)]);
}
