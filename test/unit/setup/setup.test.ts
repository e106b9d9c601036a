import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createProject, type Project } from './project.ts';

const FRESH = [
  'npm ci --include=dev --no-audit --no-fund',
  'python3 -m venv',
  'python -m pip install',
  'python -c import sysconfig',
  'tsc',
];

let project: Project;
beforeEach(() => {
  project = createProject();
});
afterEach(() => project.remove());

/** The calls of the stand-ins without the arguments that differ from run to run. */
function calls(): string[] {
  return project.calls().map((line) => FRESH.find((known) => line.startsWith(known)) ?? line);
}

describe('a fresh clone', () => {
  test('installs the npm packages and the Python environment, then builds, once', async () => {
    const first = await project.run('setup.mjs');
    expect(first.code).toBe(0);
    expect(calls()).toEqual(FRESH);
    expect(first.stderr).toMatch(/1\/3 npm packages: done \(\d+\.\d s\)/);
    expect(first.stderr).toMatch(/2\/3 Python environment: done/);
    expect(first.stderr).toMatch(/3\/3 build: done/);
    expect(first.stdout).toBe('');
    expect(existsSync(project.path('.setup', 'lock'))).toBe(false);

    const second = await project.run('setup.mjs');
    expect(second).toMatchObject({ code: 0, stderr: 'setup: everything is up to date\n' });
    expect(calls()).toEqual(FRESH);
  });

  test('copies the data that lies beside the sources', async () => {
    await project.run('setup.mjs');
    expect(project.read('dist/eval/data.json')).toBe('[1]');
    expect(existsSync(project.path('dist', 'setup'))).toBe(false);
    expect(existsSync(project.path('dist', 'page', 'client'))).toBe(false);
  });

  test('a packages folder that npm itself made is taken as it is', async () => {
    mkdirSync(project.path('node_modules'));
    project.write('node_modules/.package-lock.json', project.read('package-lock.json'));
    expect((await project.run('setup.mjs', ['npm'])).code).toBe(0);
    expect(calls()).toEqual([]);
  });

  test('a stage that does not exist is a usage error', async () => {
    const { code, stderr } = await project.run('setup.mjs', ['pip']);
    expect(code).toBe(2);
    expect(stderr).toBe(
      "rzero: there is no stage 'pip': choose from npm, python, build, vllm, trackers, tasks, lm-eval, browser.\n",
    );
  });
});

describe('the environment of the vllm backend', () => {
  const VLLM = ['python3 -m venv', 'python -m pip install', 'python -m pip uninstall', 'python -c import sysconfig'];

  test('is made when it is named, and only then', async () => {
    await project.run('setup.mjs');
    expect(existsSync(project.path('.venv-vllm'))).toBe(false);
    rmSync(project.path('calls'));
    expect((await project.run('setup.mjs', ['vllm'])).code).toBe(0);
    expect(project.calls().map((line) => VLLM.find((known) => line.startsWith(known)) ?? line)).toEqual(VLLM);
    const second = await project.run('setup.mjs', ['vllm']);
    expect(second).toMatchObject({ code: 0, stderr: 'setup: everything is up to date\n' });
  });

  test('is asked for where its tests would need it', async () => {
    const { code, stderr } = await project.run('testVllm.mjs');
    expect(code).toBe(69);
    expect(stderr).toBe(
      'rzero: there is no .venv-vllm: run `npm run setup:vllm`, or name a Python that has vLLM in RZERO_PYTHON.\n',
    );
    expect(project.calls()).toEqual([]);
  });
});

describe.each([
  ['trackers', 'testTrackers.mjs'],
  ['tasks', 'testTasks.mjs'],
])('the environment of the %s', (name, tests) => {
  test('is made when it is named, and only then', async () => {
    await project.run('setup.mjs');
    expect(existsSync(project.path(`.venv-${name}`))).toBe(false);
    expect((await project.run('setup.mjs', [name])).code).toBe(0);
    expect(existsSync(project.path(`.venv-${name}`))).toBe(true);
    const second = await project.run('setup.mjs', [name]);
    expect(second).toMatchObject({ code: 0, stderr: 'setup: everything is up to date\n' });
  });

  test('is asked for where its tests would need it', async () => {
    const { code, stderr } = await project.run(tests);
    expect(code).toBe(69);
    expect(stderr).toBe(`rzero: there is no .venv-${name}: run \`npm run setup:${name}\`.\n`);
  });
});

describe('the environment of lm-eval', () => {
  test('is made when it is named, and only then', async () => {
    await project.run('setup.mjs');
    expect(existsSync(project.path('.venv-lm-eval'))).toBe(false);
    expect((await project.run('setup.mjs', ['lm-eval'])).code).toBe(0);
    expect(existsSync(project.path('.venv-lm-eval'))).toBe(true);
    const second = await project.run('setup.mjs', ['lm-eval']);
    expect(second).toMatchObject({ code: 0, stderr: 'setup: everything is up to date\n' });
  });

  test('is asked for where its tests would need it', async () => {
    const { code, stderr } = await project.run('testLmEval.mjs');
    expect(code).toBe(69);
    expect(stderr).toBe('rzero: there is no .venv-lm-eval: run `npm run setup:lm-eval`.\n');
  });
});

describe('Chromium', () => {
  test('that is there is taken, and nothing installed', async () => {
    const named = { RZERO_CHROMIUM: project.provide('own-chromium', 'npm') };
    expect(await project.run('setup.mjs', ['browser'], named)).toMatchObject({
      code: 0,
      stderr: 'setup: everything is up to date\n',
    });
    project.provide('chromium', 'npm');
    expect((await project.run('setup.mjs', ['browser'])).code).toBe(0);
    expect(project.calls()).toEqual([]);
  });

  test('that is named and is not there is an error of the configuration', async () => {
    const { code, stderr } = await project.run('setup.mjs', ['browser'], { RZERO_CHROMIUM: '/nowhere' });
    expect(code).toBe(78);
    expect(stderr).toBe("rzero: RZERO_CHROMIUM is /nowhere, which is no program: name Chromium's path, or unset it.\n");
  });

  test('that is nowhere must be installed by hand where there is no apt-get', async () => {
    for (const script of ['setup.mjs', 'testBrowser.mjs']) {
      const { code, stderr } = await project.run(script, script === 'setup.mjs' ? ['browser'] : []);
      expect(code).toBe(69);
      expect(stderr).toContain('Chromium was not found');
    }
  });
});

describe('after a change', () => {
  beforeEach(async () => {
    await project.run('setup.mjs');
    rmSync(project.path('calls'));
  });

  test.each([
    [
      'the lock file',
      'package-lock.json',
      '{"packages":{"":{},"node_modules/zod":{"version":"5.0.0"}}}',
      [FRESH[0], 'tsc'],
    ],
    ['a TypeScript source', 'ts/cli/main.ts', '// changed', ['tsc']],
    ['the Python requirements', 'py_worker/constraints.txt', 'torch==2.14.0', FRESH.slice(2, 4)],
  ])('%s: does what depends on it and no more', async (_, file, text, expected) => {
    project.write(file, text);
    expect((await project.run('setup.mjs')).code).toBe(0);
    expect(calls()).toEqual(expected);
  });

  test.each([
    ['node_modules', [FRESH[0]]],
    ['.venv', FRESH.slice(1, 4)],
    ['.venv/site/transformers', FRESH.slice(1, 4)],
    ['dist/cli/main.js', ['tsc']],
    ['dist/page/client.js', ['tsc']],
  ])('%s is gone: it is made again', async (removed, expected) => {
    rmSync(project.path(removed), { recursive: true });
    expect((await project.run('setup.mjs')).code).toBe(0);
    expect(calls()).toEqual(expected);
  });

  test('outputs of a deleted source do not stay', async () => {
    project.write('ts/cli/extra.ts', '');
    await project.run('setup.mjs');
    expect(existsSync(project.path('dist/cli/extra.js'))).toBe(true);
    rmSync(project.path('ts/cli/extra.ts'));
    await project.run('setup.mjs');
    expect(existsSync(project.path('dist/cli/extra.js'))).toBe(false);
  });

  test('a build that fails leaves the last one and says so', async () => {
    const before = project.read('dist/cli/main.js');
    project.write('ts/cli/main.ts', 'x');
    const { code, stderr } = await project.run('setup.mjs', [], { FAKE_TSC: 'error' });
    expect(code).toBe(1);
    expect(stderr).toContain('error TS2304');
    expect(stderr).toMatch(/\nrzero: the TypeScript sources do not compile: see the errors above\.\n$/);
    expect(project.read('dist/cli/main.js')).toBe(before);
  });
});

describe('something is missing', () => {
  /** Each says one sentence, the last line, and exits with 69, before anything is installed. */
  async function refused(args: string[] = [], env: Record<string, string> = {}): Promise<string> {
    const { code, stderr } = await project.run('setup.mjs', args, env);
    expect(code).toBe(69);
    expect(stderr).toMatch(/^rzero: [^\n]+\.\n$/);
    expect(calls()).toEqual([]);
    return stderr;
  }

  test('npm', async () => {
    rmSync(project.path('bin', 'npm'));
    expect(await refused()).toContain('npm was not found: install it');
  });

  test('Python', async () => {
    rmSync(project.path('bin', 'python3'));
    expect(await refused()).toContain('Python was not found: install Python 3.11 or newer');
  });

  test('a Python that is new enough', async () => {
    expect(await refused([], { FAKE_PYTHON: '3 9 2 1' })).toContain('Python 3.9.2 (');
  });

  test("Debian's python3-venv", async () => {
    expect(await refused([], { FAKE_PYTHON: '3 12 3 0' })).toContain('`apt install python3.12-venv`');
  });

  test('an old python3 is passed over for a numbered one', async () => {
    project.write('bin/python3', '#!/bin/sh\necho "3 8 10 1 $0"\n');
    project.provide('python3.12', 'python');
    expect((await project.run('setup.mjs', ['python'])).code).toBe(0);
    expect(calls()[0]).toContain('python3.12 -m venv');
  });

  test('a shim that runs nothing is passed over', async () => {
    project.write('bin/python3', '#!/bin/sh\necho "command not found" >&2\nexit 127\n');
    project.provide('python3.13', 'python');
    expect((await project.run('setup.mjs', ['python'])).code).toBe(0);
  });
});

describe('something cannot be reached', () => {
  test.each([
    ['npm', { FAKE_NPM: 'unreachable' }, 69, 'npm cannot reach its registry (ENOTFOUND): check'],
    ['npm', { FAKE_NPM: 'full' }, 69, 'the disk is full: free some space'],
    ['npm', { FAKE_NPM: 'broken' }, 1, '`npm ci` failed with exit code 1: its whole output is in '],
    ['python', { FAKE_PIP: 'unreachable' }, 69, 'pip cannot reach its index: check'],
    ['python', { FAKE_PIP: 'absent' }, 69, "pip's index offers no torch==2.13.0 for Python 3.11.7 on "],
  ])('%s %j', async (stage, env, exitCode, sentence) => {
    const { code, stderr } = await project.run('setup.mjs', [stage], env);
    expect(code).toBe(exitCode);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.at(-1)).toContain(`rzero: ${sentence}`);
    // The end of the program's own output, indented, and the log that holds all of it.
    expect(stderr).toMatch(/\n {2}(npm error|ERROR:)/);
    expect(project.read(`.setup/${stage}.log`)).toMatch(/npm error|ERROR:/);

    expect((await project.run('setup.mjs', [stage])).code).toBe(0);
  });

  test('a CUDA build of torch is announced once, with the way out', async () => {
    const { stderr } = await project.run('setup.mjs', ['python'], { FAKE_PIP: 'cuda' });
    expect(stderr.match(/PIP_EXTRA_INDEX_URL/g)).toHaveLength(1);
  });

  test('a .venv that somebody else made is left alone', async () => {
    project.write('.venv/precious', 'mine');
    const { code, stderr } = await project.run('setup.mjs', ['python']);
    expect(code).toBe(78);
    expect(stderr).toContain('RZERO_PYTHON=.venv/bin/python');
    expect(project.read('.venv/precious')).toBe('mine');
  });
});

/** Whether a process runs; one that has ended but that nobody has waited for (state Z) does not. */
function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return !/^\d+ \(.*\) Z/.test(existsSync('/proc') ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '');
}

describe('interrupted', () => {
  test.each([
    ['npm', { FAKE_NPM: 'hang' }, 'SIGINT', 130],
    ['python', { FAKE_PIP: 'hang' }, 'SIGTERM', 143],
  ] as const)(
    '%s by %j %s: nothing runs on, and the next set-up does it again',
    async (stage, env, signal, exitCode) => {
      const started = project.pipe('started');
      const first = project.start('setup.mjs', [stage], { ...env, FAKE_STARTED: started.path });
      const pids = (await started.wait()).split(' ').map(Number);
      expect(pids).toHaveLength(2);
      first.child.kill(signal);
      const { code, stderr } = await first.ended;
      expect(code).toBe(exitCode);
      expect(stderr).toMatch(/rzero: the set-up was interrupted: run the command again to take it up\.\n$/);
      expect(pids.filter(runs)).toEqual([]);
      expect(existsSync(project.path('.setup', 'lock'))).toBe(false);

      expect((await project.run('setup.mjs', [stage])).code).toBe(0);
      expect(existsSync(project.path(stage === 'npm' ? 'node_modules/zod' : '.venv/site/zmq'))).toBe(
        stage === 'python',
      );
    },
  );

  test('an update of the environment that was cut short starts from nothing', async () => {
    await project.run('setup.mjs', ['python']);
    project.write('py_worker/constraints.txt', 'torch==2.14.0');
    expect((await project.run('setup.mjs', ['python'], { FAKE_PIP: 'unreachable' })).code).toBe(69);
    rmSync(project.path('calls'));
    expect((await project.run('setup.mjs', ['python'])).code).toBe(0);
    expect(calls()).toEqual(FRESH.slice(1, 4));
  });
});

describe('two at once', () => {
  test('the second waits and finds the work done', async () => {
    const started = project.pipe('started');
    const go = project.pipe('go');
    const first = project.start('setup.mjs', [], { FAKE_NPM: 'hold', FAKE_STARTED: started.path, FAKE_GO: go.path });
    await started.wait();
    const second = project.start('setup.mjs');
    await second.printed(`waiting for another set-up of this folder (process ${first.child.pid})`);
    writeFileSync(go.path, 'go\n');
    expect((await first.ended).code).toBe(0);
    expect((await second.ended).code).toBe(0);
    expect(calls()).toEqual(FRESH);
  });

  test('Ctrl-C ends the waiting', async () => {
    const started = project.pipe('started');
    const go = project.pipe('go');
    const first = project.start('setup.mjs', ['npm'], {
      FAKE_NPM: 'hold',
      FAKE_STARTED: started.path,
      FAKE_GO: go.path,
    });
    await started.wait();
    const second = project.start('setup.mjs', ['npm']);
    await second.printed('waiting for another');
    second.child.kill('SIGINT');
    expect((await second.ended).code).toBe(130);
    expect(existsSync(project.path('.setup', 'lock'))).toBe(true);
    writeFileSync(go.path, 'go\n');
    expect((await first.ended).code).toBe(0);
  });

  test('what a killed set-up had started is waited for', async () => {
    const started = project.pipe('started');
    const go = project.pipe('go');
    const first = project.start('setup.mjs', ['npm'], {
      FAKE_NPM: 'hold',
      FAKE_STARTED: started.path,
      FAKE_GO: go.path,
    });
    await started.wait();
    // The child's process is noted right after it was started; it may be quicker than that.
    while (!project.read('.setup/lock').includes('"child"')) await setImmediate();
    first.child.kill('SIGKILL');
    await first.ended;
    const second = project.start('setup.mjs', ['npm']);
    await second.printed('waiting for another');
    writeFileSync(go.path, 'go\n');
    expect((await second.ended).code).toBe(0);
  });

  test('a lock whose process is gone does not hold', async () => {
    // No process has this id: Linux and macOS stop below it.
    const lock = { pid: 2 ** 30, started: 'unknown', host: hostname() };
    project.write('.setup/lock', JSON.stringify(lock));
    expect((await project.run('setup.mjs', ['npm'])).code).toBe(0);
    expect(existsSync(project.path('.setup', 'lock'))).toBe(false);
  });
});
