import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { parseToolLine, ToolFailure, type ToolLine, toolEnvironment } from './pythonTool.ts';
import type { Terminal } from './terminal.ts';

/** Characters of what a process printed to stderr that an error shows. */
const TAIL = 2_000;

interface Pending {
  resolve(line: ToolLine): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/**
 * A module of py_worker that answers questions until it is stopped: a line of JSON with an `id` for each, in and out. It
 * keeps nobody waiting: between questions our own process may end, and the module ends with it, as its input does.
 */
export class PythonDialogue {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly name: string;
  private readonly pending = new Map<number, Pending>();
  private asked = 0;
  private tail = '';
  private over: Error | undefined;

  private constructor(python: string, module: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.name = `python -m ${module}`;
    this.child = spawn(python, ['-m', module, ...args], { env: toolEnvironment(env), stdio: 'pipe' });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.tail = (this.tail + text).slice(-TAIL);
    });
    // A process that has ended takes no questions; that it has is what is told.
    this.child.stdin.on('error', () => {});
    this.child.on('error', (error) =>
      this.end(new ToolFailure('unavailable', `${python} cannot be run: ${error.message}`)),
    );
    this.child.on('close', (code, killed) => {
      this.end(
        new ToolFailure(
          'unavailable',
          `${this.name} ended with ${killed ?? `exit code ${code}`}\n${this.tail}`.trimEnd(),
        ),
      );
    });
  }

  /**
   * Start a module and hear what it has to say first.
   *
   * @param onLine told each line up to the one with `ready`
   * @param seconds that it may take
   * @returns the dialogue, and the line with `ready`
   * @throws ToolFailure with what it says went wrong; `unavailable` where it cannot be run, ends or takes too long; what
   *   `signal` was aborted with
   */
  static async start(
    python: string,
    module: string,
    args: readonly string[],
    { env, signal }: Pick<Terminal, 'env' | 'signal'>,
    onLine: (line: ToolLine) => void,
    seconds: number,
  ): Promise<{ dialogue: PythonDialogue; ready: ToolLine }> {
    signal.throwIfAborted();
    const dialogue = new PythonDialogue(python, module, args, env);
    const stop = (): void => dialogue.end(signal.reason);
    signal.addEventListener('abort', stop);
    dialogue.child.on('close', () => signal.removeEventListener('abort', stop));
    const ready = dialogue.wait(FIRST, seconds);
    createInterface({ input: dialogue.child.stdout }).on('line', (text) => {
      const line = parseToolLine(text);
      if (line?.error !== undefined) dialogue.end(new ToolFailure(line.error.code, line.error.message));
      else if (line?.ready !== undefined) dialogue.settle(FIRST, line);
      else if (typeof line?.id === 'number') dialogue.settle(line.id, line);
      else if (line !== undefined) onLine(line);
    });
    return { dialogue, ready: await ready };
  }

  /**
   * Ask one thing; several may be asked before the first is answered.
   *
   * @throws ToolFailure `unavailable` where it has ended, or takes longer than `seconds`
   */
  ask(question: object, seconds: number): Promise<ToolLine> {
    this.asked++;
    const answer = this.wait(this.asked, seconds);
    this.child.stdin.write(`${JSON.stringify({ ...question, id: this.asked })}\n`);
    return answer;
  }

  private wait(id: number, seconds: number): Promise<ToolLine> {
    if (this.over !== undefined) return Promise.reject(this.over);
    return new Promise((resolve, reject) => {
      const late = `${this.name} has not answered in ${seconds} s`;
      const timer = setTimeout(() => this.end(new ToolFailure('unavailable', late)), seconds * 1000);
      this.pending.set(id, { resolve, reject, timer });
      this.hold();
    });
  }

  private settle(id: number, line: ToolLine): void {
    const waiting = this.pending.get(id);
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    this.pending.delete(id);
    this.hold();
    waiting.resolve(line);
  }

  /** Whoever waits is told why; what happens afterwards changes nothing. */
  private end(why: Error): void {
    this.over ??= why;
    this.child.kill('SIGKILL');
    for (const { reject, timer } of this.pending.values()) {
      clearTimeout(timer);
      reject(this.over);
    }
    this.pending.clear();
    this.hold();
  }

  /** Our process waits for this one while there is a question that it has not answered. */
  private hold(): void {
    const { stdin, stdout, stderr } = this.child as unknown as Record<string, { ref?(): void; unref?(): void }>;
    for (const each of [this.child, stdin, stdout, stderr]) this.pending.size > 0 ? each?.ref?.() : each?.unref?.();
  }
}

/** Stands for the first thing that is waited for, before any question. */
const FIRST = 0;
