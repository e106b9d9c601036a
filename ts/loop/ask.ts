import { answerIn, type VotingRule, voteBy } from '../domain/ballot.ts';
import { type Band, bandFate, type Fate } from '../domain/filter.ts';
import { solverConversation } from '../domain/prompts.ts';
import { seedOf } from '../domain/random.ts';
import { groupTexts } from '../domain/samples.ts';
import { fewestToSettle, settledFate } from '../domain/settled.ts';
import type { Vote } from '../domain/vote.ts';
import type { Worker } from '../ports/worker.ts';
import type { Sampling } from '../protocol/generated.ts';
import { type DrawOptions, drawEach } from './draw.ts';

/** A question with the answers that the Solver gave it. */
export interface AnsweredQuestion {
  question: string;
  /** Response texts, in the order drawn. */
  responses: string[];
  /** Answers of the responses as the voting rule reads them; null where there is no box. */
  answers: (string | null)[];
  vote: Vote;
  /** Responses that were cut off at maxTokens. */
  cutOff: number;
}

/** How questions are answered. */
export interface Asking {
  /** Who answers: models as loaded in the worker, and how many of the m answers each gives. */
  judges: readonly { modelId: string; votes: number }[];
  sampling: Sampling;
  voting: VotingRule;
  /** The seed of a question's answers, by its number; `part` is 0 for their first request and counts on. */
  seed(number: number, part: number): number;
}

/** Seeds for `count` conversations, all from one named stream. */
export function requestSeeds(seed: number, count: number, ...path: (string | number)[]): Uint32Array {
  return Uint32Array.from({ length: count }, (_, index) => seedOf(seed, ...path, index));
}

/** Seeds by the part of a question's answers: the first part's stream is `path`, the others' lie below it. */
export function partSeeds(seed: number, ...path: (string | number)[]): Asking['seed'] {
  return (number, part) => seedOf(seed, ...path, ...(part === 0 ? [] : ['part', part]), number);
}

/**
 * A question to be answered. Its number decides the seeds of its answers: it is that of the text that it was found in,
 * so that it does not depend on what became of others.
 */
export interface Question {
  text: string;
  number: number;
}

/**
 * Let the Solver, or several, answer each question m times and take the vote (paper section 3.2). Of an answer its
 * text is kept, and not its tokens.
 *
 * @returns in the questions' order
 */
export async function answerQuestions(
  worker: Worker,
  questions: readonly Question[],
  asking: Asking,
  options: DrawOptions,
): Promise<AnsweredQuestion[]> {
  if (questions.length === 0) return [];
  const parts = asking.judges.map(({ modelId, votes }, part) =>
    votes === 0 ? [] : drawTexts(worker, modelId, questions, votes, part, asking, options),
  );
  const texts = await Promise.all(parts);
  return questions.map(({ text }, index) => {
    const drawn = texts.flatMap((part) => part[index] ?? []);
    return voteOn(text, drawn, asking.voting);
  });
}

/** An answered question and what the band makes of it. */
export interface FatedQuestion extends AnsweredQuestion {
  fate: Fate;
}

/** All m answers at once, and what the band makes of each question. */
export async function answerAll(
  worker: Worker,
  questions: readonly Question[],
  asking: Asking,
  band: Band,
  options: DrawOptions,
): Promise<FatedQuestion[]> {
  const answered = await answerQuestions(worker, questions, asking, options);
  return answered.map((one) => ({ ...one, fate: bandFate(one.vote, band) }));
}

/** What answering in rounds was spared. */
export interface Savings {
  /** Answers that were not drawn. */
  samples: number;
  /** Their tokens, had each been as long as the mean of its question's drawn ones. */
  tokens: number;
}

/**
 * Let one Solver answer `perRound` times at a time, the first time as often as it takes to settle anything, and only the questions whose fate the answers so far leave open.
 * A question's fate and, where it is kept, its label are those that any m answers would give it which begin with
 * these (see {@link settledFate}); its vote is of the answers that were drawn.
 *
 * Answers of later rounds come from seeds of their own, so they are other answers than those drawn all at once.
 */
export async function answerInRounds(
  worker: Worker,
  questions: readonly Question[],
  asking: Asking,
  perRound: number,
  band: Band,
  options: DrawOptions,
): Promise<{ answered: FatedQuestion[]; savings: Savings }> {
  const { modelId, votes: m } = asking.judges[0] as Asking['judges'][number];
  type Drawn = AnsweredQuestion & { number: number; fate: Fate | null; tokens: number };
  const drawn = questions.map(
    ({ text, number }): Drawn => ({ ...voteOn(text, [], asking.voting), number, fate: null, tokens: 0 }),
  );
  let open = drawn;
  for (let round = 0, done = 0; open.length > 0 && done < m; round++) {
    const n = Math.min(Math.max(perRound, round === 0 ? fewestToSettle(m, asking.voting, band) : 0), m - done);
    const asked = open.map(({ question, number }) => ({ text: question, number }));
    const texts = await drawTexts(worker, modelId, asked, n, round, asking, options);
    for (const [index, more] of texts.entries()) {
      const one = open[index] as Drawn;
      const before = { texts: one.responses, cutOff: one.cutOff };
      const tokens = one.tokens + more.tokens;
      Object.assign(one, voteOn(one.question, [before, more], asking.voting), { tokens });
    }
    done += n;
    for (const one of open) one.fate = settledFate(one.answers, m, asking.voting, band);
    open = open.filter(({ fate }) => fate === null);
  }
  const savings = { samples: 0, tokens: 0 };
  const answered = drawn.map(({ number, tokens, fate, ...one }) => {
    const spared = m - one.responses.length;
    savings.samples += spared;
    savings.tokens += spared === 0 ? 0 : Math.round((spared * tokens) / one.responses.length);
    return { ...one, fate: fate as Fate };
  });
  return { answered, savings };
}

/** The n texts of a question's answers, how many tokens they had together, and how many were cut off. */
interface Texts {
  texts: string[];
  tokens: number;
  cutOff: number;
}

async function drawTexts(
  worker: Worker,
  modelId: string,
  questions: readonly Question[],
  n: number,
  part: number,
  { sampling, seed }: Asking,
  options: DrawOptions,
): Promise<Texts[]> {
  const conversations = questions.map(({ text }) => solverConversation(text));
  const seeds = Uint32Array.from(questions, ({ number }) => seed(number, part));
  const drawn = drawEach(
    worker,
    { modelId, conversations, n, seeds, sampling },
    options,
    ({ texts, lengths, stopReasons }) =>
      groupTexts(texts, n).map((group, index) => ({
        texts: group,
        tokens: lengths.subarray(index * n, (index + 1) * n).reduce((sum, length) => sum + length, 0),
        cutOff: stopReasons.slice(index * n, (index + 1) * n).filter((reason) => reason === 'length').length,
      })),
  );
  return (await Promise.all(drawn)).flat();
}

function voteOn(
  question: string,
  drawn: readonly Pick<Texts, 'texts' | 'cutOff'>[],
  voting: VotingRule,
): AnsweredQuestion {
  const responses = drawn.flatMap(({ texts }) => texts);
  const answers = responses.map((text) => answerIn(text, voting));
  const cutOff = drawn.reduce((sum, part) => sum + part.cutOff, 0);
  return { question, responses, answers, vote: voteBy(voting, answers), cutOff };
}
