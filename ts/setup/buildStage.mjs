import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PATHS, ROOT } from './paths.mjs';
import { EXIT } from './problem.mjs';
import { filesUnder, hashOf, readStamp, textOf, writeStamp } from './stamp.mjs';
import { runTool } from './tool.mjs';

const STAMP_NAME = '.rzero-setup.json';
/** Beside dist, so that source maps point to the same places from both. */
const NEXT = `${PATHS.dist}.next`;
/** What tsc reads besides the sources. */
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package.json', 'package-lock.json'];

/** Of the report's page, which runs in browsers: bundled into these two files, and not compiled one by one. */
const CLIENT = 'page/client/';
const BUNDLE = ['page/client.js', 'page/client.css'];

/** The TypeScript sources, compiled to dist. */
export const buildStage = {
  name: 'build',
  title: 'build',
  hint: 'tsc, esbuild',

  isCurrent() {
    const stamp = readStamp(join(PATHS.dist, STAMP_NAME));
    if (stamp === undefined) return false;
    const sources = sourceFiles();
    return stamp.hash === wantedHash(sources) && outputsOf(sources).every((file) => existsSync(join(PATHS.dist, file)));
  },

  prepare() {},

  async run({ env, signal, note, onLine }) {
    const sources = sourceFiles();
    // Before tsc, so that a file that is saved while it runs makes the result out of date.
    const hash = wantedHash(sources);
    rmSync(NEXT, { recursive: true, force: true });
    // With the JavaScript that starts it rather than node_modules/.bin, which some settings leave out.
    const tsc = join(PATHS.nodeModules, 'typescript', 'bin', 'tsc');
    await runTool(process.execPath, [tsc, '--project', 'tsconfig.build.json', '--outDir', NEXT], {
      name: 'tsc',
      cwd: ROOT,
      env,
      signal,
      log: join(PATHS.state, 'build.log'),
      diagnose: (output) =>
        /error TS\d+/.test(output)
          ? { exitCode: EXIT.bug, sentence: 'the TypeScript sources do not compile: see the errors above.' }
          : undefined,
      onStart: note,
      onLine,
    });
    await runTool(process.execPath, [join(PATHS.sources, CLIENT, 'bundle.mjs'), join(NEXT, 'page')], {
      name: 'esbuild',
      cwd: ROOT,
      env,
      signal,
      log: join(PATHS.state, 'bundle.log'),
      diagnose: () => undefined,
      onStart: note,
      onLine,
    });
    for (const file of sources.filter((path) => !path.endsWith('.ts') && !path.startsWith(CLIENT))) {
      mkdirSync(dirname(join(NEXT, file)), { recursive: true });
      copyFileSync(join(PATHS.sources, file), join(NEXT, file));
    }
    writeStamp(join(NEXT, STAMP_NAME), { hash });
    // A new folder and not the old one written over: outputs of deleted sources must not stay.
    rmSync(PATHS.dist, { recursive: true, force: true });
    renameSync(NEXT, PATHS.dist);
  },
};

/** All under ts/ but the set-up itself: TypeScript, and data that the modules read beside themselves. */
function sourceFiles() {
  return filesUnder(PATHS.sources, (path) => !path.startsWith('setup/') && !path.split('/').pop().startsWith('.'));
}

function outputsOf(sources) {
  const others = sources.filter((path) => !path.startsWith(CLIENT));
  return [...others.map((path) => path.replace(/\.ts$/, '.js')), ...BUNDLE];
}

function wantedHash(sources) {
  return hashOf([
    ...SETTINGS.map((name) => textOf(join(ROOT, name))),
    ...sources.flatMap((path) => [path, readFileSync(join(PATHS.sources, path))]),
  ]);
}
