import type { Item, LoadedBenchmark } from '../benchmarks/benchmark.ts';
import { seedOf } from '../domain/random.ts';
import type { Worker } from '../ports/worker.ts';
import type { SampleBatch, SampleParams } from '../protocol/generated.ts';
import type { BenchmarkRecords } from './answeredItem.ts';
import type { DrawingProtocol, SatBenchmark } from './evaluationDocument.ts';
import { type Portion, placesOf, portions } from './portions.ts';
import { fingerprint, GRADER, keyOf, type MarkRecord, type ResponseKey, type ResponseRecord } from './response.ts';

/** Where the responses to one benchmark are on record, and their marks. What is added is kept when that returns. */
export interface SittingRecords extends BenchmarkRecords {
  addResponses(responses: readonly ResponseRecord[]): void;
  addMarks(marks: readonly MarkRecord[]): void;
}

export interface SittingOptions {
  worker: Pick<Worker, 'sample'>;
  /** The model, loaded in the worker. */
  modelId: string;
  benchmark: LoadedBenchmark;
  sat: SatBenchmark;
  protocol: DrawingProtocol;
  records: SittingRecords;
  /** Most responses of a request. */
  requestSamples: number;
  signal: AbortSignal;
  /** Told how many responses are there, of those that are wanted, the ones on record among them. */
  onProgress?(done: number): void;
}

/** Responses that a benchmark takes. */
export function responsesOf({ items, samples, greedy }: SatBenchmark): number {
  return items * (samples + Number(greedy));
}

/** What of a benchmark is asked, and what is on record of that. */
export type Recorded = Pick<SittingOptions, 'benchmark' | 'sat' | 'records'>;

/** Whether every response that is wanted is there. */
export function isDrawn({ benchmark, sat, records }: Recorded): boolean {
  const known = new Set(records.responses.map(keyOf));
  const wanted = portions(sat.items, sat.samples, sat.greedy, sat.items).flatMap((portion) =>
    keysOf(portion, benchmark.items),
  );
  return wanted.every((key) => known.has(keyOf(key)));
}

/** Grade what has no mark of this grader. @throws what the benchmark's grader throws, and the records */
export async function gradeRecorded({ benchmark, sat, records }: Recorded, signal: AbortSignal): Promise<void> {
  await grade(benchmark, benchmark.items.slice(0, sat.items), ungraded(records), records, signal);
}

/**
 * Let a model sit a benchmark: draw what is not on record, and grade what has no mark of this grader. All requests are
 * asked at once and in order; each response is on record, and graded, when it comes.
 *
 * A sample's random numbers depend on the seed, the benchmark, the item and its own number: a request of which a part is
 * on record is drawn again whole, so that it is the same one, and what is on record stays as it is.
 *
 * @throws what the worker throws, and the records
 */
export async function sit(options: SittingOptions): Promise<void> {
  const { benchmark, sat, records, requestSamples, onProgress } = options;
  const known = new Set(records.responses.map(keyOf));
  const items = benchmark.items.slice(0, sat.items);
  const wanted = portions(items.length, sat.samples, sat.greedy, requestSamples)
    .map((portion) => ({ portion, keys: keysOf(portion, items) }))
    .filter(({ keys }) => keys.some((key) => !known.has(keyOf(key))));
  const total = responsesOf(sat);
  // Parts of requests that are drawn again do not count before they are there again.
  let done = total - wanted.reduce((sum, { keys }) => sum + keys.length, 0);
  const begun = wanted.map(() => 0);
  const advance = (index: number, count: number): void => {
    done += Math.max(0, count - (begun[index] ?? 0));
    begun[index] = Math.max(count, begun[index] ?? 0);
    onProgress?.(done);
  };
  onProgress?.(done);
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const grading = gradeRecorded(options, signal);
  const drawing = wanted.map(async ({ portion, keys }, index) => {
    const batch = await options.worker.sample(requestOf(options, items, portion), {
      signal,
      onProgress: (progress) => advance(index, progress.done),
    });
    const fresh = responsesIn(batch, keys).filter((response) => !known.has(keyOf(response)));
    records.addResponses(fresh);
    advance(index, keys.length);
    await grade(benchmark, items, fresh, records, signal);
  });
  try {
    await Promise.all([grading, ...drawing]);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled([grading, ...drawing]);
    throw error;
  }
}

function keysOf(portion: Portion, items: readonly Item[]): ResponseKey[] {
  return placesOf(portion).map(({ item, sample }) => ({ id: idOf(items, item), mode: portion.mode, sample }));
}

function requestOf({ benchmark, protocol, sat, modelId }: SittingOptions, items: readonly Item[], portion: Portion) {
  const { temperature, topP, topK, seed } = protocol;
  const { maxTokens } = sat;
  const places = placesOf(portion);
  const sampling = portion.mode === 'greedy' ? { temperature: 0, topP: 1, topK: 0 } : { temperature, topP, topK };
  return {
    modelId,
    conversations: places.map(({ item }) => benchmark.conversation(items[item] as Item)),
    n: 1,
    seeds: Uint32Array.from(places, ({ item, sample }) =>
      seedOf(seed, 'benchmark', benchmark.name, idOf(items, item), portion.mode, sample),
    ),
    sampling: { ...sampling, maxTokens },
  } satisfies SampleParams;
}

function responsesIn({ texts, stopReasons, lengths }: SampleBatch, keys: readonly ResponseKey[]): ResponseRecord[] {
  return keys.map((key, index) => ({
    ...key,
    text: texts[index] as string,
    stop: stopReasons[index] as ResponseRecord['stop'],
    tokens: lengths[index] as number,
  }));
}

/** Responses that have no mark of this grader for their text. */
function ungraded({ responses, marks }: BenchmarkRecords): ResponseRecord[] {
  const graded = new Map(marks.filter(({ grader }) => grader === GRADER).map((mark) => [keyOf(mark), mark.text]));
  return responses.filter((response) => graded.get(keyOf(response)) !== fingerprint(response.text));
}

/** Grade responses, those of an item together. */
async function grade(
  benchmark: LoadedBenchmark,
  items: readonly Item[],
  responses: readonly ResponseRecord[],
  records: SittingRecords,
  signal: AbortSignal,
): Promise<void> {
  const byItem = new Map<string, ResponseRecord[]>();
  for (const response of responses) byItem.set(response.id, [...(byItem.get(response.id) ?? []), response]);
  for (const item of items) {
    const given = byItem.get(item.id);
    if (given === undefined) continue;
    signal.throwIfAborted();
    const marks = await benchmark.grade(
      item,
      given.map(({ text }) => text),
    );
    records.addMarks(
      given.map(({ id, mode, sample, text }, index) => {
        const { answer, correct, undecided } = marks[index] as (typeof marks)[number];
        return { id, mode, sample, text: fingerprint(text), grader: GRADER, answer, correct, undecided };
      }),
    );
    // Graders compute in this process, where workers are to be heard too.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function idOf(items: readonly Item[], number: number): string {
  return (items[number] as Item).id;
}
