import type { Group } from '../benchmarks/benchmark.ts';
import type { ScoresDocument } from './scoresDocument.ts';

/** What decides which responses a model gives, beside the benchmarks themselves. */
export interface DrawingProtocol {
  /** Of sampled responses; greedy ones have 0. */
  temperature: number;
  topP: number;
  topK: number;
  /** Most new tokens of a response; null: what each benchmark says. */
  maxTokens: number | null;
  seed: number;
  backend: string;
}

/** How a benchmark was last sat, which is how it is scored. */
export interface SatBenchmark {
  title: string;
  group: Group;
  metric: 'greedy' | 'mean';
  /** Items asked, the first ones. */
  items: number;
  /** Items that the benchmark has. */
  available: number;
  /** Samples an item. */
  samples: number;
  greedy: boolean;
  maxTokens: number;
  origin: string;
  digest: string;
}

/** `evaluation.json`: which model, and how it is evaluated. */
export interface EvaluationDocument {
  version: 1;
  model: ScoresDocument['model'];
  protocol: DrawingProtocol;
  /** By name, in the order in which they were first sat. */
  benchmarks: Record<string, SatBenchmark>;
}

/**
 * What keeps responses of two evaluations from lying in one folder, a line each: `temperature: 1 -> 0.6`. More or fewer
 * items and samples, and other benchmarks, do not.
 */
export function protocolChanges(before: EvaluationDocument, after: EvaluationDocument): string[] {
  const changes: string[] = [];
  const compare = (name: string, one: unknown, other: unknown): void => {
    const [a, b] = [one, other].map((value) => JSON.stringify(value));
    if (a !== b) changes.push(`${name}: ${a} -> ${b}`);
  };
  const known = before.model.identity !== null && after.model.identity !== null;
  // A folder may move, and keeps its files.
  if (!known) compare('model', before.model.name, after.model.name);
  else if (before.model.identity !== after.model.identity) {
    changes.push(`model: other files (SHA-256 ${before.model.identity} -> ${after.model.identity})`);
  }
  for (const name of Object.keys(before.protocol) as (keyof DrawingProtocol)[]) {
    compare(name, before.protocol[name], after.protocol[name]);
  }
  for (const [name, now] of Object.entries(after.benchmarks)) {
    const then = before.benchmarks[name];
    if (then === undefined) continue;
    compare(`max-tokens of ${name}`, then.maxTokens, now.maxTokens);
    if (then.digest !== now.digest) {
      changes.push(`items, prompt or grading of ${name} (SHA-256 ${then.digest} -> ${now.digest})`);
    }
  }
  return changes;
}

/** What is there with what is asked for now: benchmarks that are not asked for stay. */
export function withBenchmarks(before: EvaluationDocument, after: EvaluationDocument): EvaluationDocument {
  return { ...before, benchmarks: { ...before.benchmarks, ...after.benchmarks } };
}
