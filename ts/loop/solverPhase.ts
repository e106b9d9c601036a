import { creditOf } from '../domain/advantage.ts';
import { answerIn } from '../domain/ballot.ts';
import { randomRewards } from '../domain/controls.ts';
import { problemBatches } from '../domain/curriculum.ts';
import { solverConversation } from '../domain/prompts.ts';
import { permutation, stream } from '../domain/random.ts';
import { solverReward } from '../domain/reward.ts';
import { groupTexts } from '../domain/samples.ts';
import { mean } from '../domain/statistics.ts';
import { requestSeeds } from './ask.ts';
import { type LoopContext, recordName } from './context.ts';
import { drawFirst, overAsked } from './draw.ts';
import { type PhaseScope, runPhase } from './phase.ts';
import type { Policy } from './policy.ts';
import { creditMetrics, type StepScope, updatePolicy } from './policyUpdate.ts';
import type { Problem } from './questionPhase.ts';
import { joinRollouts, type Rollouts, scoringOf } from './rollouts.ts';
import { modelName, requireIntact } from './sources.ts';
import { paddedStep, type StepResult, Training } from './training.ts';

/**
 * Train the Solver on the kept questions: GRPO on the binary reward (paper section 3.4).
 *
 * With no question kept there is nothing to learn from: the Solver goes on unchanged. With fewer than a batch holds, `questions.shortfall` says what the batches are.
 *
 * @param start weights that the Solver starts from
 * @returns the trained Solver's folder
 */
export async function solverPhase(
  context: LoopContext,
  iteration: number,
  start: string,
  problems: readonly Problem[],
): Promise<string> {
  const { settings, store } = context;
  const { steps, prompts, overAsk } = settings.solver;
  const { order, shortfall } = settings.questions;
  await runPhase(
    context,
    { iteration, phase: 'solver', total: steps, unit: 'steps', note: 'learns to agree with the majority' },
    async (scope) => {
      requireIntact(context, [start]);
      const training = await Training.begin(context, scope, 'solver', start, settings.solver);
      const size = shortfall === 'repeat' ? prompts : Math.max(1, Math.min(prompts, problems.length));
      const random = order === 'shuffled' ? stream(settings.seed, 'solver', iteration, 'batches') : null;
      const batches = problemBatches(problems, overAsked(size, overAsk), steps, random);
      const made = await training.run(steps, batches.length, (step, within) => {
        const asked = batches[step - 1] as Problem[];
        return solverStep(context, scope, training.policy, within, { iteration, step, asked, size });
      });
      const model = await training.finish();
      const metrics = { steps: batches.length, ...made.at(-1)?.metrics };
      return { metrics, files: made.flatMap(({ files }) => files), model, value: {} };
    },
  );
  return store.folder(modelName(iteration, 'solver'));
}

/** What a step is drawn from. */
interface Batch {
  iteration: number;
  step: number;
  /** Problems that are asked. */
  asked: readonly Problem[];
  /** How many of them are trained on: those that are answered first. */
  size: number;
}

async function solverStep(
  context: LoopContext,
  scope: PhaseScope,
  policy: Policy,
  within: StepScope,
  batch: Batch,
): Promise<StepResult> {
  const { settings, worker, store } = context;
  const { iteration, step } = batch;
  const { rollouts: n, credit } = settings.solver;
  const path = ['solver', iteration, step] as const;

  const { rollouts, problems, rewards: earned } = await solve(context, scope, policy, batch);
  const { texts: all, stopReasons } = rollouts.batch;
  const texts = groupTexts(all, n);
  const rewards =
    settings.arm === 'random-rewards'
      ? randomRewards(all.length, stream(settings.seed, ...path, 'random-rewards'))
      : earned;
  const cut = stopReasons.map((reason) => reason === 'length');
  const creditFor = async (group: number) => {
    const [from, to] = [group * n, (group + 1) * n];
    return creditOf(rewards.slice(from, to), cut.slice(from, to), n, credit);
  };
  // Problems may come by difficulty, and an update shall not be of one difficulty.
  const order = permutation(problems.length, stream(settings.seed, ...path, 'order'));
  const update = await updatePolicy(worker, policy, rollouts, settings.solver, order, creditFor, within);

  const rewardsOf = (group: number) => rewards.slice(group * n, (group + 1) * n);
  const file = store.writeRecords(
    recordName(iteration, 'solver', `step-${paddedStep(step)}`),
    problems.map((problem, group) => ({
      iteration,
      step,
      ...problem,
      responses: texts[group],
      rewards: rewardsOf(group),
    })),
  );
  const uninformative = problems.filter((_, group) => new Set(rewardsOf(group)).size === 1).length;
  const metrics = {
    reward: mean(rewards),
    uninformative: uninformative / problems.length,
    cutOff: mean(cut.map(Number)),
    ...creditMetrics(credit, update.credit, problems.length),
    ...update.metrics,
  };
  return { metrics, files: [file] };
}

/**
 * Draw a step's samples. As soon as some are there they are graded, and the trainer is asked their log-probs, while the
 * next are drawn.
 */
async function solve(
  { settings, worker }: LoopContext,
  scope: PhaseScope,
  policy: Policy,
  { iteration, step, asked, size }: Batch,
): Promise<{ rollouts: Rollouts; problems: Problem[]; rewards: number[] }> {
  const { steps, rollouts: n, sampling } = settings.solver;
  const tally = scope.tally({ from: step - 1, to: step - 1 / 2, total: steps }, size * n);
  const request = {
    modelId: policy.modelId,
    conversations: asked.map(({ question }) => solverConversation(question)),
    n,
    seeds: requestSeeds(settings.seed, asked.length, 'solver', iteration, step, 'answer'),
    sampling,
  };
  const scoring = scoringOf(worker, policy, settings.solver, { asked: asked.length, needed: size }, scope.call);
  const parts = await drawFirst(worker, request, size, tally.call(), (batch, first) => {
    const scores = scoring.add(batch, first);
    const rewards = batch.texts.map((text, index) => {
      const { label } = asked[first + Math.floor(index / n)] as Problem;
      return solverReward(text, answerIn(text, settings.questions.voting), label, settings.rewards.solver);
    });
    return { batch, scores, rewards };
  });
  return {
    rollouts: await joinRollouts(parts, n, size),
    problems: parts.flatMap(({ first, count }) => asked.slice(first, first + count)).slice(0, size),
    rewards: parts.flatMap(({ value }) => value.rewards).slice(0, size * n),
  };
}
