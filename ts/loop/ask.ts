import { extractAnswer } from '../domain/answers/extract.ts';
import { solverConversation } from '../domain/prompts.ts';
import { seedOf } from '../domain/random.ts';
import type { AnsweringSettings } from '../domain/settings.ts';
import { majorityVote, type Vote } from '../domain/vote.ts';
import type { Worker } from '../ports/worker.ts';
import type { CallOptions, SampleBatch } from '../protocol/generated.ts';

/** A question with the answers that the frozen Solver gave it. */
export interface AnsweredQuestion {
  question: string;
  /** Response texts, m of them. */
  responses: string[];
  /** Boxed answers of the responses; null where there is none. */
  answers: (string | null)[];
  vote: Vote;
}

/** Seeds for a request: one a conversation, all from one named stream. */
export function requestSeeds(seed: number, count: number, ...path: (string | number)[]): Uint32Array {
  return Uint32Array.from({ length: count }, (_, index) => seedOf(seed, ...path, index));
}

/** The `n` texts of each conversation. */
export function groupTexts(batch: SampleBatch, n: number): string[][] {
  return Array.from({ length: batch.texts.length / n }, (_, group) => batch.texts.slice(group * n, (group + 1) * n));
}

/**
 * Let the Solver answer each question m times and take the vote (paper section 3.2).
 *
 * @param modelId the Solver as loaded in the worker
 */
export async function answerQuestions(
  worker: Worker,
  modelId: string,
  questions: readonly string[],
  settings: AnsweringSettings,
  seeds: Uint32Array,
  options: CallOptions,
): Promise<AnsweredQuestion[]> {
  if (questions.length === 0) return [];
  const batch = await worker.sample(
    {
      modelId,
      conversations: questions.map((question) => solverConversation(question)),
      n: settings.votes,
      seeds,
      sampling: settings.sampling,
    },
    options,
  );
  return groupTexts(batch, settings.votes).map((responses, index) => {
    const answers = responses.map((text) => extractAnswer(text));
    return { question: questions[index] as string, responses, answers, vote: majorityVote(answers) };
  });
}
