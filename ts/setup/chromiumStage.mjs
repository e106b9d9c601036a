import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findChromium } from './findChromium.mjs';
import { findProgram } from './findPython.mjs';
import { PATHS, ROOT } from './paths.mjs';
import { EXIT, SetupProblem } from './problem.mjs';
import { runTool } from './tool.mjs';

/** Chromium, for the tests of the report's page: one that is there, or Debian's. */
export const chromiumStage = {
  name: 'browser',
  title: 'Chromium',
  hint: 'apt-get install',

  isCurrent() {
    return findChromium(process.env) !== undefined;
  },

  /** @throws SetupProblem where it must be installed by hand */
  prepare(env) {
    if (env.RZERO_CHROMIUM) {
      throw new SetupProblem(
        EXIT.config,
        `RZERO_CHROMIUM is ${env.RZERO_CHROMIUM}, which is no program: name Chromium's path, or unset it.`,
      );
    }
    if (findProgram('apt-get', env) && asRoot(env) !== undefined) return;
    throw new SetupProblem(
      EXIT.unavailable,
      'Chromium was not found, and only root may install it: install it (Debian: `apt install chromium`), or name its path in RZERO_CHROMIUM.',
    );
  },

  async run({ env, signal, note, onLine }) {
    const apt = [...asRoot(env), findProgram('apt-get', env)];
    for (const args of [['update'], ['install', '--yes', '--no-install-recommends', 'chromium']]) {
      const [program, ...rest] = [...apt, ...args];
      await runTool(program, rest, {
        name: `\`apt-get ${args[0]}\``,
        cwd: ROOT,
        env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
        signal,
        log: join(PATHS.state, 'browser.log'),
        diagnose: () => ({
          exitCode: EXIT.unavailable,
          sentence: `\`apt-get ${args[0]}\` failed: install Chromium by hand, or name its path in RZERO_CHROMIUM.`,
        }),
        onStart: note,
        onLine,
      });
    }
  },
};

/** What makes a command root's, without asking for a password; undefined where nothing does. */
function asRoot(env) {
  if (process.getuid?.() === 0) return [];
  const sudo = findProgram('sudo', env);
  return sudo && spawnSync(sudo, ['-n', 'true'], { env }).status === 0 ? [sudo, '-n'] : undefined;
}
