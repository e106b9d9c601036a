import type { Config } from '../config/schema.ts';

/** What a job is made of. Paths are as its machines see them unless said otherwise. */
export interface Job {
  /** Of letters, digits and dashes, at most 40: a DNS label with room for more. */
  name: string;
  /** The resolved configuration as it is launched: all workers dial in. */
  config: Config;
  /** The same as YAML. */
  configText: string;
  hosts: number;
  /** GPUs of a host; 0 where workers are counted. */
  gpusPerHost: number;
  /** Their kind, `h100`. */
  gpu: string;
  /** Workers of a host, alike; undefined where they are planned. */
  count: number | undefined;
  /** Whether one trainer is on several hosts. */
  spans: boolean;
  /** What starts rzero, a word each. */
  program: readonly string[];
  /** The folder that all files go to, on this machine. */
  folder: string;
  /** The folder that relative paths of the configuration start from, on this machine. */
  workingFolder: string;
  /** The run's folder. */
  run: string;
  /** What the key files hold, by their path in the key folder. */
  keys: ReadonlyMap<string, string>;
}

/** A file of a job, by its path in the job's folder. */
export interface JobFile {
  path: string;
  text: string;
  mode: number;
}

/** How a job is handed in and watched: what to type. */
export interface Submission {
  submit: readonly string[];
  watch: readonly string[];
}

/** What one kind of cluster needs. */
export interface Target {
  /** @throws LaunchError for what this target cannot do */
  files(job: Job): JobFile[];
  submission(job: Job): Submission;
}

/** A job that cannot be written down. The message names the option and what is allowed. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError';
}

/** Seconds in which an orchestrator that is told to stop finishes its step and writes a checkpoint. */
export function secondsToStop({ config }: Job): number {
  return config.worker.graceSeconds + 60;
}

/** The orchestrator's command. */
export function runWords(job: Job, configFile: string): string[] {
  return [...job.program, 'run', '--config', configFile, '--out', job.run];
}

/** The command of the workers of a host, but for `--host`, `--connect` and `--rendezvous`. */
export function workersWords(job: Job, configFile: string, keys: string): string[] {
  const counted = job.count === undefined ? [] : ['--count', String(job.count)];
  return [...job.program, 'workers', '--config', configFile, '--keys', keys, ...counted];
}

/**
 * Shell lines that wait for workers whose orchestrator has ended. It has told those to end that it knew; one that was
 * not there yet would dial on.
 */
export function awaitWorkers(workers: string): string {
  return `for ((second = 0; second < 30; second++)); do
  kill -0 ${workers} 2>/dev/null || break
  sleep 1
done`;
}
