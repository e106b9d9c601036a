import { stream } from '../domain/random.ts';
import type { Settings } from '../domain/settings.ts';
import { coevolve } from '../loop/coevolve.ts';
import { History } from '../loop/history.ts';
import { UNRECORDED } from '../loop/unrecorded.ts';
import type { Exam } from '../ports/exam.ts';
import type { LoopEvent } from '../ports/reporter.ts';
import type { RunStore } from '../ports/runStore.ts';
import type { Worker } from '../ports/worker.ts';
import { Pool } from '../worker/pool/pool.ts';
import type { ActivityLog } from './activity.ts';
import type { PhaseSpan, Played } from './played.ts';
import { SimulatedWorker, type SimulatedWorkerOptions } from './simulatedWorker.ts';
import { type Lengths, Site } from './site.ts';
import { VirtualTime } from './virtualTime.ts';

/** How often samplers fail, and for how long each is away then. */
export interface Failures {
  /** Mean seconds until a sampler fails, exponentially distributed, each on its own. */
  meanSeconds: number;
  /** Until it is back: started again and loaded, and given its weights when it is asked for something. */
  restartSeconds: number;
}

/** A run to play. */
export interface Scenario {
  settings: Settings;
  /** Workers as they join the pool. */
  workers: readonly SimulatedWorkerOptions[];
  lengths: Lengths;
  /** Most samples of one request. */
  requestSamples: number;
  /** Whether those that share a GPU take turns on it. */
  turns: boolean;
  failures?: Failures;
}

/**
 * Play a whole run: the real loop and the real pool, on simulated workers in virtual time. The same scenario plays the same way every time.
 *
 * What the orchestrator computes takes no time here, and nothing is kept of what the run would write.
 */
export async function play(scenario: Scenario): Promise<Played> {
  const { settings, workers, lengths, requestSamples, turns, failures } = scenario;
  const time = new VirtualTime();
  const site = new Site(time, lengths);
  const logs: ActivityLog[] = [];
  const pool = new Pool(
    {
      expectsMore: () => failures !== undefined,
      exchange: 'exchange',
      within: time.within,
      // How long samples are is not told on the wire: nobody is judged by how fast they come.
      now: () => 0,
      remove: async () => {},
      turns,
    },
    async () => {},
  );
  let failed = 0;
  const join = (options: SimulatedWorkerOptions, life: number): void => {
    const worker = new SimulatedWorker(site, options);
    logs.push(worker.log);
    pool.add(worker);
    if (failures === undefined || options.capabilities.includes('train')) return;
    const random = stream(settings.seed, 'failure', options.name, life)();
    time.at(time.now() - Math.log(1 - random) * failures.meanSeconds, () => {
      failed += 1;
      worker.fail(`${options.name} failed`);
      time.at(time.now() + failures.restartSeconds, () => {
        join(options, life + 1);
        return true;
      });
      return true;
    });
  };
  for (const worker of workers) join(worker, 1);
  const phases: PhaseSpan[] = [];
  const run = coevolve({
    settings,
    worker: pool as Worker,
    exam: NO_EXAM,
    store: NOTHING_KEPT,
    reporter: { report: (event) => follow(event, phases, time) },
    clock: time,
    history: new History(UNRECORDED),
    stopping: new AbortController().signal,
    signal: new AbortController().signal,
    mostLosses: 1,
    requestSamples,
  });
  await time.run(run);
  const seconds = time.now();
  for (const log of logs) log.stop();
  return { seconds, phases, logs, samples: site.samples, tokens: site.tokens, failed, lostTokens: site.lostTokens };
}

function follow(event: LoopEvent, phases: PhaseSpan[], time: VirtualTime): void {
  if (event.type === 'phase-started') {
    const { iteration, phase } = event;
    phases.push({ iteration, phase, from: time.now(), to: Number.NaN });
  }
  const last = phases.at(-1);
  if (event.type === 'phase-ended' && last !== undefined) last.to = time.now();
}

/** Held-out problems are no part of the method. */
const NO_EXAM: Exam = {
  name: 'none',
  questions: [],
  grade: (responses) => responses.map(() => []),
  gradeMajority: () => [],
};

const NOTHING_KEPT: RunStore = {
  writeRecords: (name) => ({ name, sha256: '' }),
  openRecords: (name) => ({ add() {}, finish: () => ({ name, sha256: '' }), discard() {} }),
  emptyFolder: (name) => name,
  folder: (name) => name,
  has: () => true,
  holds: () => true,
  damageOf: () => undefined,
  tidy() {},
};
