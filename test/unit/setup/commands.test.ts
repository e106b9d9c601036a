import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createProject, type Project } from './project.ts';

const SETUP = fileURLToPath(new URL('../../../ts/setup', import.meta.url));
const JEST = (passed: number, failed: number, crashed = 0): string =>
  JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    numRuntimeErrorTestSuites: crashed,
    numPendingTests: 0,
    numTodoTests: 0,
  });
const PYTEST = (tests: number, failures: number, errors: number, skipped = 0): string =>
  `<testsuites><testsuite name="pytest" errors="${errors}" failures="${failures}" skipped="${skipped}" tests="${tests}"></testsuite></testsuites>`;

let project: Project;
let before = 0;
beforeAll(async () => {
  project = createProject();
  expect((await project.run('setup.mjs')).code).toBe(0);
});
beforeEach(() => {
  before = project.calls().length;
});
afterAll(() => project.remove());

describe('rzero and npm start', () => {
  test('hand arguments, the Python and the exit code through, and say nothing of their own', async () => {
    const { code, stdout, stderr } = await project.run('rzero.mjs', ['report', '--open']);
    expect({ code, stderr }).toEqual({ code: 7, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ args: ['report', '--open'], python: project.path('.venv', 'bin', 'python') });
    expect(project.calls()).toHaveLength(before);
  });

  test('start is `run` with the arguments given', async () => {
    const { stdout } = await project.run('start.mjs', ['--iterations', '2']);
    expect(JSON.parse(stdout).args).toEqual(['run', '--iterations', '2']);
  });

  test('signals reach the program', async () => {
    const running = project.start('rzero.mjs', ['wait']);
    await running.printed('ready');
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(42);
  });
});

describe('npm run bench', () => {
  beforeAll(() => project.write('ts/bench/speed.ts', 'console.log("fast", process.argv[2]);'));

  test('runs a program of ts/bench', async () => {
    const { code, stdout } = await project.run('bench.mjs', ['speed', 'x']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'fast x\n' });
  });

  test.each([[[]], [['slow']]])('lists them for %j', async (args) => {
    const { code, stderr } = await project.run('bench.mjs', args);
    expect(code).toBe(2);
    expect(stderr).toContain('one of\n  speed\n');
  });
});

describe('npm test', () => {
  const good = { FAKE_JEST: JEST(3, 0), FAKE_PYTEST_XML: PYTEST(5, 0, 0, 1) };
  const lastLine = (text: string): string | undefined => text.trimEnd().split('\n').at(-1);

  test('counts both runners and the check of the generated files', async () => {
    const { code, stdout } = await project.run('test.mjs', [], good);
    // 1 check + 3 + (5 - 1 skipped)
    expect(lastLine(stdout)).toBe('8 passed, 0 failed');
    expect(stdout).toContain('pytest                      ok      4 passed, 0 failed (1 skipped)');
    expect(code).toBe(0);
  });

  test.each([
    ['a failing check', { FAKE_GENERATE: '1' }, '7 passed, 1 failed'],
    ['failing tests', { FAKE_JEST: JEST(3, 2), FAKE_JEST_EXIT: '1' }, '8 passed, 2 failed'],
    ['a test file that cannot be loaded', { FAKE_JEST: JEST(3, 0, 1), FAKE_JEST_EXIT: '1' }, '8 passed, 1 failed'],
    ['jest crashed', { FAKE_JEST: '', FAKE_JEST_EXIT: '1' }, '5 passed, 1 failed'],
    ['jest ran nothing', { FAKE_JEST: JEST(0, 0) }, '5 passed, 1 failed'],
    ['jest ended badly after its tests', { FAKE_JEST_EXIT: '1' }, '8 passed, 1 failed'],
    ['pytest could not collect', { FAKE_PYTEST_XML: PYTEST(1, 0, 1), FAKE_PYTEST_EXIT: '2' }, '4 passed, 1 failed'],
    ['pytest crashed', { FAKE_PYTEST_XML: '', FAKE_PYTEST_EXIT: '3' }, '4 passed, 1 failed'],
  ])('%s', async (_, env, summary) => {
    const { code, stdout } = await project.run('test.mjs', [], { ...good, ...env });
    expect(lastLine(stdout)).toBe(summary);
    expect(code).toBe(1);
  });

  test('a pattern runs jest alone', async () => {
    const { stdout } = await project.run('test.mjs', ['vote', '--verbose'], good);
    expect(lastLine(stdout)).toBe('3 passed, 0 failed');
    expect(project.calls().slice(before)).toEqual(['jest vote --verbose']);
  });
});

describe('Node', () => {
  const entries = readdirSync(SETUP).filter((name) => /^(launch|nodeVersion|[a-z]+)\.mjs$/.test(name));
  const isEntry = (name: string): boolean => readFileSync(`${SETUP}/${name}`, 'utf8').includes("from './launch.mjs'");
  const early = [...entries.filter(isEntry), 'launch.mjs', 'nodeVersion.mjs'];

  test('an old one is told so in a sentence, and the oldest is what package.json says', async () => {
    const { nodeProblem, OLDEST_NODE } = (await import(`${SETUP}/nodeVersion.mjs`)) as {
      nodeProblem(version: string, platform: string): string;
      OLDEST_NODE: number[];
    };
    const { engines } = JSON.parse(readFileSync(`${SETUP}/../../package.json`, 'utf8'));
    expect(engines.node).toBe(`>=${OLDEST_NODE.join('.')}`);
    expect(nodeProblem('18.19.1', 'linux')).toMatch(/^Node 18\.19\.1 is too old: install Node 20\.11 or newer/);
    expect(nodeProblem('20.10.0', 'linux')).not.toBe('');
    expect(nodeProblem('20.11.0', 'linux')).toBe('');
    expect(nodeProblem('26.0.0', 'darwin')).toBe('');
    expect(nodeProblem('22.1.0', 'win32')).toContain('WSL');
  });

  test('the files that are loaded before the check hold nothing that an old one cannot parse', () => {
    expect(early.sort()).toEqual(
      ['bench', 'check', 'launch', 'nodeVersion', 'python', 'rzero', 'setup', 'start', 'test'].map(
        (name) => `${name}.mjs`,
      ),
    );
    for (const name of early) {
      const code = readFileSync(`${SETUP}/${name}`, 'utf8').replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '');
      expect(code).not.toMatch(/node:|\?\.|\?\?|\bawait\b|\|\|=|&&=|import\.meta|#\w/);
      const statics = [...code.matchAll(/^import .* from '(.*)';$/gm)].map((match) => match[1]);
      expect(['./launch.mjs', './nodeVersion.mjs']).toEqual(expect.arrayContaining(statics));
    }
  });
});
