import { macroAverages, type PaperSuites, type Sat } from './averages.ts';
import { scoreBenchmark } from './benchmarkScores.ts';
import type { EvaluationDocument } from './evaluationDocument.ts';
import type { ScoresDocument } from './scoresDocument.ts';

/**
 * All figures of an evaluation, from what is on record: the same records give the same document.
 *
 * @param benchmarks those that are sat to the end
 * @param judge whose verdicts are in them; null for nobody's
 * @param program the program's version
 */
export function buildScores(
  { model, protocol }: EvaluationDocument,
  benchmarks: readonly Sat[],
  suites: PaperSuites,
  judge: ScoresDocument['protocol']['judge'],
  program: string,
): ScoresDocument {
  const { temperature, topP, topK, seed, backend } = protocol;
  const judged = judge !== null;
  return {
    version: 1,
    program,
    model,
    protocol: { temperature, topP, topK, seed, backend, judge },
    benchmarks: benchmarks.map(({ name, sat, answered }) => scoreBenchmark(name, sat, answered, seed, judged)),
    averages: macroAverages(benchmarks, suites, seed, judged),
  };
}
