import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** One process of `rzero run` or `rzero resume`, and what may be done to it. */
export class Attempt {
  /** Resolves with its exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  private readonly child: ChildProcess;
  private tail = '';

  /** @param command program and arguments */
  constructor([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv) {
    this.child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.tail = (this.tail + text).slice(-4000);
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => resolve(signal ?? code ?? -1));
    });
  }

  /** What it said last. */
  get said(): string {
    return this.tail;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Its workers, by their pids: its own children. */
  workers(): number[] {
    const { pid } = this.child;
    try {
      return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
    } catch {
      return []; // it has ended
    }
  }
}
