import type { WorkerError } from '../protocol/generated.ts';
import type { CallOptions } from '../protocol/primitives.ts';
import { WorkerCallError } from './errors.ts';

/** A request that waits for its answer. */
export interface PendingCall {
  readonly verb: string;
  readonly params: Uint8Array;
  /** Under which it was last sent; a repeat on another connection gets a new one. */
  id: number;
  /** The caller has aborted; whatever the answer is, it gets `cancelled`. */
  aborted: boolean;
  readonly answer: Promise<Uint8Array>;
}

interface Entry extends PendingCall {
  resolve(result: Uint8Array): void;
  reject(error: WorkerCallError): void;
  onProgress: CallOptions['onProgress'];
  /** The furthest progress told so far: a repeat starts again from nothing, but nobody goes back. */
  furthest: number;
}

/** Requests that wait for their answer, by id. Methods that take an id give its call, if it was known. */
export class PendingCalls {
  private readonly calls = new Map<number, Entry>();

  add(id: number, verb: string, params: Uint8Array, onProgress: CallOptions['onProgress']): PendingCall {
    let resolve!: Entry['resolve'];
    let reject!: Entry['reject'];
    const answer = new Promise<Uint8Array>((onResult, onError) => {
      resolve = onResult;
      reject = onError;
    });
    const call: Entry = { id, verb, params, answer, aborted: false, resolve, reject, onProgress, furthest: -1 };
    this.calls.set(id, call);
    return call;
  }

  /** All that wait, the oldest first. */
  list(): PendingCall[] {
    return [...this.calls.values()];
  }

  /** The oldest that is such a one. */
  first(isSuch: (call: PendingCall) => boolean): PendingCall | undefined {
    for (const call of this.calls.values()) if (isSuch(call)) return call;
    return undefined;
  }

  renumber(call: PendingCall, id: number): void {
    const entry = this.take(call.id);
    if (entry === undefined) return;
    entry.id = id;
    this.calls.set(id, entry);
  }

  progress(id: number, progress: { done: number; total: number }): PendingCall | undefined {
    const call = this.calls.get(id);
    if (call !== undefined && progress.done > call.furthest) {
      call.furthest = progress.done;
      call.onProgress?.(progress);
    }
    return call;
  }

  succeed(id: number, result: Uint8Array): PendingCall | undefined {
    const call = this.take(id);
    if (call?.aborted) call.reject(cancelledError());
    else call?.resolve(result);
    return call;
  }

  fail(id: number, error: WorkerError | WorkerCallError): PendingCall | undefined {
    const call = this.take(id);
    call?.reject(error instanceof WorkerCallError ? error : WorkerCallError.from(error));
    return call;
  }

  failAll(error: WorkerCallError): void {
    for (const call of this.calls.values()) call.reject(error);
    this.calls.clear();
  }

  private take(id: number): Entry | undefined {
    const call = this.calls.get(id);
    this.calls.delete(id);
    return call;
  }
}

/** What a call rejects with after its signal was aborted. */
export function cancelledError(): WorkerCallError {
  return new WorkerCallError('cancelled', 'the call was cancelled by its caller');
}
