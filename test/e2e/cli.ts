import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { runCli } from '../../ts/cli/program.ts';
import { python } from '../fixtures/python.ts';

/** What a command printed, and how it ended. */
export interface CliResult {
  exitCode: number;
  out: string;
  err: string;
}

/** One iteration of the embedded preset, small enough for a test. */
export const SMALL = [
  ['iterations', 1],
  ['challenger.steps', 2],
  ['challenger.rollouts', 16],
  ['challenger.miniBatch', 8],
  ['questions.candidates', 24],
  ['solver.steps', 2],
  ['solver.prompts', 4],
  ['solver.rollouts', 4],
  ['solver.miniBatch', 8],
  ['evaluation.problems', 20],
  ['evaluation.samples', 2],
].flatMap(([name, value]) => ['--set', `${name}=${value}`]);

/** A folder for one test's runs, removed with it. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'rzero-e2e-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/**
 * Run a command line in this process, as in a shell without a terminal.
 *
 * @param options.stopAt press Ctrl-C as soon as stderr shows this
 * @param options.input chunks of stdin
 * @param options.env added to the environment
 */
export async function cli(
  args: readonly string[],
  options: { stopAt?: RegExp; env?: NodeJS.ProcessEnv; workingFolder?: string; input?: Iterable<string> } = {},
): Promise<CliResult> {
  const result = { exitCode: -1, out: '', err: '' };
  const stop = new AbortController();
  result.exitCode = await runCli(args, {
    out: (text) => {
      result.out += text;
    },
    send: async (text) => {
      result.out += text;
      return true;
    },
    input: () => Readable.from([...(options.input ?? [])].map((chunk) => Buffer.from(chunk))),
    err: (text) => {
      result.err += text;
      if (options.stopAt?.test(result.err)) stop.abort('SIGINT');
    },
    screen: { live: false, colour: false, width: () => 100 },
    page: { live: false, colour: false, width: () => 100 },
    env: { ...process.env, RZERO_PYTHON: python(), ...options.env },
    workingFolder: options.workingFolder ?? process.cwd(),
    signal: stop.signal,
  });
  return result;
}

/** Pids of worker processes that started during a run and are still there, by its log's name for them. */
export function workersOf(runFolder: string): number[] {
  const log = readFileSync(join(runFolder, 'worker.log'), 'utf8');
  const alive = execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' });
  const endpoint = /tcp:\/\/[^ ,]+:\d+/.exec(log)?.[0];
  if (endpoint === undefined) throw new Error(`worker.log names no endpoint:\n${log}`);
  return alive
    .split('\n')
    .filter((line) => line.includes(endpoint))
    .map((line) => Number.parseInt(line, 10));
}
