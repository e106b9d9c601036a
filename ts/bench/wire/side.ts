import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT, WORKER_PACKAGE } from '../../cli/places.ts';
import type { ForwardBackwardParams, ForwardParams } from '../../protocol/generated.ts';

/**
 * One way to have a process in Python do token work. A call begins with what is asked as it would lie in memory for
 * this side (typed arrays, or lists of numbers), and counts until whoever receives something has it in arrays: the
 * program there in those of the module `array`, and the caller here in typed ones.
 */
export interface Side {
  readonly name: string;
  /** Make a call that asks for log-probs of tokens. */
  forward(params: ForwardParams): () => Promise<Float32Array>;
  /** Make a call that hands over a batch to train on, and gets the loss. */
  train(params: ForwardBackwardParams): () => Promise<number>;
  close(): Promise<void>;
}

/** A Python program that lies beside this file, for the arguments of an interpreter. */
export function programPath(name: string): string {
  // tsc copies no Python into the build.
  return join(ROOT, 'ts', 'bench', 'wire', name);
}

/** Start one of the programs, which ends when its stdin does; what it says on stderr is shown. */
export function startProgram(python: string, name: string, args: readonly string[]): ChildProcess {
  return spawn(python, [programPath(name), ...args], {
    env: { ...process.env, PYTHONPATH: WORKER_PACKAGE },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

/** Wait for a sign of life. @throws Error when the program ends before */
export async function firstSign<T>(program: ChildProcess, sign: Promise<T>): Promise<T> {
  const ended = once(program, 'exit').then(([exitCode]) => {
    throw new Error(`${program.spawnargs.join(' ')}: ended with exit code ${exitCode} before it was ready`);
  });
  return Promise.race([sign, ended]);
}

export async function endProgram(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return;
  program.kill('SIGKILL');
  await once(program, 'exit');
}
