import type { Worker } from '../ports/worker.ts';
import type { CallOptions, SampleBatch, SampleParams } from '../protocol/generated.ts';
import type { Answers } from './answers.ts';
import { heardLater } from './later.ts';

/** How a phase's samples are asked for. */
export interface DrawOptions extends CallOptions {
  /** Most samples of one request; a conversation's are never parted. */
  requestSamples: number;
  /** Where answers are recorded; absent: nowhere. */
  answers?: Answers;
}

/**
 * Handles the answer to a request.
 *
 * @param first the number of its first conversation
 * @param signal aborted when nobody wants what comes of it any more
 */
export type Handle<T> = (batch: SampleBatch, first: number, signal: AbortSignal) => T | Promise<T>;

/**
 * Have samples drawn in requests of bounded size, which are all asked at once and in order. Each answer is handled
 * when it comes, while others are still being generated; where nobody keeps it, it is gone then. How a request
 * is cut depends on it alone, so that a run repeats itself.
 *
 * @param handle what it throws is a failure too
 * @param chosen the requests that are made, each by the number of its first conversation; all unless given
 * @returns what `handle` gave, request by request. The first that fails cancels the others, which then fail as it did.
 */
export function drawEach<T>(
  worker: Worker,
  params: SampleParams,
  { requestSamples, signal, onProgress, answers }: DrawOptions,
  handle: Handle<T>,
  chosen?: ReadonlySet<number>,
): Promise<T>[] {
  const requests = cut(params, requestSamples).filter(({ first }) => chosen?.has(first) ?? true);
  const total = params.conversations.length * params.n;
  const sample = (request: SampleParams, options: CallOptions): Promise<SampleBatch> => {
    const ask = () => worker.sample(request, options);
    return answers === undefined ? ask() : answers.recall({ verb: 'sample', ...request }, ask);
  };
  const done = requests.map(() => 0);
  let sum = 0;
  const stop = new AbortController();
  const wanted = either(signal, stop.signal);
  let failure: { error: unknown } | undefined;
  // One after another, so that what the first need (new weights, say) is under way before the last are asked.
  let asked: Promise<void> = Promise.resolve();
  return requests.map(({ request, first }, index) => {
    const before = asked;
    let onAsked = (): void => {};
    asked = new Promise((resolve) => {
      onAsked = resolve;
    });
    const draw = async (): Promise<T> => {
      await before;
      const options: CallOptions = {
        signal: wanted,
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
        const batch = sample(request, options);
        onAsked();
        return await handle(await batch, first, wanted);
      } catch (error) {
        failure ??= { error };
        stop.abort();
        throw failure.error;
      }
    };
    return heardLater(draw());
  });
}

/** How many conversations are asked for where `needed` are, so that nobody waits for the last ones: a share more. */
export function overAsked(needed: number, share: number): number {
  return Math.ceil(needed * (1 + share));
}

/** What came of a request: of `count` conversations from number `first` on. */
export interface Drawn<T> {
  first: number;
  count: number;
  value: T;
}

/**
 * As {@link drawEach}, until answers for `needed` conversations have been handled; the other requests are cancelled then.
 * Which came first is put on record: who replays makes those requests alone.
 *
 * @returns what was handled first, in the requests' order; with the last request it may be more than was needed
 */
export async function drawFirst<T>(
  worker: Worker,
  params: SampleParams,
  needed: number,
  options: DrawOptions,
  handle: Handle<T>,
): Promise<Drawn<T>[]> {
  const { answers } = options;
  const cuts = params.conversations.length > needed;
  const choice = { chosenOf: params.modelId, seeds: params.seeds, needed };
  const known = cuts ? answers?.known<{ firsts: readonly number[] }>(choice) : undefined;
  const enough = new AbortController();
  const handling = new Set<AbortController>();
  const drawn: Drawn<T>[] = [];
  let conversations = 0;
  const requests = drawEach(
    worker,
    params,
    { ...options, signal: either(options.signal, enough.signal) },
    async (batch, first) => {
      const count = batch.promptLengths.length;
      const unwanted = new AbortController();
      handling.add(unwanted);
      const value = await handle(batch, first, either(options.signal, unwanted.signal));
      if (enough.signal.aborted) return;
      handling.delete(unwanted);
      drawn.push({ first, count, value });
      conversations += count;
      if (conversations < needed) return;
      enough.abort();
      for (const one of handling) one.abort();
    },
    known && new Set(known.firsts),
  );
  const reached = new Promise((resolve) => enough.signal.addEventListener('abort', resolve));
  await Promise.race([reached, Promise.all(requests)]);
  drawn.sort((one, other) => one.first - other.first);
  if (cuts && known === undefined) answers?.remember(choice, { firsts: drawn.map(({ first }) => first) });
  return drawn;
}

/** How many conversations a request has, the last one of a phase aside. */
export function conversationsPerRequest(requestSamples: number, n: number): number {
  return Math.max(1, Math.floor(requestSamples / n));
}

/** Whole conversations, one after another, in requests of at most `most` samples. */
function cut(params: SampleParams, most: number): { request: SampleParams; first: number }[] {
  const { conversations, seeds, n } = params;
  const size = conversationsPerRequest(most, n);
  if (conversations.length <= size) return [{ request: params, first: 0 }];
  return Array.from({ length: Math.ceil(conversations.length / size) }, (_, index) => {
    const first = index * size;
    const end = first + size;
    const some = { conversations: conversations.slice(first, end), seeds: seeds.slice(first, end) };
    return { request: { ...params, ...some }, first };
  });
}

function either(one: AbortSignal | undefined, other: AbortSignal): AbortSignal {
  return one === undefined ? other : AbortSignal.any([one, other]);
}
