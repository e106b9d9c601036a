import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { diagnosePip } from './diagnose.mjs';
import { findPython } from './findPython.mjs';
import { PATHS, ROOT } from './paths.mjs';
import { EXIT, SetupProblem } from './problem.mjs';
import { hashOf, readStamp, textOf, whenThere, writeStamp } from './stamp.mjs';
import { runTool } from './tool.mjs';

const STAMP = join(PATHS.venv, '.rzero-setup.json');
/** What must lie in site-packages for the environment to be worth its stamp. */
const MODULES = ['msgspec', 'pytest', 'torch', 'transformers', 'zmq'];

/** The virtual environment .venv with the worker's packages; see ownPython.mjs for RZERO_PYTHON. */
export const pythonStage = {
  name: 'python',
  title: 'Python environment',
  hint: 'pip install into .venv, minutes the first time',

  isCurrent() {
    const stamp = readStamp(STAMP);
    return stamp !== undefined && stamp.hash === wantedHash() && isWhole(stamp);
  },

  /** @throws SetupProblem when no Python will do, or .venv is somebody else's */
  prepare(env) {
    const stamp = readStamp(STAMP);
    if (existsSync(PATHS.venv) && stamp === undefined) {
      throw new SetupProblem(
        EXIT.config,
        'the folder .venv was not made by this set-up: move it away, or use it by RZERO_PYTHON=.venv/bin/python.',
      );
    }
    if (stamp === undefined || !isWhole(stamp)) findPython(env);
  },

  async run({ env, signal, note, onLine, say }) {
    const log = join(PATHS.state, 'python.log');
    const options = { cwd: ROOT, env: { ...env, ...PIP_ENV }, signal, onStart: note };
    const before = readStamp(STAMP);
    let python = before?.python;
    // A complete environment is brought up to date; anything else is made anew, because pip believes its
    // own records and would not put back what is missing.
    if (before === undefined || !isWhole(before)) {
      const base = findPython(env);
      python = `Python ${base.version.join('.')}`;
      rmSync(PATHS.venv, { recursive: true, force: true });
      mkdirSync(PATHS.venv);
      // Without a hash: marks the folder as ours and the installation as unfinished.
      writeStamp(STAMP, { python });
      await runTool(base.path, ['-m', 'venv', PATHS.venv], {
        ...options,
        name: `\`${base.path} -m venv\``,
        log,
        diagnose: (output) => diagnosePip(output, python),
      });
    }
    writeStamp(STAMP, { python });

    // pip's own settings choose the index. torch is named without a build: where the user's settings offer
    // a CPU build (an index or a folder with 2.x.y+cpu), pip takes it by itself, because a local version
    // ranks above the bare one; where they do not, PyPI's build for this platform is what they asked for.
    // Passing PyTorch's index ourselves would override a mirror that is there for a reason.
    let told = false;
    await runTool(
      PATHS.venvPython,
      ['-m', 'pip', 'install', '-e', './py_worker[torch,test]', '-c', 'py_worker/constraints.txt'],
      {
        ...options,
        name: '`pip install`',
        log,
        diagnose: (output) => diagnosePip(output, python),
        onLine: (line) => {
          onLine(line);
          if (told || !/(Collecting|Downloading) nvidia[-_]/.test(line)) return;
          told = true;
          say(
            'pip chose the CUDA build of torch, several GB; for the small CPU build stop this, ' +
              'set PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu and start again',
          );
        },
      },
    );
    const site = await runTool(PATHS.venvPython, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'], {
      ...options,
      name: '.venv/bin/python',
      log: join(PATHS.state, 'site.log'),
      diagnose: () => undefined,
    });
    const real = realpathSync(PATHS.venvPython);
    writeStamp(STAMP, { hash: wantedHash(), python, real, site: site.trim().split('\n').at(-1) });
  },
};

/**
 * `user = true` in somebody's pip settings fails inside a virtual environment. The rest only keeps pip
 * from asking and from telling of its own updates.
 */
const PIP_ENV = { PIP_USER: '0', PIP_NO_INPUT: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1' };

/** The root is a part of it: scripts and editable installations hold absolute paths. */
function wantedHash() {
  return hashOf([ROOT, textOf(PATHS.pyproject), textOf(PATHS.constraints), ...MODULES]);
}

/**
 * Finished once, its interpreter still the same program (a system's update may have replaced it), and
 * its packages still there.
 */
function isWhole({ hash, real, site }) {
  return (
    hash !== undefined &&
    whenThere(() => realpathSync(PATHS.venvPython)) === real &&
    MODULES.every((name) => existsSync(join(site, name)))
  );
}
