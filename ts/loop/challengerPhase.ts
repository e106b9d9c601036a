import { groupAdvantages } from '../domain/advantage.ts';
import { averageLinkage, clusterShares } from '../domain/clusters.ts';
import { parseQuestion } from '../domain/parse.ts';
import { challengerConversation } from '../domain/prompts.ts';
import { permutation, stream } from '../domain/random.ts';
import { challengerReward, REWARD_PRESETS, type RewardPreset, withoutRepetition } from '../domain/reward.ts';
import type { Settings } from '../domain/settings.ts';
import { bleuDistances } from '../domain/similarity.ts';
import { mean } from '../domain/statistics.ts';
import { type AnsweredQuestion, answerQuestions, requestSeeds } from './ask.ts';
import { type LoopContext, type PhaseScope, recordName, runPhase } from './context.ts';
import { loadPolicy, type Policy, unloadPolicy, updatePolicy } from './policyUpdate.ts';

/** Distance at which two clusters of questions are no longer joined, paper section 3.2 (tau_BLEU). */
const CLUSTER_THRESHOLD = 0.5;

/**
 * Train the Challenger: GRPO on uncertainty minus repetition, judged by the frozen Solver.
 *
 * @param start weights that the Challenger starts from and is anchored to
 * @param solver weights of the frozen Solver
 * @returns the trained Challenger's folder
 */
export async function challengerPhase(
  context: LoopContext,
  iteration: number,
  start: string,
  solver: string,
): Promise<string> {
  const { settings, worker, store, signal } = context;
  const { steps } = settings.challenger;
  const { folder } = await runPhase(
    context,
    { iteration, phase: 'challenger', total: steps, unit: 'steps', note: 'learns to ask what the Solver half knows' },
    async (scope) => {
      const policy = await loadPolicy(worker, 'challenger', start, settings.challenger, settings.seed, { signal });
      await worker.loadModel({ modelId: 'solver', source: solver, trainable: false, seed: settings.seed }, { signal });
      const history: Record<string, number>[] = [];
      for (let step = 1; step <= steps; step++) {
        const metrics = await challengerStep(context, scope, policy, iteration, step);
        history.push(metrics);
        scope.step(step, steps, metrics);
      }
      const folder = store.modelFolder(iteration, 'challenger');
      await worker.saveCheckpoint({ modelId: policy.modelId, path: folder, withOptimizer: false }, { signal });
      await unloadPolicy(worker, policy, { signal });
      await worker.unloadModel({ modelId: 'solver' }, { signal });
      return { folder, metrics: history.at(-1) ?? {} };
    },
  );
  return folder;
}

async function challengerStep(
  context: LoopContext,
  scope: PhaseScope,
  policy: Policy,
  iteration: number,
  step: number,
): Promise<Record<string, number>> {
  const { settings, worker, store, signal } = context;
  const { steps, prompts, rollouts, sampling } = settings.challenger;
  const path = ['challenger', iteration, step] as const;

  const proposals = await worker.sample(
    {
      modelId: policy.modelId,
      conversations: Array.from({ length: prompts }, challengerConversation),
      n: rollouts,
      seeds: requestSeeds(settings.seed, prompts, ...path, 'ask'),
      sampling,
    },
    scope.call({ from: step - 1, to: step - 2 / 3, total: steps }),
  );
  const parsed = proposals.texts.map(parseQuestion);
  const wellFormed = parsed.flatMap((proposal, row) =>
    proposal === null ? [] : [{ row, question: proposal.question }],
  );
  const questions = wellFormed.map(({ question }) => question);
  const answered = await answerQuestions(
    worker,
    'solver',
    questions,
    settings.answering,
    requestSeeds(settings.seed, questions.length, ...path, 'answer'),
    scope.call({ from: step - 2 / 3, to: step - 1 / 3, total: steps }),
  );

  const judged = judge(proposals.texts, wellFormed, answered, rewardPreset(settings));
  const advantages = groupAdvantages(
    judged.map(({ reward }) => reward.total),
    rollouts,
  );
  const order = permutation(judged.length, stream(settings.seed, ...path, 'order'));
  const update = await updatePolicy(worker, policy, proposals, advantages, settings.challenger, order, { signal });

  store.writeRecords(
    recordName(iteration, 'challenger', `step-${String(step).padStart(3, '0')}`),
    judged.map((record, row) => ({ iteration, step, ...record, advantage: advantages[row] })),
  );
  const best = Math.max(...judged.map(({ reward }) => reward.total));
  const example = judged.find(({ question, reward }) => question !== undefined && reward.total === best);
  if (example?.question !== undefined) {
    const { question, agreement, label } = example;
    scope.report({ type: 'sample-question', iteration, phase: 'challenger', question, agreement, label });
  }
  return {
    reward: mean(judged.map(({ reward }) => reward.total)),
    uncertainty: mean(judged.map(({ reward }) => reward.uncertainty)),
    repetition: mean(judged.map(({ reward }) => reward.repetition)),
    wellFormed: wellFormed.length / judged.length,
    distinct: new Set(questions).size / Math.max(1, questions.length),
    agreement: mean(answered.map(({ vote }) => vote.agreement)),
    ...update,
  };
}

/** Rewards of a step's proposals, malformed ones included, in the proposals' order. */
function judge(
  texts: readonly string[],
  wellFormed: readonly { row: number; question: string }[],
  answered: readonly AnsweredQuestion[],
  preset: RewardPreset,
) {
  // The share of a cluster is of the whole batch (paper: |C_k| / B), so malformed proposals count in B.
  const distances = bleuDistances(wellFormed.map(({ question }) => question));
  const shares = clusterShares(averageLinkage(distances, wellFormed.length, CLUSTER_THRESHOLD));
  const scale = wellFormed.length / texts.length;
  const indexOfRow = new Map(wellFormed.map(({ row }, index) => [row, index]));
  return texts.map((text, row) => {
    const index = indexOfRow.get(row);
    const answers = index === undefined ? undefined : answered[index];
    const agreement = answers?.vote.agreement ?? 0;
    const clusterShare = index === undefined ? 0 : (shares[index] ?? 0) * scale;
    return {
      text,
      ...(answers === undefined ? {} : { question: answers.question, responses: answers.responses }),
      label: answers?.vote.label ?? null,
      agreement,
      reward: challengerReward({ wellFormed: answers !== undefined, agreement, clusterShare }, preset),
    };
  });
}

function rewardPreset({ arm, challenger }: Settings): RewardPreset {
  const preset = REWARD_PRESETS[challenger.reward];
  return arm === 'no-repetition' ? withoutRepetition(preset) : preset;
}
