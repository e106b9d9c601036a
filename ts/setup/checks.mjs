import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { environmentPython, projectEnvironment } from './ensure.mjs';
import { PATHS, ROOT } from './paths.mjs';
import { passThrough } from './run.mjs';
import { textOf } from './stamp.mjs';

/**
 * @typedef {object} Outcome
 * @property {string} name
 * @property {number} passed
 * @property {number} failed
 * @property {string} note what else there is to say; may be empty
 */

/** What is checked besides the tests, each worth one: `[name, program, args]`. */
const CHECKS = {
  generated: () => ['proto/generate.mjs --check', process.execPath, ['proto/generate.mjs', '--check']],
  types: () => ['tsc', process.execPath, [inModules('typescript/bin/tsc'), '--project', 'tsconfig.json']],
  client: () => [
    'tsc of the page',
    process.execPath,
    [inModules('typescript/bin/tsc'), '--project', 'ts/page/client/tsconfig.json'],
  ],
  biome: () => ['biome check', process.execPath, [inModules('@biomejs/biome/bin/biome'), 'check', '.']],
  format: () => ['ruff format --check', environmentPython(), ['-m', 'ruff', 'format', '--check', 'py_worker']],
  lint: () => ['ruff check', environmentPython(), ['-m', 'ruff', 'check', 'py_worker']],
};

/**
 * @param {'generated' | 'types' | 'client' | 'biome' | 'format' | 'lint'} which
 * @returns {Promise<Outcome>}
 */
export async function runCheck(which) {
  const [name, program, args] = CHECKS[which]();
  const code = await show(name, program, args);
  return { name, passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, note: code === 0 ? '' : `exit code ${code}` };
}

/**
 * The TypeScript tests.
 *
 * @param {string[]} args jest's own: a pattern, --verbose
 * @param {NodeJS.ProcessEnv} [env] more environment variables
 * @returns {Promise<Outcome>}
 */
export async function runJest(args, env = {}) {
  const results = join(PATHS.state, 'jest.json');
  rmSync(results, { force: true });
  const flags = ['--config', 'jest.config.js', '--json', '--outputFile', results, ...args];
  // Native ES modules are behind a flag of Node, which warns of it in every process.
  const options = [process.env.NODE_OPTIONS, '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const code = await show('jest', process.execPath, [inModules('jest/bin/jest.js'), ...flags], {
    ...env,
    NODE_OPTIONS: options.filter(Boolean).join(' '),
  });
  return outcome('jest', code, countJest(textOf(results)));
}

/**
 * The Python tests.
 *
 * @param {string} [python] the environment's by default
 * @param {string[]} [files] all by default
 * @returns {Promise<Outcome>}
 */
export async function runPytest(python = environmentPython(), files = ['py_worker/tests']) {
  const results = join(PATHS.state, 'pytest.xml');
  rmSync(results, { force: true });
  const code = await show('pytest', python, ['-m', 'pytest', '-q', '--junitxml', results, ...files]);
  return outcome('pytest', code, countPytest(textOf(results)));
}

/**
 * @param {string} text what jest wrote with --json; '' when it wrote nothing
 * @returns {{passed: number, failed: number, skipped: number}} a file that could not be run is one failure
 */
export function countJest(text) {
  if (!text) return { passed: 0, failed: 0, skipped: 0 };
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, numPendingTests, numTodoTests } = JSON.parse(text);
  return {
    passed: numPassedTests,
    failed: numFailedTests + numRuntimeErrorTestSuites,
    skipped: numPendingTests + numTodoTests,
  };
}

/**
 * @param {string} text what pytest wrote with --junitxml; '' when it wrote nothing
 * @returns {{passed: number, failed: number, skipped: number}} an error outside a test is a failure
 */
export function countPytest(text) {
  const suite = /<testsuite\s[^>]*>/.exec(text)?.[0] ?? '';
  const count = (name) => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const failed = count('failures') + count('errors');
  const skipped = count('skipped');
  return { passed: Math.max(0, count('tests') - failed - skipped), failed, skipped };
}

/**
 * A runner that crashed or found no test has failed, whatever it counted.
 *
 * @param {string} name
 * @param {number} code its exit code
 * @param {{passed: number, failed: number, skipped: number}} counts
 * @returns {Outcome}
 */
export function outcome(name, code, { passed, failed, skipped }) {
  const notes = skipped > 0 ? [`${skipped} skipped`] : [];
  if (passed + failed === 0) notes.push('ran no test');
  if (code !== 0) notes.push(`exit code ${code}`);
  const wrong = code !== 0 || passed + failed === 0;
  return { name, passed, failed: failed === 0 && wrong ? 1 : failed, note: notes.join(', ') };
}

/**
 * Print a table of outcomes, then the line `N passed, N failed`.
 *
 * @param {Outcome[]} outcomes
 * @returns {number} the exit code: 0 when nothing failed
 */
export function sumUp(outcomes) {
  const width = Math.max(...outcomes.map(({ name }) => name.length));
  const total = (key) => outcomes.reduce((sum, each) => sum + each[key], 0);
  process.stdout.write('\n');
  for (const { name, passed, failed, note } of outcomes) {
    const verdict = failed > 0 ? 'FAILED' : 'ok    ';
    const numbers = `${passed} passed, ${failed} failed`;
    process.stdout.write(`${name.padEnd(width)}  ${verdict}  ${numbers}${note && ` (${note})`}\n`);
  }
  process.stdout.write(`${total('passed')} passed, ${total('failed')} failed\n`);
  return total('failed') > 0 ? 1 : 0;
}

/** @param {string} file */
function inModules(file) {
  return join(PATHS.nodeModules, file);
}

async function show(name, program, args, env = {}) {
  process.stdout.write(`\n> ${name}\n`);
  try {
    return await passThrough(program, args, { cwd: ROOT, env: { ...projectEnvironment(), ...env } });
  } catch (error) {
    if (error.syscall === undefined) throw error;
    process.stdout.write(`cannot run ${program}: ${error.message}\n`);
    return 127;
  }
}
