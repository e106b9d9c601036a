import type { WorkerError } from '../protocol/generated.ts';
import type { CallOptions } from '../protocol/primitives.ts';
import { WorkerCallError } from './errors.ts';

interface PendingCall {
  resolve(result: Uint8Array): void;
  reject(error: WorkerCallError): void;
  onProgress: CallOptions['onProgress'];
  /** The caller has aborted; whatever the answer is, it gets `cancelled`. */
  aborted: boolean;
}

/** Requests that wait for their answer, by id. Each method that takes an id says whether it was known. */
export class PendingCalls {
  private readonly calls = new Map<number, PendingCall>();

  add(id: number, onProgress: CallOptions['onProgress']): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.calls.set(id, { resolve, reject, onProgress, aborted: false });
    });
  }

  abort(id: number): boolean {
    const call = this.calls.get(id);
    if (call !== undefined) call.aborted = true;
    return call !== undefined;
  }

  progress(id: number, progress: { done: number; total: number }): boolean {
    const call = this.calls.get(id);
    call?.onProgress?.(progress);
    return call !== undefined;
  }

  succeed(id: number, result: Uint8Array): boolean {
    const call = this.take(id);
    if (call?.aborted) call.reject(cancelledError());
    else call?.resolve(result);
    return call !== undefined;
  }

  fail(id: number, error: WorkerError): boolean {
    const call = this.take(id);
    call?.reject(WorkerCallError.from(error));
    return call !== undefined;
  }

  failAll(error: WorkerCallError): void {
    for (const call of this.calls.values()) call.reject(error);
    this.calls.clear();
  }

  private take(id: number): PendingCall | undefined {
    const call = this.calls.get(id);
    this.calls.delete(id);
    return call;
  }
}

/** What a call rejects with after its signal was aborted. */
export function cancelledError(): WorkerCallError {
  return new WorkerCallError('cancelled', 'the call was cancelled by its caller');
}
