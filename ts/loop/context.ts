import type { ChallengerRewardFunction } from '../domain/score.ts';
import type { Settings } from '../domain/settings.ts';
import type { Clock } from '../ports/clock.ts';
import type { Exam, Probe } from '../ports/exam.ts';
import type { Activity, Phase, Reporter } from '../ports/reporter.ts';
import type { RunStore } from '../ports/runStore.ts';
import type { Worker } from '../ports/worker.ts';
import type { History } from './history.ts';

/** What every phase is given: the settings, and the ports to act through. */
export interface LoopContext {
  settings: Settings;
  worker: Worker;
  exam: Exam;
  /** Where `warnings.labels.probe` names a file. */
  probe?: Probe;
  store: RunStore;
  reporter: Reporter;
  clock: Clock;
  /** What the workers have done so far, where that is known: it goes on record by phase. */
  activity?: () => Activity;
  /** What the run has behind it. */
  history: History;
  /** Aborted when the run is to stop where it can go on from: after the step that is nearly done, or at once. */
  stopping: AbortSignal;
  /** Aborted when the run is to stop now; every worker call is cancelled by it. */
  signal: AbortSignal;
  /** Losses of what is in training in a row, with nothing new on record in between, after which the run gives up. */
  mostLosses: number;
  /** Most samples of one request to a worker. */
  requestSamples: number;
  /** The user's own reward, where `rewards.challenger.module` names one. */
  challengerReward?: ChallengerRewardFunction;
}

/** Put on record, and tell, that something was lost or damaged and is made again. It is no part of the result. */
export function tellRecovery({ history, reporter }: Pick<LoopContext, 'history' | 'reporter'>, message: string): void {
  history.record({ type: 'recovery', message });
  reporter.report({ type: 'recovery', message });
}

/** Folder of an iteration's records, by phase. */
export function recordName(iteration: number, phase: Phase, part?: string): string {
  return `iteration-${iteration}/${phase}${part === undefined ? '' : `/${part}`}.jsonl`;
}
