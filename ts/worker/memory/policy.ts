import type { Sampling } from '../../protocol/generated.ts';
import { watchStops } from './stopStrings.ts';
import { END, VOCABULARY } from './text.ts';

// Bound once, as in random.ts.
const { exp, log } = Math;

/** Prompt and completion together. */
export const CONTEXT_LENGTH = 4096;

/** One reply. */
export interface Reply {
  tokens: number[];
  logprobs: number[];
  /** Whether it ended with END or a stop string, not at a limit. */
  stopped: boolean;
}

/** What can follow one token: tokens, their cumulative probability and log-probs. */
interface Choices {
  tokens: number[];
  cumulative: number[];
  logprobs: number[];
}

/** A bigram model: the logits of the next token are the row of the last one. */
export class Policy {
  /** [VOCABULARY, VOCABULARY], row by row. Whoever changes it calls {@link changed}. */
  readonly weights: Float64Array;
  private readonly rows = new Map<string, Float64Array>();
  private readonly choices = new Map<string, Choices>();

  constructor(weights: Float64Array) {
    this.weights = weights;
  }

  copy(): Policy {
    return new Policy(this.weights.slice());
  }

  /** Forget distributions: the weights have other values now. */
  changed(): void {
    this.rows.clear();
    this.choices.clear();
  }

  /** Log-probs [VOCABULARY] of what follows `last`, softmax(logits / temperature). */
  distribution(last: number, temperature: number): Float64Array {
    const key = `${last} ${temperature}`;
    let row = this.rows.get(key);
    if (row === undefined) {
      row = this.weights.subarray(last * VOCABULARY, (last + 1) * VOCABULARY).map((logit) => logit / temperature);
      const top = Math.max(...row);
      let mass = 0;
      for (const logit of row) mass += exp(logit - top);
      const logMass = top + log(mass);
      row = row.map((logit) => logit - logMass);
      this.rows.set(key, row);
    }
    return row;
  }

  /** Log-probs of a sequence's tokens; 0 for the first. */
  logprobs(tokens: Int32Array, temperature: number): Float32Array {
    const logprobs = new Float32Array(tokens.length);
    for (let at = 1; at < tokens.length; at++) {
      const row = this.distribution(tokens[at - 1] as number, temperature);
      logprobs[at] = row[tokens[at] as number] as number;
    }
    return logprobs;
  }

  /**
   * Draw one reply to a prompt.
   * @param uniform number `position` of a stream in [0, 1)
   */
  sample(prompt: readonly number[], sampling: Sampling, uniform: (position: number) => number): Reply {
    const reply: Reply = { tokens: [], logprobs: [], stopped: false };
    const limit = Math.min(sampling.maxTokens, CONTEXT_LENGTH - prompt.length);
    const completes = sampling.stop?.length ? watchStops(sampling.stop) : () => false;
    let last = prompt.at(-1) ?? END;
    for (let position = 0; position < limit && !reply.stopped; position++) {
      const { tokens, cumulative, logprobs } = this.choicesAfter(last, sampling);
      const drawn = uniform(position) * (cumulative.at(-1) as number);
      const found = cumulative.findIndex((mass) => mass > drawn);
      const index = found < 0 ? tokens.length - 1 : found;
      last = tokens[index] as number;
      reply.tokens.push(last);
      reply.logprobs.push(logprobs[index] as number);
      reply.stopped = last === END || completes(last);
    }
    return reply;
  }

  private choicesAfter(last: number, sampling: Sampling): Choices {
    const { temperature, topK, topP } = sampling;
    const key = `${last} ${temperature} ${topK} ${topP}`;
    let choices = this.choices.get(key);
    if (choices === undefined) {
      // Greedy draws from a point mass, so its log-probs are 0.
      choices =
        temperature === 0
          ? { ...cut(this.distribution(last, 1), 1, 1), logprobs: [0] }
          : cut(this.distribution(last, temperature), topK, topP);
      this.choices.set(key, choices);
    }
    return choices;
  }
}

/** The k likeliest tokens, of these the fewest that reach a share of p, renormalised; ties go to the lower token. */
function cut(row: Float64Array, topK: number, topP: number): Choices {
  const logprob = (token: number): number => row[token] as number;
  let tokens = Array.from(row.keys());
  if (topK > 0 || topP < 1) tokens.sort((a, b) => logprob(b) - logprob(a) || a - b);
  if (topK > 0) tokens = tokens.slice(0, topK);
  let cumulative = running(tokens.map((token) => exp(logprob(token))));
  if (topP < 1) {
    const enough = topP * (cumulative.at(-1) as number);
    const kept = 1 + cumulative.findIndex((mass) => mass >= enough);
    tokens = tokens.slice(0, kept);
    cumulative = cumulative.slice(0, kept);
  }
  const logMass = tokens.length < row.length ? log(cumulative.at(-1) as number) : 0;
  return { tokens, cumulative, logprobs: tokens.map((token) => logprob(token) - logMass) };
}

function running(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((value) => {
    sum += value;
    return sum;
  });
}

/**
 * Weights of a fresh model: noise, with printable bytes likely and replies of about 20 tokens.
 * @param uniform number `position` of a stream in [0, 1)
 */
export function initialWeights(uniform: (position: number) => number): Float64Array {
  // A plain loop: Float64Array.from is twenty times slower.
  const weights = new Float64Array(VOCABULARY * VOCABULARY);
  for (let position = 0; position < weights.length; position++) {
    const token = position % VOCABULARY;
    const printable = token >= 0x20 && token < 0x7f;
    weights[position] = (token === END ? 1.5 : printable ? 0 : -12) + uniform(position) - 0.5;
  }
  return weights;
}
