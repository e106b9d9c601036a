import { execFileSync } from 'node:child_process';
import { utimesSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createProject, type Project, setupModule } from './project.ts';

let project: Project;
beforeEach(() => {
  project = createProject();
});
afterEach(() => project.remove());

describe('RZERO_PYTHON', () => {
  /** What the environment is said to lack. */
  function own(...lacks: string[]): Record<string, string> {
    return {
      RZERO_PYTHON: project.provide('mine', 'python'),
      FAKE_OWN: JSON.stringify({ lacks, install: ['torch==2.13.0', 'zmq==27'], site: project.path('site') }),
    };
  }

  test('an environment that has everything is used, and .venv is not made', async () => {
    const env = own();
    expect((await project.run('setup.mjs', ['python'], env)).code).toBe(0);
    expect(project.calls()).toHaveLength(1);
    expect(project.calls()[0]).toContain('ownPython.py');

    expect((await project.run('setup.mjs', ['python'], env)).stderr).toBe('setup: everything is up to date\n');
    expect(project.calls()).toHaveLength(1);
  });

  test('it is looked at again after packages have come or gone', async () => {
    const env = own();
    project.write('site/zmq.py', '');
    await project.run('setup.mjs', ['python'], env);
    utimesSync(project.path('site'), 1, 1);
    await project.run('setup.mjs', ['python'], env);
    expect(project.calls()).toHaveLength(2);
  });

  test('checked for the tests, it is good for a run', async () => {
    const env = own();
    await project.run('python.mjs', ['--version'], env);
    const before = project.calls().length;
    expect((await project.run('setup.mjs', ['python'], env)).stderr).toBe('setup: everything is up to date\n');
    expect(project.calls()).toHaveLength(before);
  });

  test('what is missing is said in one sentence', async () => {
    const { code, stderr } = await project.run('setup.mjs', ['python'], own('torch', 'zmq 27.* (it has 14)'));
    expect(code).toBe(69);
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(
      `rzero: RZERO_PYTHON=${project.path('bin', 'mine')} lacks torch, zmq 27.* (it has 14): run ` +
        `\`${project.path('bin', 'mine')} -m pip install torch==2.13.0 zmq==27\`, ` +
        'or unset it to have .venv made.',
    );
  });

  test('a Python that is too old', async () => {
    const { code, stderr } = await project.run('setup.mjs', ['python'], { ...own(), FAKE_PYTHON: '3 10 12 1' });
    expect(code).toBe(69);
    expect(stderr).toContain('is Python 3.10.12: name one of 3.11 or newer');
  });

  test.each(['/nowhere/python', 'nowhere', 'bin/nowhere'])('%s runs nothing', async (name) => {
    const { code, stderr } = await project.run('setup.mjs', ['python'], { RZERO_PYTHON: name });
    expect(code).toBe(78);
    expect(stderr).toBe(
      `rzero: RZERO_PYTHON=${name} is not a Python that runs: name one, or unset it to have .venv made.\n`,
    );
  });

  test('a bare name is looked up on PATH, and programs get the whole path', async () => {
    const env = { ...own(), RZERO_PYTHON: 'mine' };
    const { stdout } = await project.run('rzero.mjs', ['--version'], env);
    expect(JSON.parse(stdout).python).toBe(project.path('bin', 'mine'));
  });
});

describe('ownPython.py, on a real Python', () => {
  test('compares what imports with the requirements of pyproject.toml', async () => {
    const { findPython } = await setupModule<{ findPython(env: NodeJS.ProcessEnv): { path: string } }>(
      'findPython.mjs',
    );
    const checker = fileURLToPath(new URL('../../../ts/setup/ownPython.py', import.meta.url));
    const packages = { 'rzt-good': '2.9.1+cpu', 'rzt-old': '4.40.1', 'rzt-newer': '6.0' };
    for (const [name, version] of Object.entries(packages)) {
      const module = name.replace('-', '_');
      project.write(`lib/${module}.py`, '');
      project.write(
        `lib/${module}-1.dist-info/METADATA`,
        `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
      );
    }
    project.write('lib/rzt_broken.py', 'raise OSError("libgomp is missing")');
    project.write('lib/rzt_half.py', 'import rzt_other');
    project.write('lib/rzt_bare.py', '');
    project.write(
      'own.toml',
      `[project]
name = "me"
dependencies = ["rzt-good==2.13.0", "rzt-old == 5.19.0; python_version > '3'"]
[project.optional-dependencies]
torch = ["rzt-newer==5.19.0", "rzt-broken==1", "rzt-half==1", "rzt-bare==1"]
test = ["rzt_absent==1.2"]
unused = ["rzt-never==1"]
`,
    );
    const output = execFileSync(findPython(process.env).path, [checker, project.path('own.toml'), 'torch', 'test'], {
      encoding: 'utf8',
      env: { ...process.env, PYTHONPATH: project.path('lib'), PYTHONDONTWRITEBYTECODE: '1' },
    });
    const { lacks, install } = JSON.parse(output);
    expect(lacks).toEqual([
      'rzt-old 5.* (it has 4.40.1)',
      'rzt-newer 5.* (it has 6.0)',
      'a rzt-broken that imports (libgomp is missing)',
      "a rzt-half that imports (No module named 'rzt_other')",
      'rzt_absent',
    ]);
    expect(install[2]).toBe('rzt-broken==1');
  });
});
