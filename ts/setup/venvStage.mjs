import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { diagnosePip } from './diagnose.mjs';
import { findPython } from './findPython.mjs';
import { PATHS, ROOT } from './paths.mjs';
import { EXIT, SetupProblem } from './problem.mjs';
import { hashOf, readStamp, textOf, whenThere, writeStamp } from './stamp.mjs';
import { runTool } from './tool.mjs';

/**
 * A stage that makes a virtual environment in the repository.
 *
 * @param {object} what
 * @param {string} what.name of the stage
 * @param {string} what.title
 * @param {string} what.hint
 * @param {string} what.folder absolute
 * @param {readonly (readonly string[])[]} what.pip arguments of pip, call by call
 * @param {string} [what.constraints] file of the versions that pip is held to; the worker's by default
 * @param {readonly string[]} what.modules what must lie in site-packages for the environment to be worth its stamp
 */
export function createVenvStage({ name, title, hint, folder, pip, modules, constraints = PATHS.constraints }) {
  const stampFile = join(folder, '.rzero-setup.json');
  const venvPython = join(folder, 'bin', 'python');
  const short = basename(folder);

  /** The root is a part of it: scripts and editable installations hold absolute paths. */
  const wantedHash = () => hashOf([ROOT, textOf(PATHS.pyproject), textOf(constraints), ...modules]);

  /**
   * Finished once, its interpreter still the same program (a system's update may have replaced it), and
   * its packages still there.
   */
  const isWhole = ({ hash, real, site }) =>
    hash !== undefined &&
    whenThere(() => realpathSync(venvPython)) === real &&
    modules.every((module) => existsSync(join(site, module)));

  return {
    name,
    title,
    hint,

    isCurrent() {
      const stamp = readStamp(stampFile);
      return stamp !== undefined && stamp.hash === wantedHash() && isWhole(stamp);
    },

    /** @throws SetupProblem when no Python will do, or the folder is somebody else's */
    prepare(env) {
      const stamp = readStamp(stampFile);
      if (existsSync(folder) && stamp === undefined) {
        throw new SetupProblem(
          EXIT.config,
          `the folder ${short} was not made by this set-up: move it away, or use it by RZERO_PYTHON=${short}/bin/python.`,
        );
      }
      if (stamp === undefined || !isWhole(stamp)) findPython(env);
    },

    async run({ env, signal, note, onLine, say }) {
      const before = readStamp(stampFile);
      let python = before?.python;
      const options = {
        cwd: ROOT,
        env: { ...env, ...PIP_ENV },
        signal,
        onStart: note,
        log: join(PATHS.state, `${name}.log`),
        diagnose: (output) => diagnosePip(output, python),
      };
      // A complete environment is brought up to date; anything else is made anew, because pip believes its
      // own records and would not put back what is missing.
      if (before === undefined || !isWhole(before)) {
        const base = findPython(env);
        python = `Python ${base.version.join('.')}`;
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder);
        // Without a hash: marks the folder as ours and the installation as unfinished.
        writeStamp(stampFile, { python });
        await runTool(base.path, ['-m', 'venv', folder], { ...options, name: `\`${base.path} -m venv\`` });
      }
      writeStamp(stampFile, { python });

      // pip's own settings choose the index. torch is named without a build: where the user's settings offer
      // a CPU build (an index or a folder with 2.x.y+cpu), pip takes it by itself, because a local version
      // ranks above the bare one; where they do not, PyPI's build for this platform is what they asked for.
      // Passing PyTorch's index ourselves would override a mirror that is there for a reason.
      let told = false;
      for (const args of pip) {
        await runTool(venvPython, ['-m', 'pip', ...args], {
          ...options,
          name: `\`pip ${args[0]}\``,
          onLine: (line) => {
            onLine(line);
            if (told || !/(Collecting|Downloading) nvidia[-_]/.test(line)) return;
            told = true;
            say(
              'pip chose the CUDA build of torch, several GB; for the small CPU build stop this, ' +
                'set PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu and start again',
            );
          },
        });
      }
      const site = await runTool(venvPython, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'], {
        ...options,
        name: `${short}/bin/python`,
        log: join(PATHS.state, 'site.log'),
        diagnose: () => undefined,
      });
      const real = realpathSync(venvPython);
      writeStamp(stampFile, { hash: wantedHash(), python, real, site: site.trim().split('\n').at(-1) });
    },
  };
}

/**
 * `user = true` in somebody's pip settings fails inside a virtual environment. The rest only keeps pip
 * from asking and from telling of its own updates.
 */
const PIP_ENV = { PIP_USER: '0', PIP_NO_INPUT: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
