import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { WORKER_PACKAGE } from '../../cli/places.ts';
import type { Random } from '../../domain/random.ts';

/** How to start samplers that dial in. */
export interface SamplersOptions {
  python: string;
  endpoint: string;
  token: string;
  count: number;
}

/** Mock samplers that are killed one after another, each replaced by a new process at once. */
export class Samplers {
  /** Processes that were killed. */
  kills = 0;
  private readonly options: SamplersOptions;
  private readonly processes: ChildProcess[] = [];
  private started = 0;

  constructor(options: SamplersOptions) {
    this.options = options;
    for (let index = 0; index < options.count; index++) this.processes.push(this.start());
  }

  /** Kill one, as the system does when memory runs out, and start another in its place. */
  replaceOne(random: Random): void {
    const index = Math.floor(random() * this.processes.length);
    this.processes[index]?.kill('SIGKILL');
    this.kills += 1;
    this.processes[index] = this.start();
  }

  /** Kill all; resolves when they have ended. */
  async stop(): Promise<void> {
    const ended = this.processes.map((process) =>
      process.exitCode === null && process.signalCode === null ? once(process, 'exit') : undefined,
    );
    for (const process of this.processes) process.kill('SIGKILL');
    await Promise.all(ended);
  }

  private start(): ChildProcess {
    this.started += 1;
    const { python, endpoint, token } = this.options;
    const flags = ['--connect', endpoint, '--backend', 'mock', '--roles', 'sample'];
    return spawn(python, ['-m', 'rzero_worker', ...flags, '--worker-id', `sampler-${this.started}`], {
      env: { ...process.env, PYTHONPATH: WORKER_PACKAGE, RZERO_TOKEN: token },
      stdio: 'ignore',
    });
  }
}
