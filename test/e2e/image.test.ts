import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { buildImage, type Image } from '../fixtures/image.ts';
import { SMALL_RUN } from '../fixtures/smallRun.ts';

jest.setTimeout(60_000);

/** What a service of docker/compose.yml is started with. */
const COMMANDS = parse(readFileSync('docker/compose.yml', 'utf8'), { merge: true }).services;

describe('what docker/cpu.Dockerfile makes of our files, its user being nobody and the sources read-only', () => {
  let folder: string;
  let image: Image;
  const begun: ChildProcess[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rzero-image-'));
    chmodSync(folder, 0o755);
    image = buildImage('docker/cpu.Dockerfile', folder);
  });

  afterAll(() => {
    for (const child of begun) child.kill('SIGKILL');
    execFileSync('chmod', ['-R', 'u+w', folder]);
    rmSync(folder, { recursive: true });
  });

  /** How a program of the image ended, and what it printed where it failed. */
  function run(program: string, args: readonly string[]): Promise<unknown> {
    const { file, args: all, env, cwd } = image.command(program, args);
    const child = spawn(file, all, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    begun.push(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    return once(child, 'close').then(([exitCode]) => ({ exitCode, output: exitCode === 0 ? '' : output }));
  }

  const rzero = (...args: string[]): Promise<unknown> => run(image.entry, args);
  const DONE = { exitCode: 0, output: '' };
  const summaryOf = (run: string): string => readFileSync(join(image.root, 'data/runs', run, 'summary.json'), 'utf8');

  test('does a whole run with the mock worker', async () => {
    expect(await rzero('run', '--preset', 'mock', ...SMALL_RUN, '--out', 'runs/alone')).toEqual(DONE);
    expect(await rzero('verify', 'runs/alone')).toEqual(DONE);
    // Of these, images have only what the build and the Python of the image left them.
    expect(await rzero('report', 'runs/alone')).toEqual(DONE);
    expect(await rzero('eval', 'runs/alone', '--suite', 'arithmetic-1', '--limit', '2', '--k', '1')).toEqual(DONE);
  });

  test('holds neither tests nor packages of development, and the licences', () => {
    const at = (path: string) => readdirSync(join(image.root, 'opt/rzero', path));
    expect(at('.').sort()).toEqual([
      'LICENSE',
      'NOTICE',
      'dist',
      'docker',
      'node_modules',
      'package.json',
      'py_worker',
    ]);
    expect(at('py_worker')).not.toContain('tests');
    expect(at('node_modules')).not.toContain('typescript');
    expect(at('node_modules/zeromq')).toEqual(expect.arrayContaining(['LICENSE.txt', 'LICENSE_MPL-2.0.txt']));
  });

  test('comes to the same as services of docker/compose.yml, with keys of their own', async () => {
    const command = (service: string) =>
      (COMMANDS[service].command as string[]).map((word) =>
        word
          .replace(/(^|=)\/keys/, `$1${join(image.root, 'keys')}`)
          .replace(/\/\/[a-z0-9.-]+:5555/, '//127.0.0.1:45555'),
      );
    expect(await rzero(...command('keys'))).toEqual(DONE);
    const orchestrator = run(image.entry, [...command('orchestrator-mock'), ...SMALL_RUN]);
    const program = COMMANDS['worker-mock'].entrypoint.at(-1);
    const worker = run(program, command('worker-mock'));
    expect(await orchestrator).toEqual(DONE);
    expect(await worker).toEqual(DONE);
    expect(summaryOf('mock')).toBe(summaryOf('alone'));
  });
});
