import type { Worker } from '../ports/worker.ts';
import type { WorkerVerbs } from '../protocol/generated.ts';
import { VERBS, type Verb } from '../protocol/generated.ts';
import type { CallOptions } from '../protocol/primitives.ts';
import { unpackParams } from '../worker/codec.ts';
import type { Requester } from '../worker/typedWorker.ts';
import { show, showError } from './show.ts';

/** Requests that were made, with what came of them, in order. */
export class Exchanges {
  private readonly all: { verb: string; params: () => string; outcome: string }[] = [];

  /** Note a request until its call settles. Its own failure is its caller's to handle. */
  note(verb: string, params: () => string, call: Promise<unknown>): void {
    const exchange = { verb, params, outcome: 'no answer' };
    this.all.push(exchange);
    call.then(
      () => {
        exchange.outcome = 'answered';
      },
      (error: Error) => {
        exchange.outcome = showError(error);
      },
    );
  }

  /** Verbs of requests without an answer. */
  unanswered(): string[] {
    return this.all.filter(({ outcome }) => outcome === 'no answer').map(({ verb }) => verb);
  }

  /** The last `count` requests, a line each. */
  last(count: number): string[] {
    return this.all.slice(-count).map(({ verb, params, outcome }) => `${verb} ${params()} -> ${outcome}`);
  }
}

/**
 * The same worker, its requests noted.
 *
 * @param over aborted when the case is: what runs is cancelled where the verb allows it, and nothing more is sent
 */
export function watchWorker(worker: Worker, exchanges: Exchanges, over: AbortSignal): Worker {
  const methods = (Object.keys(VERBS) as Verb[]).map((verb) => {
    const method = worker[VERBS[verb].method] as (params: object, options?: CallOptions) => Promise<unknown>;
    const cancellable = VERBS[verb].errors.includes('cancelled');
    const watched = (params: object, options: CallOptions = {}): Promise<unknown> => {
      if (over.aborted) return Promise.reject(new Error('the case is over'));
      const signals = cancellable ? [over, ...(options.signal === undefined ? [] : [options.signal])] : [];
      const call = method.call(
        worker,
        params,
        signals.length === 0 ? options : { ...options, signal: AbortSignal.any(signals) },
      );
      exchanges.note(verb, () => show(params), call);
      return call;
    };
    return [VERBS[verb].method, watched];
  });
  return { ...(Object.fromEntries(methods) as WorkerVerbs), hello: worker.hello, close: () => worker.close() };
}

/** The same requester, its requests noted. */
export function watchRequester(requester: Requester, exchanges: Exchanges, over: AbortSignal): Requester {
  return {
    async request(verb, params, options) {
      if (over.aborted) throw new Error('the case is over');
      const call = requester.request(verb, params, options);
      exchanges.note(verb, () => showPacked(verb, params), call);
      return call;
    },
  };
}

/** Packed params as what they hold, or as bytes where they are not what the verb takes, which may be the point. */
export function showPacked(verb: string, params: Uint8Array): string {
  try {
    return show(unpackParams(verb as Verb, params));
  } catch {
    return `(${params.byteLength} bytes: ${Buffer.from(params.subarray(0, 24)).toString('hex')})`;
  }
}
