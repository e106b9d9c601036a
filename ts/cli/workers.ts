import { existsSync, mkdirSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigError } from '../config/errors.ts';
import type { Config } from '../config/schema.ts';
import { Stopped } from '../loop/errors.ts';
import { isRefusal } from '../placement/plan.ts';
import { refusalText } from '../report/plan.ts';
import { WorkerStartError } from '../worker/errors.ts';
import { findGpus } from '../worker/foundGpus.ts';
import { type HostEnd, serveHost } from '../worker/hostWorkers.ts';
import { keyPaths } from '../worker/keyFolder.ts';
import { readKeyPair, readPublicKey } from '../worker/keys.ts';
import { type HostPost, hostPostsByCount } from '../worker/post.ts';
import { type ConfigFlags, configFrom } from './configFlags.ts';
import { placementOf, requireGpus, requireHostMemory } from './placement.ts';
import { pythonPath } from './places.ts';
import { hostPosts } from './posts.ts';
import { isPreemption } from './stop.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

/** Flags of `rzero workers` as given. */
export interface WorkersFlags extends ConfigFlags {
  host: string;
  connect: string;
  keys?: string;
  rendezvous?: string;
  count?: string;
  wait?: string;
  logs?: string;
}

/** Seconds beyond `worker.graceSeconds` in which an orchestrator that was told to stop writes its checkpoint. */
const CHECKPOINT_SECONDS = 60;

/**
 * `rzero workers`: start the workers that a plan puts on one host, and start those again that die, until the
 * orchestrator tells them to stop.
 *
 * @throws UsageError, ConfigError, KeyError; WorkerStartError where they cannot do their work; Stopped on a signal
 */
export async function workersCommand(flags: WorkersFlags, terminal: Terminal): Promise<void> {
  const { workingFolder, env, signal } = terminal;
  const host = wholeNumber('--host', flags.host, 0, 127);
  const waitSeconds = wholeNumber('--wait', flags.wait ?? '600', 1, 86_400);
  const rendezvous = flags.rendezvous === undefined ? undefined : readAddress(flags.rendezvous);
  const config = configFrom(flags, workingFolder);
  const posts = await postsHere(config, host, flags, terminal);
  if (posts.some(({ nodes }) => nodes !== undefined) && rendezvous === undefined) {
    throw new UsageError('--rendezvous HOST:PORT is needed, host 0 of the plan: its trainer is on several hosts');
  }
  const keys = flags.keys === undefined ? undefined : resolve(workingFolder, flags.keys);
  // Before anything starts, so that what is wrong with them is told once.
  for (const { name, dials } of posts) if (keys !== undefined && dials) requireKeys(keys, name);
  const logs = flags.logs === undefined ? undefined : resolve(workingFolder, flags.logs);
  if (logs !== undefined) mkdirSync(logs, { recursive: true });
  const { backend, threads, restarts, graceSeconds } = config.worker;
  const say = (text: string): void => terminal.err(`rzero workers: ${text}\n`);
  say(`host ${host}: ${posts.map(({ name }) => name).join(', ')}`);
  const end = await serveHost({
    posts,
    python: pythonPath(env, backend),
    backend,
    threads,
    endpoint: flags.connect,
    token: env.RZERO_TOKEN ?? '',
    ...(keys === undefined ? {} : { keysOf: (name) => keyFiles(keys, name) }),
    ...(rendezvous === undefined ? {} : { rendezvous }),
    waitSeconds,
    restarts,
    ...(logs === undefined ? {} : { logs }),
    say,
    onLine: (name, line) => terminal.err(`${name}: ${line}\n`),
    signal,
    drains: () => isPreemption(signal.reason),
    drainDeadline: (graceSeconds + CHECKPOINT_SECONDS) * 1000,
  });
  report(end, say);
}

/** @throws what an end means to whoever started the command */
function report(end: HostEnd, say: (text: string) => void): void {
  if (end.how === 'finished') say('done: the orchestrator has told the workers to stop');
  if (end.how === 'stopped') throw new Stopped();
  if (end.how === 'given_up') {
    throw new WorkerStartError('worker_start_failed', end.error.message, end.error.details);
  }
  if (end.how !== 'refused') return;
  const { name, exitCode, output } = end;
  const cause = lastError(output);
  if (exitCode === 2) throw new ConfigError(`${name} cannot be started: ${cause}`);
  throw new WorkerStartError('worker_start_failed', `${name} was not taken on: ${cause}`);
}

/** What a worker that ended in order said of it: its last line of an error. */
function lastError(output: string): string {
  const lines = output.trimEnd().split('\n');
  const line = lines.findLast((one) => / ERROR |: error: /.test(one)) ?? lines.at(-1) ?? '';
  return line.replace(/^.* ERROR \S+: |^.*: error: /, '');
}

async function postsHere(
  config: Config,
  host: number,
  { count }: WorkersFlags,
  terminal: Terminal,
): Promise<HostPost[]> {
  if (count !== undefined) return hostPostsByCount(host, wholeNumber('--count', count, 1, 1024));
  const placement = await placementOf(config, terminal);
  if (placement === undefined) return hostPostsByCount(host, 1);
  const { cluster, decision, shape } = placement;
  if (isRefusal(decision)) throw new ConfigError(refusalText(shape, decision));
  const last = cluster.hosts - 1;
  if (host > last) throw new UsageError(`--host ${host}: the plan has the hosts 0 to ${last}`);
  requireGpus(cluster.gpusPerHost, (await findGpus(terminal.env)).length);
  requireHostMemory({ ...placement, decision }, totalmem());
  const posts = hostPosts(config.worker.backend, decision, host);
  if (posts.length === 0) throw new ConfigError(`the plan puts no worker on host ${host}: leave that host out`);
  return posts;
}

/** Where the keys of a worker lie: in a folder of `rzero keys`, or in one that has its own alone. */
function keyFiles(folder: string, name: string): { own: string; server: string } {
  const { workerKey, orchestratorPublic } = keyPaths(folder);
  const flat = join(folder, `${name}.key`);
  return { own: existsSync(flat) ? flat : workerKey(name), server: orchestratorPublic };
}

function requireKeys(folder: string, name: string): void {
  const { own, server } = keyFiles(folder, name);
  readKeyPair(own);
  readPublicKey(server);
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`${flag} ${text}: allowed is a whole number from ${least} to ${most}`);
}

function readAddress(text: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^([\w.-]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/.exec(text) ?? [];
  if (host === '' || Number(port) < 1 || Number(port) > 65_535) {
    throw new UsageError(`--rendezvous ${text}: allowed is HOST:PORT`);
  }
  return { host, port: Number(port) };
}
