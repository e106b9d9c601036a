import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { diagnoseNpm } from './diagnose.mjs';
import { findProgram } from './findPython.mjs';
import { PATHS, ROOT } from './paths.mjs';
import { EXIT, SetupProblem } from './problem.mjs';
import { hashOf, readStamp, removeStamp, textOf, writeStamp } from './stamp.mjs';
import { runTool } from './tool.mjs';

const STAMP = join(PATHS.nodeModules, '.rzero-setup.json');
/** npm's own record of what it installed, which it writes last. */
const INSTALLED = join(PATHS.nodeModules, '.package-lock.json');

/** The npm packages of package-lock.json, in node_modules. */
export const npmStage = {
  name: 'npm',
  title: 'npm packages',
  hint: 'npm ci',

  isCurrent() {
    const hash = wantedHash();
    if (readStamp(STAMP)?.hash === hash && existsSync(INSTALLED)) return true;
    // Somebody who ran `npm install` or `npm ci` need not wait for the same again.
    if (!hasAll(parse(textOf(PATHS.packageLock)), parse(textOf(INSTALLED)))) return false;
    writeStamp(STAMP, { hash });
    return true;
  },

  /** @throws SetupProblem when npm is missing */
  prepare(env) {
    if (findProgram('npm', env)) return;
    throw new SetupProblem(
      EXIT.unavailable,
      'npm was not found: install it (Debian and Ubuntu: `apt install npm`; elsewhere it comes with Node) and run this again.',
    );
  },

  async run({ env, signal, note, onLine }) {
    removeStamp(STAMP);
    // The compiler and jest are development packages: needed even where the user's settings omit those.
    await runTool(findProgram('npm', env), ['ci', '--include=dev', '--no-audit', '--no-fund'], {
      name: '`npm ci`',
      cwd: ROOT,
      env,
      signal,
      log: join(PATHS.state, 'npm.log'),
      diagnose: diagnoseNpm,
      onStart: note,
      onLine,
    });
    writeStamp(STAMP, { hash: wantedHash() });
  },
};

/** What is installed differs by these; a folder may be shared between machines, or have moved to another Node. */
function wantedHash() {
  const { platform, arch, versions } = process;
  return hashOf([textOf(PATHS.packageLock), platform, arch, versions.modules]);
}

/**
 * Whether all that a lock file asks of this machine is installed, by npm's record of it.
 *
 * @param {{packages?: Record<string, object>}} lock package-lock.json
 * @param {{packages?: Record<string, object>}} installed node_modules/.package-lock.json
 */
export function hasAll(lock, installed) {
  if (!lock.packages || !installed.packages) return false;
  return Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .every(([path, wanted]) => {
      const there = installed.packages[path];
      if (!there) return wanted.optional === true && !isForThisMachine(wanted);
      return there.version === wanted.version && there.integrity === wanted.integrity;
    });
}

function isForThisMachine({ os, cpu, libc }) {
  return admits(os, process.platform) && admits(cpu, process.arch) && !libc?.includes('musl');
}

/** npm's `os` and `cpu` lists: names, or excluded names with a `!`. */
function admits(list, name) {
  if (!list) return true;
  return list.includes(name) || (list.every((entry) => entry.startsWith('!')) && !list.includes(`!${name}`));
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
