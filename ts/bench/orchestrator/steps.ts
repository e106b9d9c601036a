import { loadConfig } from '../../config/load.ts';
import { creditOf } from '../../domain/advantage.ts';
import { answerIn, voteBy } from '../../domain/ballot.ts';
import { solverConversation } from '../../domain/prompts.ts';
import { METHODS } from '../../domain/published.ts';
import { seedOf } from '../../domain/random.ts';
import { solverReward } from '../../domain/reward.ts';
import type { Worker } from '../../ports/worker.ts';
import type { SampleBatch, SampleParams } from '../../protocol/generated.ts';
import type { Gaps } from './gaps.ts';
import type { OrchestratorOptions } from './options.ts';

const MODEL = 'solver';

/** Answers to a question, where a request holds as many. */
const ROLLOUTS = 8;

/** As the paper gives it. */
const CREDIT = loadConfig({ preset: 'paper' }).solver.credit;

/** What the steps of a run came to. */
export interface Done {
  steps: number;
  requests: number;
  samples: number;
  tokens: number;
  /** Mean reward of all samples. */
  reward: number;
}

/**
 * Take steps as the loop takes them, but for the gradient: ask questions, read, vote on and grade each answer when it
 * comes, give credit at the end of the step and publish new weights, which the workers are brought to before the next.
 */
export async function takeSteps(worker: Worker, options: OrchestratorOptions, gaps: Gaps): Promise<Done> {
  await worker.loadModel({ modelId: MODEL, source: MODEL, trainable: false, seed: 0 });
  const n = Math.min(ROLLOUTS, options.requestSamples);
  const total = { steps: 0, requests: 0, samples: 0, tokens: 0, reward: 0 };
  const questions = Math.ceil(options.samples / n);
  const perStep = Math.max(1, Math.floor(options.stepSamples / n));
  for (let first = 0; first < questions; first += perStep) {
    const asked = Math.min(perStep, questions - first);
    if (total.steps > 0) await worker.publishWeights({ modelId: MODEL });
    const { requests, batches, rewards } = await takeStep(worker, first, asked, n, options, gaps);
    total.steps += 1;
    total.requests += requests;
    total.samples += rewards.length;
    total.tokens += batches.reduce((sum, { tokens }) => sum + tokens.length, 0);
    total.reward += rewards.reduce((sum, reward) => sum + reward, 0);
  }
  return { ...total, reward: total.reward / total.samples };
}

async function takeStep(
  worker: Worker,
  first: number,
  questions: number,
  n: number,
  { requestSamples, tokens, workers }: OrchestratorOptions,
  gaps: Gaps,
) {
  const perRequest = Math.max(1, Math.floor(requestSamples / n));
  const asks: Promise<{ batch: SampleBatch; rewards: number[] }>[] = [];
  for (let start = first; start < first + questions; start += perRequest) {
    const numbers = Array.from(
      { length: Math.min(perRequest, first + questions - start) },
      (_, index) => start + index,
    );
    const params: SampleParams = {
      modelId: MODEL,
      conversations: numbers.map((number) => solverConversation(questionOf(number))),
      n,
      seeds: Uint32Array.from(numbers, (number) => seedOf(1, 'bench', number)),
      sampling: { temperature: 1, topP: 1, topK: 0, maxTokens: tokens },
    };
    asks.push(worker.sample(params).then((batch) => ({ batch, rewards: grade(batch, n) })));
  }
  const answers = await Promise.all(asks);
  gaps.begin(Math.min(asks.length, workers)); // so many workers wait for one of the next step
  const rewards = answers.flatMap((answer) => answer.rewards);
  const cut = answers.flatMap(({ batch }) => batch.stopReasons.map((reason) => reason === 'length'));
  creditOf(rewards, cut, n, CREDIT);
  return { requests: asks.length, batches: answers.map(({ batch }) => batch), rewards };
}

/** A problem such as the embedded domain has; two numbers are two questions, nearly always. */
function questionOf(number: number): string {
  const [start, add, times] = [number % 100, Math.floor(number / 100) % 10, 2 + (Math.floor(number / 1000) % 8)];
  return `Keep only the last two digits. Start with ${start}. (1) Add ${add}. (2) Multiply by ${times}.`;
}

/** Read the answers, let them vote, and pay each that agrees with the majority. */
function grade({ texts }: SampleBatch, n: number): number[] {
  const { solver } = METHODS.paper;
  const rewards: number[] = [];
  for (let start = 0; start < texts.length; start += n) {
    const group = texts.slice(start, start + n);
    const answers = group.map((text) => answerIn(text, 'paper'));
    const { label } = voteBy('paper', answers);
    for (const [index, text] of group.entries()) {
      rewards.push(label === null ? 0 : solverReward(text, answers[index] ?? null, label, solver));
    }
  }
  return rewards;
}
