import { creditOf } from '../domain/advantage.ts';
import { challengerConversation, parseProposals } from '../domain/prompts.ts';
import { permutation, stream } from '../domain/random.ts';
import { withoutRepetition } from '../domain/reward.ts';
import { type ScoredProposal, scoreBatch, withTotals } from '../domain/score.ts';
import { mean } from '../domain/statistics.ts';
import { answerQuestions, partSeeds, requestSeeds } from './ask.ts';
import { type LoopContext, type PhaseScope, recordName, runPhase } from './context.ts';
import { type Judge, loadJudges, unloadJudges } from './judges.ts';
import { creditMetrics, loadPolicy, type Policy, unloadPolicy, updatePolicy } from './policyUpdate.ts';

/**
 * Train the Challenger: GRPO on uncertainty minus repetition, judged by the frozen Solver.
 *
 * @param start weights that the Challenger starts from
 * @param solvers weights of the Solvers that judge it, the latest first; one unless `roles.judge` is `ensemble`
 * @param remembered questions that were kept in earlier iterations, the latest last
 * @returns the trained Challenger's folder
 */
export async function challengerPhase(
  context: LoopContext,
  iteration: number,
  start: string,
  solvers: readonly string[],
  remembered: readonly string[] = [],
): Promise<string> {
  const { settings, worker, store, signal } = context;
  const { steps } = settings.challenger;
  const { folder } = await runPhase(
    context,
    { iteration, phase: 'challenger', total: steps, unit: 'steps', note: 'learns to ask what the Solver half knows' },
    async (scope) => {
      const policy = await loadPolicy(context, 'challenger', start, settings.challenger);
      // The Challenger's own weights of the moment judge it, or frozen ones.
      const current = settings.roles.judge === 'current';
      const judges = current ? [] : await loadJudges(context, solvers, settings.answering.votes);
      const asked = current ? [{ modelId: policy.modelId, votes: settings.answering.votes }] : judges;
      const history: Record<string, number>[] = [];
      for (let step = 1; step <= steps; step++) {
        const metrics = await challengerStep(context, scope, policy, asked, { iteration, step, remembered });
        history.push(metrics);
        scope.step(step, steps, metrics);
      }
      const folder = store.modelFolder(iteration, 'challenger');
      await worker.saveCheckpoint({ modelId: policy.modelId, path: folder, withOptimizer: false }, { signal });
      await unloadPolicy(worker, policy, { signal });
      await unloadJudges(context, judges);
      return { folder, metrics: history.at(-1) ?? {} };
    },
  );
  return folder;
}

async function challengerStep(
  context: LoopContext,
  scope: PhaseScope,
  policy: Policy,
  judges: readonly Judge[],
  { iteration, step, remembered }: { iteration: number; step: number; remembered: readonly string[] },
): Promise<Record<string, number>> {
  const { settings, worker, store, signal } = context;
  const { steps, prompts, rollouts, sampling, credit } = settings.challenger;
  const rule = settings.rewards.challenger;
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
  const parsed = parseProposals(proposals.texts, rule);
  const questions = parsed.flatMap((proposal) => proposal?.question ?? []);
  const { sampling: answerSampling } = settings.answering;
  const answered = await answerQuestions(
    worker,
    questions,
    { judges, sampling: answerSampling, voting: rule.voting, seeds: partSeeds(settings.seed, ...path, 'answer') },
    scope.call({ from: step - 2 / 3, to: step - 1 / 3, total: steps }),
  );

  const answersOf = answered.values();
  const batch = proposals.texts.map((text, row) => {
    const own = parsed[row] ?? null;
    const answers = own === null ? undefined : answersOf.next().value;
    return { text, parsed: own, answers: answers?.answers ?? [], responses: answers?.responses };
  });
  const scored = await score(context, batch, remembered);
  const judged = scored.map(({ text, parsed, vote, reward }, row) => ({
    text,
    ...(parsed === null ? {} : { question: parsed.question, responses: batch[row]?.responses ?? [] }),
    label: vote.label,
    agreement: vote.agreement,
    reward,
  }));
  const cut = proposals.stopReasons.map((reason) => reason === 'length');
  const { advantages, trained, ...counts } = creditOf(
    judged.map(({ reward }) => reward.total),
    cut,
    rollouts,
    credit,
  );
  const order = permutation(judged.length, stream(settings.seed, ...path, 'order')).filter((row) => trained[row]);
  const within = { signal, step, warn: scope.warn };
  const update = await updatePolicy(worker, policy, proposals, advantages, settings.challenger, order, within);

  store.writeRecords(
    recordName(iteration, 'challenger', `step-${String(step).padStart(3, '0')}`),
    judged.map((record, row) => ({ iteration, step, ...record, advantage: advantages[row] })),
  );
  const best = Math.max(...judged.map(({ reward }) => reward.total));
  const example = judged.find(({ question, reward }) => question !== undefined && reward.total === best);
  if (example?.question !== undefined) {
    const { question, agreement, label } = example;
    const samples = settings.answering.votes;
    scope.report({ type: 'sample-question', iteration, phase: 'challenger', question, agreement, samples, label });
  }
  return {
    reward: mean(judged.map(({ reward }) => reward.total)),
    uncertainty: mean(judged.map(({ reward }) => reward.uncertainty)),
    repetition: mean(judged.map(({ reward }) => reward.repetition)),
    wellFormed: questions.length / judged.length,
    distinct: new Set(questions).size / Math.max(1, questions.length),
    agreement: mean(answered.map(({ vote }) => vote.agreement)),
    ...creditMetrics(credit, counts, judged.length / rollouts),
    ...update,
  };
}

/** The batch with the rewards of the configured rule, or with the user's own. */
async function score(
  { settings, challengerReward }: LoopContext,
  batch: Parameters<typeof scoreBatch>[0],
  remembered: readonly string[],
) {
  const rule = settings.rewards.challenger;
  const weighed = settings.arm === 'no-repetition' ? withoutRepetition(rule) : rule;
  const scored: ScoredProposal[] = scoreBatch(batch, weighed, remembered);
  return challengerReward === undefined ? scored : withTotals(scored, await challengerReward(scored));
}
