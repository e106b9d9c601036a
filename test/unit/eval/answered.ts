import type { Item } from '../../../ts/benchmarks/benchmark.ts';
import type { Answered, AnsweredItem } from '../../../ts/eval/answeredItem.ts';
import type { SatBenchmark } from '../../../ts/eval/evaluationDocument.ts';
import { fingerprint, GRADER, type ResponseKey } from '../../../ts/eval/response.ts';

/** A response by its answer: `7`, `7?` undecided, `-` without an answer, `7!` cut off. @param gold what is right */
export function answered(key: ResponseKey, said: string, gold: string, verdict?: boolean): Answered {
  const answer = said.replace(/[?!]$/, '');
  return {
    response: { ...key, text: `so ${said}`, stop: said.endsWith('!') ? 'length' : 'stop', tokens: said.length },
    mark: {
      ...key,
      text: fingerprint(`so ${said}`),
      grader: GRADER,
      answer: answer === '-' ? null : answer,
      correct: answer === gold,
      undecided: said.endsWith('?'),
    },
    ...(verdict === undefined ? {} : { verdict }),
  };
}

/** An item whose right answer is 7, with what was answered to it. */
export function itemOf(id: string, greedy: string | null, ...samples: string[]): AnsweredItem {
  const item: Item = { id, question: `question ${id}`, answer: '7' };
  return {
    item,
    greedy: greedy === null ? null : answered({ id, mode: 'greedy', sample: 0 }, greedy, '7'),
    sampled: samples.map((said, sample) => answered({ id, mode: 'sampled', sample }, said, '7')),
  };
}

export function satOf(changes: Partial<SatBenchmark> = {}): SatBenchmark {
  return {
    title: 'Test',
    group: 'own',
    metric: 'greedy',
    items: 2,
    available: 2,
    samples: 0,
    greedy: true,
    maxTokens: 16,
    origin: 'here',
    digest: 'd',
    ...changes,
  };
}
