import { type Credit, creditOf } from '../domain/advantage.ts';
import { correlation } from '../domain/correlation.ts';
import type { ParsedQuestion } from '../domain/parse.ts';
import { challengerConversation, parseProposals } from '../domain/prompts.ts';
import { withoutRepetition } from '../domain/reward.ts';
import { clusterShares, type ScoredProposal, scoreProposal, withTotals } from '../domain/score.ts';
import { mean } from '../domain/statistics.ts';
import { AnswerFigures } from './answerFigures.ts';
import { type AnsweredQuestion, answerQuestions, partSeeds, requestSeeds } from './ask.ts';
import { type LoopContext, recordName } from './context.ts';
import { drawFirst, overAsked } from './draw.ts';
import { type Judge, loadJudges, unloadJudges } from './judges.ts';
import { heardLater } from './later.ts';
import { type PhaseScope, runPhase } from './phase.ts';
import type { Policy } from './policy.ts';
import { creditMetrics, type StepScope, updatePolicy } from './policyUpdate.ts';
import { questionFigures } from './questionFigures.ts';
import { joinRollouts, type Rollouts, scoringOf } from './rollouts.ts';
import { modelName, requireIntact } from './sources.ts';
import { paddedStep, type StepResult, Training } from './training.ts';

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
  const { settings, store } = context;
  const { steps } = settings.challenger;
  await runPhase(
    context,
    { iteration, phase: 'challenger', total: steps, unit: 'steps', note: 'learns to ask what the Solver half knows' },
    async (scope) => {
      requireIntact(context, [start, ...solvers]);
      const training = await Training.begin(context, scope, 'challenger', start, settings.challenger);
      const { policy } = training;
      // The Challenger's own weights of the moment judge it, or frozen ones.
      const current = settings.roles.judge === 'current';
      const judges = current ? [] : await loadJudges(context, solvers, settings.answering.votes);
      const asked = current ? [{ modelId: policy.modelId, votes: settings.answering.votes }] : judges;
      const made = await training.run(steps, steps, (step, within) =>
        challengerStep(context, scope, policy, asked, within, { iteration, step, remembered }),
      );
      const model = await training.finish();
      await unloadJudges(context, judges);
      return { metrics: made.at(-1)?.metrics ?? {}, files: made.flatMap(({ files }) => files), model, value: {} };
    },
  );
  return store.folder(modelName(iteration, 'challenger'));
}

async function challengerStep(
  context: LoopContext,
  scope: PhaseScope,
  policy: Policy,
  judges: readonly Judge[],
  within: StepScope,
  { iteration, step, remembered }: { iteration: number; step: number; remembered: readonly string[] },
): Promise<StepResult> {
  const { settings, worker, store } = context;
  const { prompts, rollouts: n, credit } = settings.challenger;

  const { rollouts, proposals } = await propose(context, scope, policy, judges, iteration, step);
  const scored = score(context, scope, proposals, step, remembered);
  const cut = rollouts.batch.stopReasons.map((reason) => reason === 'length');
  const creditFor = async (group: number): Promise<Credit> => {
    const [from, to] = [group * n, (group + 1) * n];
    const rewards = (await Promise.all(scored.slice(from, to))).map(({ reward }) => reward.total);
    return creditOf(rewards, cut.slice(from, to), n, credit);
  };
  // All prompts are alike, so the order in which they were drawn is as random as any.
  const order = Array.from({ length: prompts }, (_, group) => group);
  const update = await updatePolicy(worker, policy, rollouts, settings.challenger, order, creditFor, within);

  const judged = await Promise.all(scored);
  const file = store.writeRecords(
    recordName(iteration, 'challenger', `step-${paddedStep(step)}`),
    judged.map(({ text, parsed, responses, vote, reward }, row) => ({
      iteration,
      step,
      text,
      ...(parsed === null ? {} : { question: parsed.question, responses }),
      label: vote.label,
      agreement: vote.agreement,
      reward,
      advantage: update.credit.advantages[row],
    })),
  );
  reportBest(context, scope, iteration, judged);
  const asked = judged.filter(({ parsed }) => parsed !== null);
  const agreements = asked.map(({ vote }) => vote.agreement);
  scope.report({ type: 'agreements', iteration, phase: 'challenger', agreements });
  const metrics = {
    reward: mean(judged.map(({ reward }) => reward.total)),
    uncertainty: mean(judged.map(({ reward }) => reward.uncertainty)),
    repetition: mean(judged.map(({ reward }) => reward.repetition)),
    wellFormed: asked.length / judged.length,
    agreement: mean(agreements),
    ...questionMetrics(asked),
    cutOff: mean(cut.map(Number)),
    ...creditMetrics(credit, update.credit, prompts),
    ...update.metrics,
  };
  return { metrics, files: [file] };
}

/** What a step's well-formed questions and their answers are like; of none there is little to say. */
function questionMetrics(asked: readonly Judged[]): Record<string, number> {
  if (asked.length === 0) return { distinct: 0 };
  const answers = new AnswerFigures();
  for (const one of asked) answers.add(one);
  const pays = correlation(
    asked.map(({ vote, responses }) => vote.unboxed / responses.length),
    asked.map(({ reward }) => reward.total),
  );
  return {
    ...questionFigures(asked.map(({ parsed }) => parsed?.question ?? '')),
    largestCluster: asked.reduce((most, { clusterShare }) => Math.max(most, clusterShare), 0),
    ...answers.metrics,
    ...(Number.isFinite(pays) ? { unboxedPays: pays } : {}),
  };
}

/** One of the Challenger's texts, and its answers to come; null for a malformed one. */
interface Pending {
  text: string;
  parsed: ParsedQuestion | null;
  answered: Promise<AnsweredQuestion | null>;
}

/**
 * Draw a step's proposals. As soon as some are there the Solver is asked their questions, and the trainer their
 * log-probs; both go on while the next are drawn.
 *
 * Where more are asked for than are needed (`overAsk`), those count that are answered first.
 */
async function propose(
  { settings, worker }: LoopContext,
  scope: PhaseScope,
  policy: Policy,
  judges: readonly Judge[],
  iteration: number,
  step: number,
): Promise<{ rollouts: Rollouts; proposals: Pending[] }> {
  const { seed, answering } = settings;
  const { steps, prompts, rollouts: n, sampling, overAsk } = settings.challenger;
  const rule = settings.rewards.challenger;
  const path = ['challenger', iteration, step] as const;
  const asking = {
    judges,
    sampling: answering.sampling,
    voting: rule.voting,
    seed: partSeeds(seed, ...path, 'answer'),
  };
  const asked = overAsked(prompts, overAsk);
  const tally = scope.tally({ from: step - 1, to: step - 1 / 3, total: steps }, prompts * n * (1 + answering.votes));
  const request = {
    modelId: policy.modelId,
    conversations: Array.from({ length: asked }, challengerConversation),
    n,
    seeds: requestSeeds(seed, asked, ...path, 'ask'),
    sampling,
  };
  const scoring = scoringOf(worker, policy, settings.challenger, { asked, needed: prompts }, scope.call);
  const parts = await drawFirst(worker, request, prompts, tally.call(), async (batch, first, signal) => {
    const scores = scoring.add(batch, first);
    const parsed = parseProposals(batch.texts, rule);
    const questions = parsed.flatMap((own, index) =>
      own === null ? [] : [{ text: own.question, number: first * n + index }],
    );
    const answers = heardLater(answerQuestions(worker, questions, asking, { ...tally.call(), signal }));
    tally.skip((parsed.length - questions.length) * answering.votes);
    if (asked > prompts) await answers;
    let next = 0;
    const proposals = parsed.map((own, index): Pending => {
      const at = own === null ? null : next++;
      const answered = answers.then((all) => (at === null ? null : (all[at] as AnsweredQuestion)));
      return { text: batch.texts[index] as string, parsed: own, answered: heardLater(answered) };
    });
    return { batch, scores, proposals };
  });
  return {
    rollouts: await joinRollouts(parts, n, prompts),
    proposals: parts.flatMap(({ value }) => value.proposals).slice(0, prompts * n),
  };
}

/** A proposal with its reward and the Solver's response texts. */
type Judged = ScoredProposal & { responses: string[]; cutOff: number };

/**
 * The rewards of the configured rule, each as soon as its question is answered; or the user's own, which are given the
 * whole batch.
 */
function score(
  { settings, challengerReward }: LoopContext,
  { call }: PhaseScope,
  proposals: readonly Pending[],
  step: number,
  remembered: readonly string[],
): Promise<Judged>[] {
  const rule = settings.rewards.challenger;
  const weighed = settings.arm === 'no-repetition' ? withoutRepetition(rule) : rule;
  const shares = clusterShares(
    proposals.map(({ parsed }) => parsed),
    weighed,
    remembered,
  );
  const scored = proposals.map(async ({ text, parsed, answered }, index): Promise<Judged> => {
    const { answers = [], responses = [], cutOff = 0 } = (await answered) ?? {};
    return scoreProposal({ text, parsed, answers, responses, cutOff }, shares[index] as number, weighed);
  });
  for (const one of scored) heardLater(one);
  if (challengerReward === undefined) return scored;
  const paid = Promise.all(scored).then(async (batch) => {
    const pay = async () => ({ totals: await challengerReward(batch) });
    const question = { rewardOf: step, texts: batch.map(({ text }) => text) };
    const { totals } = await (call.answers?.recall(question, pay) ?? pay());
    return withTotals(batch, totals);
  });
  return scored.map((_, index) => heardLater(paid.then((batch) => batch[index] as Judged)));
}

/** Show the question with the highest reward. */
function reportBest(
  { settings }: LoopContext,
  scope: PhaseScope,
  iteration: number,
  judged: readonly ScoredProposal[],
): void {
  const best = judged.reduce((most, { reward }) => Math.max(most, reward.total), Number.NEGATIVE_INFINITY);
  const example = judged.find(({ parsed, reward }) => parsed !== null && reward.total === best);
  if (example?.parsed == null) return;
  const { agreement, label } = example.vote;
  const { question } = example.parsed;
  const samples = settings.answering.votes;
  scope.report({ type: 'sample-question', iteration, phase: 'challenger', question, agreement, samples, label });
}
