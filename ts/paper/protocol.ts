import type { ScoresDocument } from '../eval/scoresDocument.ts';

/** One way in which an evaluation was done otherwise than the paper's. */
export interface ProtocolDifference {
  what: string;
  here: string;
  paper: string;
}

/** Benchmarks that the paper calls mean@32. */
const SAMPLED = new Set(['amc', 'aime-2024', 'aime-2025']);

/**
 * What differs between an evaluation and the paper's (section 4 and the published code, which is not what the paper says in
 * all). Only what concerns the benchmarks that were sat.
 */
export function protocolDifferences({ protocol, benchmarks }: ScoresDocument): ProtocolDifference[] {
  const { judge, temperature, topP, topK } = protocol;
  const math = benchmarks.filter(({ group }) => group === 'math');
  const general = benchmarks.filter(({ group }) => group === 'general');
  const sampled = benchmarks.filter(({ benchmark }) => SAMPLED.has(benchmark));
  const differences: ProtocolDifference[] = [];
  if (math.length > 0) {
    differences.push({
      what: 'Judge',
      here: judge === null ? 'none: the rule grader alone' : `${judge.model}, which may give a point and take one`,
      paper: 'GPT-4o, with the gold answer and the response swapped; it could only give points',
    });
  }
  for (const samples of new Set(sampled.map(({ samples }) => samples))) {
    const titles = sampled.filter((one) => one.samples === samples).map(({ title }) => title);
    const cut = `${topP < 1 ? `, top-p ${topP}` : ''}${topK > 0 ? `, top-k ${topK}` : ''}`;
    differences.push({
      what: titles.join(', '),
      here: samples === 0 ? 'greedy' : `mean@${samples} at temperature ${temperature}${cut}`,
      paper: 'mean@32, at a temperature that is not said; the published code draws 32 greedy copies',
    });
  }
  if (general.length > 0) {
    differences.push({
      what: 'No letter in a response',
      here: 'wrong, and counted',
      paper: 'a random letter, by the published code, from no fixed seed',
    });
  }
  for (const { title, maxTokens, group } of benchmarks) {
    const theirs = group === 'general' ? 8192 : 4096;
    if ((group === 'math' || group === 'general') && maxTokens !== theirs) {
      differences.push({ what: `${title}, most new tokens`, here: String(maxTokens), paper: String(theirs) });
    }
  }
  if (math.length + general.length > 0) {
    differences.push({
      what: 'Prompts',
      here: 'of this project',
      paper: 'of the published code, with the same demands',
    });
  }
  return differences;
}
