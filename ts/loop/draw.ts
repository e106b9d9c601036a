import type { Worker } from '../ports/worker.ts';
import type { CallOptions, SampleBatch, SampleParams } from '../protocol/generated.ts';
import { heardLater } from './later.ts';

/** How a phase's samples are asked for. */
export interface DrawOptions extends CallOptions {
  /** Most samples of one request; a conversation's are never parted. */
  requestSamples: number;
}

/**
 * Have samples drawn in requests of bounded size, which are all asked at once and in order. Each answer is handled
 * when it comes, while others are still being generated; where nobody keeps it, it is gone then. How a request
 * is cut depends on it alone, so that a run repeats itself.
 *
 * @param handle gets an answer and the number of its first conversation; what it throws is a failure too
 * @returns what `handle` gave, request by request. The first that fails cancels the others, which then fail as it did.
 */
export function drawEach<T>(
  worker: Worker,
  params: SampleParams,
  { requestSamples, signal, onProgress }: DrawOptions,
  handle: (batch: SampleBatch, first: number) => T | Promise<T>,
): Promise<T>[] {
  const requests = cut(params, requestSamples);
  const total = params.conversations.length * params.n;
  const done = requests.map(() => 0);
  let sum = 0;
  const stop = new AbortController();
  let failure: { error: unknown } | undefined;
  return requests.map(({ request, first }, index) => {
    const draw = async (): Promise<T> => {
      const options: CallOptions = {
        signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
        onProgress: (progress) => {
          // Who draws a request again starts from nothing; for the caller, nothing goes back.
          const more = progress.done - (done[index] as number);
          if (more <= 0) return;
          done[index] = progress.done;
          sum += more;
          onProgress?.({ done: sum, total });
        },
      };
      try {
        return await handle(await worker.sample(request, options), first);
      } catch (error) {
        failure ??= { error };
        stop.abort();
        throw failure.error;
      }
    };
    return heardLater(draw());
  });
}

/** Whole conversations, one after another, in requests of at most `most` samples. */
function cut(params: SampleParams, most: number): { request: SampleParams; first: number }[] {
  const { conversations, seeds, n } = params;
  const size = Math.max(1, Math.floor(most / n));
  if (conversations.length <= size) return [{ request: params, first: 0 }];
  return Array.from({ length: Math.ceil(conversations.length / size) }, (_, index) => {
    const first = index * size;
    const end = first + size;
    const some = { conversations: conversations.slice(first, end), seeds: seeds.slice(first, end) };
    return { request: { ...params, ...some }, first };
  });
}
