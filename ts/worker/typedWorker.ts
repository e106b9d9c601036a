import type { Worker } from '../ports/worker.ts';
import type { Hello, Verb, VerbTypes, WorkerVerbs } from '../protocol/generated.ts';
import { VERBS } from '../protocol/generated.ts';
import { type CallOptions, ProtocolError } from '../protocol/primitives.ts';
import { packParams, unpackResult } from './codec.ts';
import { WorkerCallError } from './errors.ts';
import type { Session } from './session.ts';

/** What carries packed requests: a link to a process, or a worker in this one. */
export type Requester = Pick<Session, 'request'>;

/**
 * The verbs as methods over packed requests: params are checked before they are sent and results when they arrive.
 *
 * An aborted signal ends verbs that can fail with `cancelled`: the call rejects so when the worker has
 * let go of it. For the others (a gradient step is made or not made) the answer is awaited all the same.
 */
export function createTypedWorker(link: Requester, hello: Hello, close: () => Promise<void>): Worker {
  const verbs = Object.keys(VERBS) as Verb[];
  const methods = verbs.map((verb) => [
    VERBS[verb].method,
    (params: VerbTypes[typeof verb]['params'], options?: CallOptions) => call(link, verb, params, options),
  ]);
  return { ...(Object.fromEntries(methods) as WorkerVerbs), hello, close };
}

async function call<V extends Verb>(
  link: Requester,
  verb: V,
  params: VerbTypes[V]['params'],
  options: CallOptions = {},
): Promise<VerbTypes[V]['result']> {
  const cancellable = VERBS[verb].errors.includes('cancelled');
  const request = checked('invalid_request', `${verb}: cannot be sent`, () => packParams(verb, params));
  const result = await link.request(verb, request, { ...options, cancellable });
  return checked('internal', `${verb}: the worker's answer is not valid`, () => unpackResult(verb, result));
}

function checked<T>(code: 'invalid_request' | 'internal', context: string, convert: () => T): T {
  try {
    return convert();
  } catch (error) {
    if (error instanceof ProtocolError) throw new WorkerCallError(code, `${context}: ${error.message}`);
    throw error;
  }
}
