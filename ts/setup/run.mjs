import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { Interrupted } from './problem.mjs';

/** How long a program gets to stop after SIGTERM before it is killed, in milliseconds. */
const GRACE_MS = 5_000;
/** How much of a program's output is kept for the diagnosis, in characters. */
const KEPT = 200_000;

/**
 * Run a program with its output in a log file. It leads a process group of its own: Ctrl-C reaches this
 * process alone, which then stops the whole group, so that nothing stays behind.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{cwd: string, env: NodeJS.ProcessEnv, log: string, signal: AbortSignal,
 *   onStart?: (pid: number) => void, onLine?: (line: string) => void}} options
 * @returns {Promise<{code: number, output: string}>} `output`: the last 200,000 characters of both streams
 * @throws the system's error when the program cannot be started, Interrupted after `signal`
 */
export async function runLogged(program, args, { cwd, env, log, signal, onStart, onLine }) {
  signal.throwIfAborted();
  mkdirSync(dirname(log), { recursive: true });
  const file = openSync(log, 'w');
  try {
    writeSync(file, `$ ${[program, ...args].join(' ')}\n`);
    return await new Promise((resolve, reject) => {
      const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
      let output = '';
      const listen = (stream) => {
        let rest = '';
        stream.setEncoding('utf8').on('data', (text) => {
          output = (output + text).slice(-KEPT);
          const lines = (rest + text).split(/\r\n|\r|\n/);
          rest = lines.pop();
          for (const line of lines) onLine?.(line);
          try {
            writeSync(file, text);
          } catch (error) {
            // A full disk: the program will say so itself, and what it says is kept in memory.
            if (error.code !== 'ENOSPC' && error.code !== 'EDQUOT') throw error;
          }
        });
      };
      listen(child.stdout);
      listen(child.stderr);

      let killer;
      const stop = () => {
        killGroup(child.pid, 'SIGTERM');
        killer = setTimeout(() => killGroup(child.pid, 'SIGKILL'), GRACE_MS);
      };
      signal.addEventListener('abort', stop, { once: true });
      const settle = (finish) => {
        clearTimeout(killer);
        signal.removeEventListener('abort', stop);
        finish();
      };
      child.once('error', (error) => settle(() => reject(error)));
      // 'close' and not 'exit': it waits for grandchildren that still hold the output open.
      child.once('close', (code, killedBy) =>
        settle(() => {
          if (!signal.aborted) return resolve({ code: exitCodeOf(code, killedBy), output });
          killGroup(child.pid, 'SIGKILL');
          reject(signal.reason);
        }),
      );
      try {
        if (child.pid !== undefined) onStart?.(child.pid);
      } catch (error) {
        killGroup(child.pid, 'SIGKILL');
        throw error;
      }
    });
  } finally {
    closeSync(file);
  }
}

/**
 * Run a program on this terminal and wait. Signals are passed on.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv}} [options]
 * @returns {Promise<number>} its exit code, or 128 + the number of the signal that ended it
 * @throws Interrupted when this process was told to stop meanwhile
 */
export async function passThrough(program, args, { cwd, env } = {}) {
  const child = spawn(program, args, { cwd, env, stdio: 'inherit' });
  let told;
  const pass = (signal) => {
    told = signal;
    // The terminal has already sent Ctrl-C to the child, which shares our group; twice would be an abort.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, pass);
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (exit, killedBy) => resolve(exitCodeOf(exit, killedBy)));
    });
    if (told) throw new Interrupted(told);
    return code;
  } finally {
    for (const signal of SIGNALS) process.off(signal, pass);
  }
}

/**
 * Run `work` with a signal that Ctrl-C, SIGTERM or SIGHUP aborts, with an Interrupted as its reason.
 *
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function interruptible(work) {
  const controller = new AbortController();
  const stop = (signal) => controller.abort(new Interrupted(signal));
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    return await work(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

function exitCodeOf(code, signal) {
  return code ?? 128 + constants.signals[signal];
}

function killGroup(leader, signal) {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    // ESRCH: all of it has ended. EPERM: macOS says so of a group of zombies.
    if (error.code !== 'ESRCH' && error.code !== 'EPERM') throw error;
  }
}
