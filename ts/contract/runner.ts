import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import type { Hello } from '../protocol/generated.ts';
import { TIMED_OUT, within } from '../worker/deadline.ts';
import { cancelledError } from '../worker/pendingCalls.ts';
import type { Case, ContractOptions, Target } from './context.ts';
import { failureOf, lateFailure, type Outcome } from './outcome.ts';
import { Scene } from './scene.ts';

/** Milliseconds that a worker has to become idle after a case that went wrong. */
const RECOVERY = 10_000;
/** Milliseconds that its ping may take then. */
const PING = 2_000;
/** Seconds. */
const DEADLINE = 60;

/** Why a case is not for this worker, as far as the options say. */
export function skipReason(one: Case, options: ContractOptions): string | undefined {
  const given = options.skip?.get(one.id);
  if (given !== undefined) return given;
  if (one.needs.includes('spawn') && options.spawn === undefined) {
    return 'it takes a worker that can be started for this case alone';
  }
  return undefined;
}

/** Runs cases against one worker, which is replaced when a case has ended it or left it unusable. */
export class ContractRunner {
  private readonly options: ContractOptions;
  private readonly folder = mkdtempSync(join(tmpdir(), 'rzero-contract-'));
  private readonly sizes = new Map<string, number>();
  private target: Target | undefined;
  /** Why there is no worker any more. */
  private gone: string | undefined;

  constructor(options: ContractOptions) {
    this.options = options;
  }

  /** What the worker says of itself. @throws WorkerStartError when there is none */
  async hello(): Promise<Hello> {
    this.target ??= await this.options.start();
    return this.target.worker.hello;
  }

  /** Run one case. @throws WorkerCallError `cancelled` when the options' signal was aborted */
  async run(one: Case): Promise<Outcome> {
    const known = skipReason(one, this.options);
    if (known !== undefined) return { status: 'skipped', reason: known };
    if (this.gone !== undefined) return { status: 'not_run', reason: this.gone };
    let hello: Hello;
    try {
      hello = await this.hello();
    } catch (error) {
      this.gone = `the worker is gone: ${(error as Error).message}`;
      return { status: 'not_run', reason: this.gone };
    }
    for (const need of one.needs) {
      if (need !== 'spawn' && !hello.capabilities.includes(need)) {
        return { status: 'skipped', reason: `it offers no \`${need}\`` };
      }
    }
    return this.perform(one);
  }

  /** Stop the worker and remove all files. */
  async close(): Promise<void> {
    await this.target?.worker.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async perform(one: Case): Promise<Outcome> {
    const { deadline = DEADLINE, signal } = this.options;
    const target = this.target as Target;
    const scene = new Scene(one, target, join(this.folder, one.id), this.options, this.sizes);
    const started = performance.now();
    let outcome: Outcome;
    try {
      const ended = await within(untilAborted(one.run(scene), signal), deadline * 1000);
      const seconds = (performance.now() - started) / 1000;
      outcome =
        ended === TIMED_OUT
          ? { status: 'failed', seconds, failure: lateFailure(deadline, scene.exchanges) }
          : { status: 'passed', seconds };
    } catch (error) {
      if (signal?.aborted) await this.discard(target);
      const seconds = (performance.now() - started) / 1000;
      outcome = { status: 'failed', seconds, failure: failureOf(error, scene.exchanges) };
    }
    scene.leave();
    if (one.ends || (outcome.status === 'failed' && !(await recovers(target)))) await this.discard(target);
    await scene.end();
    if (signal?.aborted) throw cancelledError();
    return outcome;
  }

  private async discard(target: Target): Promise<void> {
    this.target = undefined;
    target.process?.kill('SIGKILL');
    await target.worker.close();
  }
}

/** Whether a worker that failed a case has let go of it, so that the next case finds it idle. */
async function recovers({ worker }: Target): Promise<boolean> {
  const until = performance.now() + RECOVERY;
  do {
    const pong = await within(
      worker.ping({}).catch(() => undefined),
      PING,
    );
    if (pong === TIMED_OUT || pong === undefined) return false;
    if (pong.busy === '') return true;
    await turn();
  } while (performance.now() < until);
  return false;
}

async function untilAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  let onAbort: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(cancelledError());
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
