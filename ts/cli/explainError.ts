import { BenchmarkError } from '../benchmarks/errors.ts';
import { ConfigError } from '../config/errors.ts';
import { ModelUnusable } from '../inspect/errors.ts';
import { JudgeError } from '../judge/errors.ts';
import { LaunchError } from '../launch/job.ts';
import { ReplayDiverged, StoppedByWarning, TooFewQuestions, TrainingDiverged } from '../loop/errors.ts';
import { PlacementError } from '../placement/errors.ts';
import { PublishError } from '../publish/errors.ts';
import { EvaluationFolderError } from '../store/evaluationFolder.ts';
import { FolderHeld } from '../store/folderLock.ts';
import { JournalError } from '../store/journalError.ts';
import { RecordsDamaged } from '../store/recordReader.ts';
import { RunFolderError } from '../store/runFolder.ts';
import { AddressError } from '../worker/address.ts';
import { WorkerCallError, type WorkerCallErrorCode, WorkerStartError } from '../worker/errors.ts';
import { KeyError } from '../worker/keys.ts';
import { TransportError, type TransportErrorCode } from '../worker/transport.ts';
import { describeDiskError, isSystemError, RunDiskError } from './diskError.ts';
import { EXIT } from './exitCodes.ts';
import { HubError } from './modelShape.ts';
import { UsageError } from './usage.ts';

/** What a worker's failure means; the codes that are not here are bugs of ours. */
const WORKER_EXIT: Partial<Record<WorkerCallErrorCode, number>> = {
  model_unloadable: EXIT.badData,
  hub_unavailable: EXIT.unavailable,
  hub_forbidden: EXIT.noPermission,
  io_error: EXIT.io,
  out_of_memory: EXIT.unavailable,
  worker_gone: EXIT.unavailable,
  unauthorized: EXIT.unavailable,
};

/** Those whose message says all; details are a library's words. */
const ABOUT_MODELS = new Set<WorkerCallErrorCode>(['model_unloadable', 'hub_unavailable', 'hub_forbidden']);

/** The same for the socket: what a person can mend. */
const TRANSPORT_EXIT: Partial<Record<TransportErrorCode, number>> = {
  insecure: EXIT.config,
  bind_failed: EXIT.unavailable,
};

/** What keeps something from being published. */
const PUBLISH_EXIT: Readonly<Record<PublishError['code'], number>> = {
  damaged: EXIT.badData,
  no_weights: EXIT.badData,
  not_convertible: EXIT.badData,
  rejected: EXIT.badData,
  no_permission: EXIT.noPermission,
  unavailable: EXIT.unavailable,
};

/** What keeps a judge from judging. */
const JUDGE_EXIT: Readonly<Record<JudgeError['code'], number>> = {
  wrong_options: EXIT.config,
  unknown_model: EXIT.config,
  no_cache: EXIT.config,
  forbidden: EXIT.noPermission,
  unavailable: EXIT.unavailable,
};

/** What keeps a benchmark from being had. */
const BENCHMARK_EXIT: Readonly<Record<BenchmarkError['code'], number>> = {
  unknown: EXIT.usage,
  config: EXIT.config,
  data: EXIT.badData,
  unavailable: EXIT.unavailable,
  refused: EXIT.noPermission,
};

/** Errors that mean the same whatever happened, and whose message says all. */
const PLAIN: readonly (readonly [kind: new (...given: never[]) => Error, exitCode: number])[] = [
  [ConfigError, EXIT.config],
  [LaunchError, EXIT.config],
  [PlacementError, EXIT.config],
  [HubError, EXIT.unavailable],
  [ModelUnusable, EXIT.badData],
  [TooFewQuestions, EXIT.badData],
  [StoppedByWarning, EXIT.badData],
  [TrainingDiverged, EXIT.badData],
  [ReplayDiverged, EXIT.badData],
  [UsageError, EXIT.usage],
  [FolderHeld, EXIT.unavailable],
  [RunFolderError, EXIT.usage],
  [RecordsDamaged, EXIT.badData],
  [AddressError, EXIT.config],
  [RunDiskError, EXIT.io],
];

/** Lines of a worker's output or traceback that are worth the screen; worker.log has all. */
const DETAIL_LINES = 25;

function withDetails(message: string, details = ''): string {
  const lines = details.trimEnd().split('\n').slice(-DETAIL_LINES).join('\n');
  return lines === '' ? message : `${message}\n${lines}`;
}

/** What an error means to whoever started the command: an exit code, and the sentence to print. */
export function explainError(error: unknown): { exitCode: number; message: string } {
  const plain = PLAIN.find(([kind]) => error instanceof kind);
  if (plain !== undefined) return { exitCode: plain[1], message: (error as Error).message };
  if (error instanceof PublishError) return { exitCode: PUBLISH_EXIT[error.code], message: error.message };
  if (error instanceof JudgeError) return { exitCode: JUDGE_EXIT[error.code], message: error.message };
  if (error instanceof BenchmarkError) return { exitCode: BENCHMARK_EXIT[error.code], message: error.message };
  if (error instanceof EvaluationFolderError) {
    return { exitCode: error.code === 'other_protocol' ? EXIT.config : EXIT.usage, message: error.message };
  }
  if (error instanceof JournalError) {
    return { exitCode: error.code === 'damaged' ? EXIT.badData : EXIT.unavailable, message: error.message };
  }
  if (error instanceof KeyError) {
    return { exitCode: error.code === 'unsupported' ? EXIT.unavailable : EXIT.config, message: error.message };
  }
  if (error instanceof TransportError) {
    return { exitCode: TRANSPORT_EXIT[error.code] ?? EXIT.bug, message: error.message };
  }
  if (error instanceof WorkerCallError) {
    const message = ABOUT_MODELS.has(error.code) ? error.message : withDetails(error.message, error.details);
    return { exitCode: WORKER_EXIT[error.code] ?? EXIT.bug, message };
  }
  if (error instanceof WorkerStartError) {
    return { exitCode: EXIT.unavailable, message: withDetails(error.message, error.details) };
  }
  if (isSystemError(error)) return { exitCode: EXIT.io, message: describeDiskError(error) };
  return { exitCode: EXIT.bug, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
