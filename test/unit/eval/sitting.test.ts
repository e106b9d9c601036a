import { describe, expect, test } from '@jest/globals';
import type { Item, LoadedBenchmark } from '../../../ts/benchmarks/benchmark.ts';
import { answeredItems } from '../../../ts/eval/answeredItem.ts';
import { GRADER, keyOf, type MarkRecord, type ResponseRecord } from '../../../ts/eval/response.ts';
import { type SittingRecords, sit } from '../../../ts/eval/sitting.ts';
import type { SampleBatch, SampleParams } from '../../../ts/protocol/generated.ts';
import { satOf } from './answered.ts';

const items: Item[] = ['a', 'b', 'c'].map((id) => ({ id, question: `what is ${id}?`, answer: '7' }));

/** Counts what it grades. */
function benchmarkOf(): LoadedBenchmark & { graded: string[] } {
  const graded: string[] = [];
  return {
    name: 'test',
    title: 'Test',
    group: 'own',
    metric: 'mean',
    samples: 2,
    maxTokens: 16,
    items,
    origin: 'here',
    digest: 'd',
    graded,
    conversation: ({ question }) => ({ messages: [{ role: 'user', content: question }] }),
    grade: async (_, responses) => {
      graded.push(...responses);
      return responses.map((text) => ({ answer: text, correct: text.endsWith('7'), undecided: false }));
    },
  };
}

function recordsOf(
  responses: ResponseRecord[] = [],
  marks: MarkRecord[] = [],
): SittingRecords & {
  responses: ResponseRecord[];
  marks: MarkRecord[];
} {
  return {
    items,
    responses,
    marks,
    verdicts: [],
    addResponses: (added) => responses.push(...added),
    addMarks: (added) => marks.push(...added),
  };
}

/** A worker whose texts say the seed that they were drawn with. */
function workerOf(fails?: (request: number) => boolean) {
  const requests: SampleParams[] = [];
  return {
    requests,
    sample: async (params: SampleParams): Promise<SampleBatch> => {
      requests.push(params);
      if (fails?.(requests.length)) throw new Error('the worker is gone');
      const texts = [...params.seeds].map((seed) => `${params.sampling.temperature} ${seed}`);
      return {
        weightsVersion: 0,
        promptTokens: new Int32Array(),
        promptLengths: new Int32Array(),
        tokens: new Int32Array(),
        lengths: Int32Array.from(texts, () => 3),
        logprobs: new Float32Array(),
        texts,
        stopReasons: texts.map(() => 'stop'),
      };
    },
  };
}

const protocol = { temperature: 0.6, topP: 0.95, topK: 0, maxTokens: null, seed: 1, backend: 'scripted' };

interface Sitting {
  records: SittingRecords;
  samples: number;
  worker?: ReturnType<typeof workerOf>;
  benchmark?: ReturnType<typeof benchmarkOf>;
  limit?: number;
  onProgress?: (done: number) => void;
}

async function sitTest({ records, samples, limit = 3, onProgress, ...how }: Sitting) {
  const { worker = workerOf(), benchmark = benchmarkOf() } = how;
  const sat = satOf({ samples, items: limit });
  const signal = new AbortController().signal;
  const options = { worker, modelId: 'm', benchmark, sat, protocol, records, requestSamples: 2, signal };
  await sit({ ...options, ...(onProgress === undefined ? {} : { onProgress }) });
  return { worker, benchmark };
}

const byKey = (responses: readonly ResponseRecord[]) =>
  responses.map((response) => [keyOf(response), response.text]).sort();

describe('a sitting', () => {
  test('draws one greedy response and k samples an item, and grades each once', async () => {
    const records = recordsOf();
    const { worker, benchmark } = await sitTest({ records, samples: 2 });
    expect(records.responses).toHaveLength(9);
    expect(new Set(byKey(records.responses).map(([key]) => key)).size).toBe(9);
    expect([...benchmark.graded].sort()).toEqual(records.responses.map(({ text }) => text).sort());
    expect(
      worker.requests.map(({ n, sampling }) => [n, sampling.temperature, sampling.topP, sampling.maxTokens]),
    ).toEqual([
      [1, 0, 1, 16],
      [1, 0, 1, 16],
      [1, 0.6, 0.95, 16],
      [1, 0.6, 0.95, 16],
      [1, 0.6, 0.95, 16],
      [1, 0.6, 0.95, 16],
    ]);
    expect(answeredItems(records, { items: 3, samples: 2, greedy: true }, null)).toHaveLength(3);
    expect(answeredItems(records, { items: 3, samples: 3, greedy: true }, null)).toBeUndefined();
  });

  test('what is on record is neither drawn nor graded again', async () => {
    const records = recordsOf();
    await sitTest({ records, samples: 2 });
    const { worker, benchmark } = await sitTest({ records, samples: 2 });
    expect(worker.requests).toEqual([]);
    expect(benchmark.graded).toEqual([]);
  });

  test('2 samples and then 5 are 5 at once, and so are some items and then all', async () => {
    const [once, grown] = [recordsOf(), recordsOf()];
    await sitTest({ records: once, samples: 5 });
    await sitTest({ records: grown, samples: 2, limit: 1 });
    await sitTest({ records: grown, samples: 2 });
    await sitTest({ records: grown, samples: 5 });
    expect(byKey(grown.responses)).toEqual(byKey(once.responses));
  });

  test('a request of which a part is missing is the same request, and what is there stays', async () => {
    const whole = recordsOf();
    const first = await sitTest({ records: whole, samples: 2 });
    const [kept] = whole.responses as [ResponseRecord];
    const records = recordsOf([{ ...kept, text: 'as it was' }]);
    const { worker } = await sitTest({ records, samples: 2 });
    expect(worker.requests).toEqual(first.worker.requests);
    expect(records.responses[0]?.text).toBe('as it was');
    expect(byKey(records.responses).slice(1)).toEqual(byKey(whole.responses).slice(1));
  });

  test('marks of another grader, or of another text, are made anew', async () => {
    const records = recordsOf();
    await sitTest({ records, samples: 0 });
    const [first, second] = records.marks as [MarkRecord, MarkRecord];
    Object.assign(first, { grader: GRADER - 1 });
    Object.assign(second, { text: '0000000000000000' });
    const { benchmark } = await sitTest({ records, samples: 0 });
    expect(benchmark.graded).toHaveLength(2);
    expect(answeredItems(records, { items: 3, samples: 0, greedy: true }, null)).toHaveLength(3);
  });

  test('what came before a failure is on record', async () => {
    const records = recordsOf();
    const failing = sitTest({ records, samples: 2, worker: workerOf((request) => request === 4) });
    await expect(failing).rejects.toThrow('the worker is gone');
    const { worker } = await sitTest({ records, samples: 2 });
    expect(records.responses).toHaveLength(9);
    expect(worker.requests.length).toBeLessThan(6);
  });

  test('progress counts what is on record', async () => {
    const records = recordsOf();
    await sitTest({ records, samples: 0 });
    const seen: number[] = [];
    await sitTest({ records, samples: 1, onProgress: (done) => seen.push(done) });
    expect(seen).toEqual([3, 5, 6]);
  });
});
