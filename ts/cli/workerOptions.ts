import { resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { inMilliseconds } from '../worker/phases.ts';
import type { Post } from '../worker/post.ts';
import { PATIENCE, type Patience } from '../worker/session.ts';
import type { ListenOptions, StartWorkersOptions } from '../worker/startWorkers.ts';
import { pythonPath } from './places.ts';

interface Where {
  env: NodeJS.ProcessEnv;
  /** Folder that relative paths of the configuration start from. */
  workingFolder: string;
  /** Ends the wait for workers. */
  signal: AbortSignal;
  /** Told where workers are to dial in, and of each that comes or goes. */
  tell(message: string): void;
}

/** What a configuration says of workers, for whoever starts them. */
export function workerOptions(
  config: Config,
  posts: readonly Post[],
  where: Where,
): Omit<StartWorkersOptions, 'sharedFolder'> {
  const { backend, threads, restarts, handoverSeconds } = config.worker;
  const listen = listenOptions(config, where);
  return {
    python: pythonPath(where.env, backend),
    backend,
    threads,
    posts,
    restarts,
    patience: patienceOf(config.worker),
    handoverDeadline: handoverSeconds * 1000,
    signal: where.signal,
    ...(listen === undefined
      ? {}
      : { listen: { ...listen, onListening: (endpoint) => where.tell(dialHint(config, endpoint)) } }),
    onChange: where.tell,
  };
}

/** A worker's heartbeats come several times in what it may be silent. */
function patienceOf({ silenceSeconds, returnSeconds, deadlines }: Config['worker']): Patience {
  return {
    heartbeat: Math.min(PATIENCE.heartbeat, silenceSeconds * 200),
    silence: silenceSeconds * 1000,
    reconnect: returnSeconds * 1000,
    deadlines: inMilliseconds(deadlines),
  };
}

function listenOptions({ worker }: Config, { env, workingFolder }: Where): ListenOptions | undefined {
  const { listen, keys, expect } = worker;
  if (listen === '') return undefined;
  const token = env.RZERO_TOKEN;
  return {
    address: listen,
    expect,
    ...(keys === '' ? {} : { keys: resolve(workingFolder, keys) }),
    ...(token === undefined || token === '' ? {} : { token }),
  };
}

function dialHint({ worker }: Config, endpoint: string): string {
  const knows = worker.keys === '' ? 'the RZERO_TOKEN of this run' : 'a key of its own (rzero keys)';
  return `${worker.expect} to dial in at ${endpoint}, each with ${knows}`;
}
