import type { Hello, WorkerVerbs } from '../protocol/generated.ts';

/**
 * What the loop knows of a worker: the verbs of proto/protocol.yml as methods (`sample`,
 * `forwardBackward`, ...), each `(params, options?) => Promise<result>`.
 *
 * A call rejects with a {@link WorkerCallError}: the worker's own failure, or `worker_gone` when
 * the process died or the connection was lost.
 */
export interface Worker extends WorkerVerbs {
  /** What the worker said of itself when it connected. */
  readonly hello: Hello;
  /** Ask the worker to stop, wait for it, and free the sockets. Safe to call twice. */
  close(): Promise<void>;
}
