import type { BenchmarkScores, MacroAverage, ScoresDocument } from '../../../ts/eval/scoresDocument.ts';

const figure = (value: number) => ({ value, low: value - 2, high: value + 2 });

const none = { truncated: 0, noBox: 0, undecided: 0 };

/** One benchmark as `rzero eval` leaves it: `greedy` right in `value` percent. */
export function benchmarkScores(
  benchmark: string,
  value: number,
  more: Partial<BenchmarkScores> = {},
): BenchmarkScores {
  return {
    benchmark,
    title: benchmark.toUpperCase(),
    group: 'math',
    items: 100,
    available: 100,
    samples: 0,
    metric: 'greedy',
    origin: 'a file',
    digest: 'd',
    maxTokens: 4096,
    greedy: figure(value),
    mean: null,
    majority: null,
    passAt: [],
    rates: { greedy: none, sampled: none },
    meanTokens: { greedy: 10, sampled: null },
    judged: null,
    ...more,
  };
}

export function macroAverage(value: number, missing: string[] = []): MacroAverage {
  return { figure: figure(value), benchmarks: ['x'], missing };
}

export function scoresDocument(benchmarks: BenchmarkScores[], more: Partial<ScoresDocument> = {}): ScoresDocument {
  return {
    version: 1,
    program: '0.1.0',
    model: { name: 'm', identity: null, backbone: 'Qwen/Qwen3-4B-Base', iteration: 3 },
    protocol: { temperature: 0.6, topP: 0.95, topK: 0, seed: 1, backend: 'vllm', judge: null },
    benchmarks,
    averages: { math: null, general: null, overall: null },
    ...more,
  };
}
